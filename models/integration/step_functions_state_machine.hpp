// A state machine of AWS Step Functions, standard or express. An execution enters state after
// state; each entry and each retry of a standard one is a state transition, and the account's
// transitions of the region have a bucket at which they wait; the bucket of StartExecution refuses.
// Nothing is tried again unless a Retry says so (rule 28). Parallel branches and a map's items are
// tasks in sequence; one that fails for good fails its state, and what the others then say is not
// heard. Left out: other states than tasks within branches and items; input and output, and their
// size limit; callbacks and activities; nested executions' own quotas; distributed maps' dispatch
// rates and child executions; exactly-once against at-least-once of express executions.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/integration/step_functions_states.hpp"
#include "models/mechanisms/account_quotas.hpp"
#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/throttle_meter.hpp"
#include "models/mechanisms/timed_list.hpp"

namespace windtunnel {

class SettingsCheck;
namespace settings {
class StepFunctionsStateMachine;
}

class StepFunctionsStateMachine final : public sim::Component,
                                        public Callable,
                                        private TimedList::Owner {
 public:
  StepFunctionsStateMachine(sim::Simulation& sim, const std::string& name,
                            const settings::StepFunctionsStateMachine& settings);
  ~StepFunctionsStateMachine() override;
  static void check(const settings::StepFunctionsStateMachine& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  void on_late_answer(const sim::Call&) override {}
  Resolution resolve(const Query&) override {
    return {.addresses = {address_of(0)}, .ttl = std::chrono::seconds(60)};
  }

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter started{set, "ExecutionsStarted", "executions started"};
    sim::Counter succeeded{set, "ExecutionsSucceeded", "executions that came to their end"};
    sim::Counter failed{set, "ExecutionsFailed", "executions that failed"};
    sim::Counter timed_out{set, "ExecutionsTimedOut", "executions out of time"};
    sim::Counter throttled{set, "ExecutionThrottled",
                           "transitions that waited, executions that were not started"};
    sim::Counter transitions{set, "StateTransitions", "states entered, and retries"};
    sim::Counter retries{set, "TaskRetries", "attempts of tasks after the first"};
    sim::Level open{set, "OpenExecutions", "Count", "executions under way"};
    sim::Level tasks{set, "RunningTasks", "Count",
                     "tasks under way, waits before retries included"};
    sim::Histogram time{set, "ExecutionTime", "from an execution's start to its end"};
  };
  Metrics metric{metric_set_};
  ThrottleMeter<2> throttles;

 private:
  struct Execution {
    sim::Time started{};
    sim::Handle caller;        // who waits for its end
    std::uint32_t visit = 0;   // of the states it has entered, the present one's number
    std::uint32_t events = 0;  // of its history
    std::uint32_t items_begun = 0;
    std::uint32_t tasks_open = 0;
    std::uint16_t state = 0;
    std::uint16_t request_class = 0;
  };
  // A task under way, between its attempts too.
  struct Job {
    sim::Handle execution;
    std::uint32_t visit = 0;
    std::uint32_t attempt = 0;  // from 1
    std::uint16_t task = 0;
  };

  // After the time of a transition, and the wait for the quota.
  template <auto Method>
  void transition(sim::Handle what);
  void on_started(sim::Handle execution);
  void enter(sim::Handle execution, std::uint16_t state);
  void on_entered(sim::Handle execution);
  void begin_tasks(sim::Handle execution, const StepState& state);
  void begin_job(sim::Handle execution, std::uint16_t task);
  void next_task(sim::Handle job);
  void on_attempt(sim::Handle job);
  void job_ended(const sim::Call& call, bool success);
  bool tried_again(sim::Handle job, const sim::Call& call);
  void on_retry_due(sim::Handle job);
  void task_succeeded(sim::Handle execution);
  void state_failed(sim::Handle execution);
  void on_state_done(sim::Handle execution);
  void leave(sim::Handle execution);
  enum class End : std::uint8_t { succeeded, failed, timed_out };
  void end(sim::Handle execution, End how);
  void on_time_over(const TimedList&, std::uint32_t slot) override;
  void publish_metrics();

  std::string region_;
  bool express_, synchronous_;
  std::int64_t most_open_;
  std::uint32_t history_;
  sim::Distribution start_time_, transition_time_;
  std::vector<StepTask> tasks_;
  std::vector<StepState> states_;
  AccountQuotas* quotas_ = nullptr;
  sim::Pool<Execution> executions_;
  sim::Pool<Job> jobs_;
  TimedList running_;
  sim::Stream time_chance_, choice_chance_, retry_chance_, write_chance_;
};

}  // namespace windtunnel
