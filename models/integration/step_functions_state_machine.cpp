#include "models/integration/step_functions_state_machine.hpp"

#include "models/integration/step_functions_state_machine.pb.h"
#include "models/mechanisms/regional_place.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Outcome;
using S = settings::StepFunctionsStateMachine;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

Duration timeout_of(const S& settings) {
  const Duration longest =
      settings.type() == S::EXPRESS ? Duration(minutes(5)) : Duration(hours(24 * 366));
  return settings.has_timeout() ? std::min(longest, to_duration(settings.timeout())) : longest;
}

}  // namespace

StepFunctionsStateMachine::StepFunctionsStateMachine(sim::Simulation& sim, const std::string& name,
                                                     const S& settings)
    : Component(sim, name),
      throttles(*this, metric_set_,
                {{{"StartExecutionThrottled", "refused: StartExecution's bucket"},
                  {"TooManyOpenExecutions", "refused: open executions"}}}),
      region_(settings.region()),
      express_(settings.type() == S::EXPRESS),
      synchronous_(settings.synchronous()),
      most_open_(settings.open_executions()),
      history_(static_cast<std::uint32_t>(settings.history())),
      start_time_(to_distribution(settings.start_time())),
      transition_time_(to_distribution(settings.transition_time())),
      states_(step_states_of(*this, settings, tasks_)),
      running_(*this, "executions", *this, timeout_of(settings)),
      time_chance_(stream("times")),
      choice_chance_(stream("choices")),
      retry_chance_(stream("retries")),
      write_chance_(stream("writes")) {
  set_zone(regional_place(sim, region_));
  publish_metrics();
}

StepFunctionsStateMachine::~StepFunctionsStateMachine() = default;

void StepFunctionsStateMachine::wire(sim::Wiring& wiring) {
  quotas_ = &AccountQuotas::of(sim(), region_);
  for (StepTask& task : tasks_) task.integration->wire(wiring);
}

void StepFunctionsStateMachine::publish_metrics() {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  const auto as = [&](const char* metric_name, double scale = 1) {
    return CloudWatch::Publication{.component = name(),
                                   .space = "AWS/States",
                                   .name = metric_name,
                                   .dimensions = {{"StateMachineArn", name()}},
                                   .delay = {},
                                   .scale = scale};
  };
  cloudwatch.publish_growth(as("ExecutionsStarted"), metric.started);
  cloudwatch.publish_growth(as("ExecutionsSucceeded"), metric.succeeded);
  cloudwatch.publish_growth(as("ExecutionsFailed"), metric.failed);
  cloudwatch.publish_growth(as("ExecutionsTimedOut"), metric.timed_out);
  cloudwatch.publish_growth(as("ExecutionThrottled"), metric.throttled);
  cloudwatch.publish_records(as("ExecutionTime", 1000), metric.time);
}

void StepFunctionsStateMachine::on_request(Call& call, Handle handle) {
  TokenBucket& bucket = express_ ? quotas_->start_express : quotas_->start_standard;
  throttles.offer(call);
  const bool full = !express_ && metric.open.value() >= most_open_;
  if (full || !bucket.take(sim().now())) {
    throttles.refuse(call, full ? 1 : 0);
    metric.throttled.add();
    return sim().answer(handle, Outcome::throttled);
  }
  metric.started.add();
  metric.open.add(sim().now(), +1);
  const Handle execution = executions_.create();
  Execution& it = executions_[execution];
  it.started = sim().now();
  it.request_class = call.request_class;
  running_.enter(execution.slot());
  const bool waits = express_ && synchronous_;
  if (waits) it.caller = handle;
  sim().after<&StepFunctionsStateMachine::on_started>(start_time_.sample(time_chance_), this,
                                                      execution);
  if (!waits) sim().answer(handle, Outcome::ok);
}

void StepFunctionsStateMachine::on_started(Handle execution) {
  if (executions_.find(execution) != nullptr) enter(execution, 0);
}

// --- states

template <auto Method>
void StepFunctionsStateMachine::transition(Handle what) {
  metric.transitions.add();
  Duration wait = transition_time_.sample(time_chance_);
  if (!express_) {
    const Duration delay = quotas_->state_transitions.take(sim().now());
    if (delay > Duration::zero()) metric.throttled.add();
    wait += delay;
  }
  sim().after<Method>(wait, this, what);
}

void StepFunctionsStateMachine::enter(Handle handle, std::uint16_t state) {
  Execution& it = executions_[handle];
  it.state = state;
  ++it.visit;
  it.items_begun = it.tasks_open = 0;
  it.events += 2;
  transition<&StepFunctionsStateMachine::on_entered>(handle);
}

void StepFunctionsStateMachine::on_entered(Handle handle) {
  Execution* it = executions_.find(handle);
  if (it == nullptr) return;  // its time was over meanwhile
  if (!express_ && it->events > history_) return end(handle, End::failed);
  const StepState& state = states_[it->state];
  switch (state.kind) {
    case StepState::Kind::wait:
      return sim().after<&StepFunctionsStateMachine::on_state_done>(state.wait.sample(time_chance_),
                                                                    this, handle);
    case StepState::Kind::choice: {
      const double at = choice_chance_.uniform();
      const auto* chosen = state.choices.data();
      while (chosen != &state.choices.back() && chosen->first <= at) ++chosen;
      return enter(handle, chosen->second);
    }
    case StepState::Kind::tasks:
      return begin_tasks(handle, state);
  }
}

