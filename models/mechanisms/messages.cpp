#include "models/mechanisms/messages.hpp"

#include "sim/hash.hpp"

namespace windtunnel {

namespace {
constexpr const char* component_name = "(messages)";
}

bool RequestLimits::allow(const Batch& batch) const {
  std::uint64_t sum = 0;
  for (const Message& message : batch.messages) sum += message.bytes;
  return sum <= bytes && batch.messages.size() <= entries;
}

sim::Outcome outcome_of(const Batch& batch) {
  if (batch.messages.size() != 1 || batch.messages[0].result == Entry::accepted) {
    return sim::Outcome::ok;
  }
  return batch.messages[0].result == Entry::throttled ? sim::Outcome::throttled
                                                      : sim::Outcome::error;
}

Messages& Messages::of(sim::Simulation& sim) {
  sim::Component* found = sim.find_component(component_name);
  if (found == nullptr) found = &sim.add(std::make_unique<Messages>(sim));
  return static_cast<Messages&>(*found);
}

Messages::Messages(sim::Simulation& sim) : Component(sim, component_name), ledger_(sim) {
  sim.keep_payloads(*this);
}

Batch& Messages::put_into(sim::Call& call, Batch::Action action) {
  WT_CHECK(!call.payload, "a call carries one batch");
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(batches_.size()));
    batches_.push_back(std::make_unique<Batch>());
  }
  call.payload = {free_.back(), 0};
  free_.pop_back();
  Batch& batch = *batches_[call.payload.slot()];
  std::vector<Message> kept = std::move(batch.messages);
  batch = {};
  batch.messages = std::move(kept);
  batch.messages.clear();
  batch.action = action;
  return batch;
}

Batch& Messages::of_call(sim::Call& call, std::uint32_t bytes) {
  if (Batch* carried = find(call)) return *carried;
  Batch& batch = put_into(call, Batch::Action::send);
  // The caller's request and which of its calls this is are the same when it tries again.
  const std::uint64_t what = call.context ? call.context.argument() : ++unnamed_;
  const std::uint64_t content = sim::mix(sim::mix(call.caller->name_hash() ^ call.tag) ^ what);
  batch.messages.push_back({.sent = call.opened,
                            .content = content,
                            .bytes = bytes,
                            .request_class = call.request_class});
  return batch;
}

void Messages::on_call_ended(sim::Handle payload) { free_.push_back(payload.slot()); }

void Messages::report(sim::RunLog&) { ledger_.close(); }

}  // namespace windtunnel
