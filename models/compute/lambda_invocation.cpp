// An invocation of a function, from its arrival to its answer.
#include <cmath>

#include "models/compute/lambda_function.hpp"
#include "sim/hash.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Outcome;

namespace {

// Lambda quotas: a synchronous invocation's payload, and that of an event.
constexpr std::int64_t largest_payload = 6 << 20, largest_event = 1 << 20;
// Lambda guide, Lambda execution environment: Init is limited to 10 s, then Lambda tries it again
// with the first invocation.
constexpr Duration longest_init{std::chrono::seconds(10)};

// A share of all that messages may say; of records that travel as one, any of them.
bool is_poisonous(const Message& message, double share) {
  if (share == 0) return false;
  const double any = message.count == 1 ? share : 1 - std::pow(1 - share, message.count);
  return static_cast<double>(sim::mix(message.content) >> 11) * 0x1.0p-53 < any;
}

}  // namespace

bool LambdaFunction::too_large(const Call& call) const {
  std::int64_t bytes = sim().request_class(call.request_class).bytes;
  if (const Batch* batch = messages_.find(call)) {
    for (const Message& message : batch->messages) bytes += message.bytes;
  }
  return bytes > largest_payload;
}

void LambdaFunction::invoke(Call& call, Handle handle) {
  if (too_large(call)) {
    metric.too_large.add();
    return sim().answer(handle, Outcome::error);
  }
  throttles.offer(call);
  const std::uint8_t version = version_chance_.chance(additional_weight_) ? 1 : 0;
  Work& work = call.work_as<Work>();
  bool cold = false;
  if (const auto refusal = admit(version, work.environment, cold)) {
    throttles.refuse(call, static_cast<std::size_t>(*refusal));
    return sim().answer(handle, Outcome::throttled);
  }
  work.calls = {};
  metric.invocations.add();
  auto& environment = environments_[work.environment];
  environment.invocation = handle;
  count_concurrent(+1);
  if (!cold) return begin_work(call, handle);
  metric.cold_starts.add();
  Duration init = init_time();
  if (!restore_ && init > longest_init) {
    init = longest_init;
    environment.reset = true;
  }
  const Duration wait = sandbox_.sample(init_chance_) + init;
  metric.init.record(wait);
  sim().after<&LambdaFunction::on_initialized>(wait, this, handle);
}

// A snapshot holds what one's own code has initialised.
Duration LambdaFunction::init_time() {
  if (restore_) return restore_->sample(init_chance_);
  return init_.sample(init_chance_) + dependencies_init_.sample(init_chance_);
}

void LambdaFunction::on_initialized(Handle handle) { begin_work(sim().call(handle), handle); }

Duration LambdaFunction::work_of(const Call& call, std::uint8_t version) {
  Duration work = call.service_time > Duration::zero()
                      ? call.service_time
                      : laws_[version].service_time.sample(service_chance_);
  if (!cpu_time_.is_zero()) {
    work += sim::from_seconds(sim::seconds(cpu_time_.sample(service_chance_)) * cpu_stretch_);
  }
  if (const Batch* batch = messages_.find(call); batch != nullptr && !time_per_record_.is_zero()) {
    for (const Message& message : batch->messages) {
      for (std::uint32_t i = 0; i < message.count; ++i) {
        work += time_per_record_.sample(service_chance_);
      }
    }
  }
  return slow_ == 1 ? work : sim::from_seconds(sim::seconds(work) * slow_);
}

void LambdaFunction::begin_work(Call& call, Handle handle) {
  const auto number = call.work_as<Work>().environment;
  auto& environment = environments_[number];
  environment.began = sim().now();
  Duration work = work_of(call, environment.version);
  if (environment.reset) {  // a suppressed init, within the invocation's own time
    environment.reset = false;
    metric.hidden_inits.add();
    work += init_time();
  }
  if (dependencies_.none()) {
    if (work >= timeout_) {
      return sim().after<&LambdaFunction::on_out_of_time>(timeout_, this, handle);
    }
  } else {
    if (!environment.connections) environment.connections = dependencies_.connect(number);
    running_.enter(number);
  }
  if (work < timeout_) sim().after<&LambdaFunction::on_computed>(work, this, handle);
}