void StepFunctionsStateMachine::begin_tasks(Handle handle, const StepState& state) {
  Execution& it = executions_[handle];
  const auto branches = static_cast<std::uint32_t>(state.branches.size());
  const std::uint32_t all = state.is_map ? state.items : branches;
  const std::uint32_t first = state.is_map ? std::min(state.most_at_once, all) : all;
  if (all == 0) return leave(handle);
  it.items_begun = it.tasks_open = first;
  const std::uint32_t visit = it.visit;
  for (std::uint32_t i = 0; i < first; ++i) {
    // A task that failed in no time has ended the state.
    const Execution* still = executions_.find(handle);
    if (still == nullptr || still->visit != visit) return;
    begin_job(handle, state.branches[state.is_map ? 0 : i]);
  }
}

void StepFunctionsStateMachine::on_state_done(Handle handle) {
  if (executions_.find(handle) != nullptr) leave(handle);
}

void StepFunctionsStateMachine::leave(Handle handle) {
  const std::uint16_t next = states_[executions_[handle].state].next;
  if (next == StepState::none) return end(handle, End::succeeded);
  enter(handle, next);
}

void StepFunctionsStateMachine::state_failed(Handle handle) {
  const std::uint16_t caught = states_[executions_[handle].state].caught;
  if (caught == StepState::none) return end(handle, End::failed);
  enter(handle, caught);
}

void StepFunctionsStateMachine::end(Handle handle, End how) {
  const Execution it = executions_[handle];
  (how == End::succeeded ? metric.succeeded
   : how == End::failed  ? metric.failed
                         : metric.timed_out)
      .add();
  metric.open.add(sim().now(), -1);
  metric.time.record(sim().now() - it.started);
  if (how != End::timed_out) running_.leave(handle.slot());
  executions_.destroy(handle);
  if (it.caller) sim().answer(it.caller, how == End::succeeded ? Outcome::ok : Outcome::error);
}

void StepFunctionsStateMachine::on_time_over(const TimedList&, std::uint32_t slot) {
  end(executions_.handle_of(slot), End::timed_out);
}

// --- tasks

void StepFunctionsStateMachine::begin_job(Handle execution, std::uint16_t task) {
  const Handle job = jobs_.create();
  Execution& it = executions_[execution];
  it.events += 3;
  jobs_[job] = {.execution = execution, .visit = it.visit, .attempt = 1, .task = task};
  metric.tasks.add(sim().now(), +1);
  if (states_[it.state].has_states) {
    it.events += 2;
    transition<&StepFunctionsStateMachine::on_attempt>(job);
  } else {
    on_attempt(job);
  }
}

void StepFunctionsStateMachine::next_task(Handle handle) {
  Job& job = jobs_[handle];
  ++job.task;
  job.attempt = 1;
  executions_[job.execution].events += 5;
  transition<&StepFunctionsStateMachine::on_attempt>(handle);
}

void StepFunctionsStateMachine::on_attempt(Handle handle) {
  const Job job = jobs_[handle];
  const Execution* execution = executions_.find(job.execution);
  const bool wanted = execution != nullptr && execution->visit == job.visit;
  const bool full = wanted && !express_ && execution->events > history_;
  if (!wanted || full) {
    metric.tasks.add(sim().now(), -1);
    jobs_.destroy(handle);
    if (full) end(job.execution, End::failed);
    return;
  }
  const StepTask& task = tasks_[job.task];
  task.integration->call({.context = handle,
                          .request_class = execution->request_class,
                          .operation = write_chance_.chance(task.writes) ? sim::Operation::write
                                                                         : sim::Operation::read});
}

void StepFunctionsStateMachine::on_answer(Call& call, Handle) {
  job_ended(call, call.outcome == Outcome::ok);
}
void StepFunctionsStateMachine::on_timeout(Call& call, Handle) { job_ended(call, false); }

void StepFunctionsStateMachine::job_ended(const Call& call, bool success) {
  const Handle handle = call.context;
  const Job job = jobs_[handle];
  if (!success && call.outcome != Outcome::error) {
    tasks_[job.task].integration->on_call_failed(call);
  }
  const Execution* execution = executions_.find(job.execution);
  const bool wanted = execution != nullptr && execution->visit == job.visit;
  if (wanted && !success && tried_again(handle, call)) return;
  if (wanted && success && !tasks_[job.task].is_last) return next_task(handle);
  metric.tasks.add(sim().now(), -1);
  jobs_.destroy(handle);
  if (!wanted) return;
  if (success) return task_succeeded(job.execution);
  state_failed(job.execution);
}

bool StepFunctionsStateMachine::tried_again(Handle handle, const Call& call) {
  Job& job = jobs_[handle];
  const auto& retry = tasks_[job.task].retry;
  if (!retry || job.attempt > retry->max_attempts ||
      !retry->is_for(call.outcome == Outcome::timeout)) {
    return false;
  }
  metric.retries.add();
  executions_[job.execution].events += 3;
  const Duration pause = retry->pause(job.attempt, retry_chance_);
  ++job.attempt;
  sim().after<&StepFunctionsStateMachine::on_retry_due>(pause, this, handle);
  return true;
}

// A retry is a state transition (rule 28).
void StepFunctionsStateMachine::on_retry_due(Handle job) {
  transition<&StepFunctionsStateMachine::on_attempt>(job);
}

void StepFunctionsStateMachine::task_succeeded(Handle handle) {
  Execution& it = executions_[handle];
  const StepState& state = states_[it.state];
  if (state.is_map && it.items_begun < state.items) {
    ++it.items_begun;
    return begin_job(handle, state.branches.front());
  }
  if (--it.tasks_open == 0) leave(handle);
}

REGISTER_MODEL(StepFunctionsStateMachine, settings::StepFunctionsStateMachine);

}  // namespace windtunnel
