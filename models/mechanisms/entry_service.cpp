#include "models/mechanisms/entry_service.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Outcome;

EntryService::EntryService(sim::Simulation& sim, const std::string& name, const Settings& settings)
    : Component(sim, name),
      messages_(Messages::of(sim)),
      time_chance_(stream("times")),
      throttling_(*this, metric_set_, "Throttling", settings.entries, settings.quotas),
      refused_(metric_set_, "RefusedMessages", "too large, or in a batch that is"),
      limits_(settings.limits),
      default_bytes_(settings.default_bytes),
      request_time_(settings.request_time),
      error_chance_(stream("errors")) {}

bool EntryService::set_slow(double factor) {
  slow_ = factor;
  return true;
}
bool EntryService::set_errors(double share) {
  errors_ = share;
  return true;
}

void EntryService::on_request(Call& call, Handle handle) {
  if (call.operation != sim::Operation::write) {
    const bool check = call.operation == sim::Operation::health_check;
    return sim().answer(handle, check ? Outcome::ok : Outcome::error);
  }
  call.work_as<Outcome>() = error_chance_.chance(errors_)
                                ? Outcome::error
                                : take_all(*call.caller, messages_.of_call(call, default_bytes_));
  const Duration time = request_time_.sample(time_chance_);
  sim().after<&EntryService::on_reply_due>(
      slow_ == 1 ? time : sim::from_seconds(sim::seconds(time) * slow_), this, handle);
}

Outcome EntryService::take_all(const sim::Entity& caller, Batch& batch) {
  throttling_.offer(caller, batch.messages.size());
  const bool fits = batch.action == Batch::Action::send && limits_.allow(batch);
  for (Message& message : batch.messages) {
    message.result = fits ? Entry::accepted : Entry::refused;
    if (!fits) {
      refused_.add();
    } else if (const auto quota = take(message)) {
      message.result = Entry::throttled;
      throttling_.refuse(caller, *quota);
    }
  }
  return outcome_of(batch);
}

void EntryService::on_reply_due(Handle handle) {
  sim().answer(handle, sim().call(handle).work_as<Outcome>());
}

}  // namespace windtunnel