void LambdaFunction::on_out_of_time(Handle handle) {
  metric.timeouts.add();
  environments_[sim().call(handle).work_as<Work>().environment].reset = true;
  finish(handle, Outcome::error);
}

// Its calls go on; their answers find nobody.
void LambdaFunction::on_time_over(const TimedList&, std::uint32_t number) {
  auto& environment = environments_[number];
  environment.connections->reset();
  on_out_of_time(environment.invocation);
}

bool LambdaFunction::fails(const Call& call, std::uint8_t version) {
  if (error_chance_.chance(errors_) || error_chance_.chance(laws_[version].errors)) return true;
  const Batch* batch = messages_.find(call);
  if (poison_ == 0 || reports_failures_ || batch == nullptr) return false;
  for (const Message& message : batch->messages) {
    if (is_poisonous(message, poison_)) return true;
  }
  return false;
}

void LambdaFunction::on_computed(Handle handle) {
  if (dependencies_.none()) {
    Call& call = sim().call(handle);
    const auto version = environments_[call.work_as<Work>().environment].version;
    return finish(handle, fails(call, version) ? Outcome::error : Outcome::ok);
  }
  if (progress_of(handle) == nullptr) return;  // its time was over before
  Call& call = sim().call(handle);
  const auto number = call.work_as<Work>().environment;
  if (fails(call, environments_[number].version)) {
    running_.leave(number);
    return finish(handle, Outcome::error);
  }
  if (dependencies_.make_calls(handle, number)) {
    running_.leave(number);
    finish(handle, Outcome::ok);
  }
}

Dependencies::Progress* LambdaFunction::progress_of(Handle request) {
  Call* call = sim().find_call(request);
  if (call == nullptr || call->callee != this) return nullptr;
  Work& work = call->work_as<Work>();
  return environments_[work.environment].invocation == request ? &work.calls : nullptr;
}

void LambdaFunction::on_dependency_ended(Handle request, bool success) {
  const auto number = sim().call(request).work_as<Work>().environment;
  if (success && !dependencies_.make_calls(request, number)) return;
  running_.leave(number);
  finish(request, success ? Outcome::ok : Outcome::error);
}

void LambdaFunction::on_answer(Call& call, Handle handle) { dependencies_.on_answer(call, handle); }
void LambdaFunction::on_timeout(Call& call, Handle handle) {
  dependencies_.on_timeout(call, handle);
}

// What the invocation did with its messages; false: not with all what was wanted.
bool LambdaFunction::mark_messages(Batch& batch, Outcome outcome) {
  bool all = true;
  for (Message& message : batch.messages) {
    const bool done =
        outcome == Outcome::ok && !(reports_failures_ && is_poisonous(message, poison_));
    message.result = done ? Entry::accepted : Entry::failed;
    all = all && done;
    if (!done) continue;
    if (message.number) {
      messages_.ledger().effect(message);
    }
  }
  return all;
}

void LambdaFunction::finish(Handle handle, Outcome outcome) {
  Call& call = sim().call(handle);
  const auto number = call.work_as<Work>().environment;
  auto& environment = environments_[number];
  metric.duration.record(sim().now() - environment.began);
  metric.response.record(sim().now() - call.arrived);
  if (outcome != Outcome::ok) {
    metric.errors.add();
    if (resets_on_error_) environment.reset = true;
  }
  if (call.caller_done) metric.wasted.add();
  if (Batch* batch = messages_.find(call)) mark_messages(*batch, outcome);
  if (!environment.provisioned) pool().give_back();
  environments_.give_back(number);
  count_concurrent(-1);
  sim().answer(handle, outcome);
}

}  // namespace windtunnel
