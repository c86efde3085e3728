#include "models/mechanisms/health_checks.hpp"

#include <algorithm>
#include <string>

namespace windtunnel {

using sim::Duration;
using sim::Handle;
using sim::Turn;

HealthChecks::HealthChecks(sim::Component& owner, std::string_view purpose, Duration interval,
                           Duration timeout, Metrics& metrics, Listener& listener)
    : Entity(owner, purpose),
      interval_(interval),
      metric_(metrics),
      listener_(listener),
      lane_(*this, timeout),
      phase_chance_(stream(purpose)) {
  nodes_ = owner.nodes();
}

void HealthChecks::begin(std::uint32_t target, Duration registering) {
  const std::uint64_t epoch = ++epochs_[target];
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    const Duration phase = sim::from_seconds(sim::seconds(interval_) * phase_chance_.uniform());
    sim().after<&HealthChecks::on_first_due>(
        registering + phase, this, (epoch << 32) | (node * targets() + target), Turn::control);
  }
}

void HealthChecks::on_first_due(std::uint64_t epoch_and_pair) {
  const auto pair = static_cast<std::uint32_t>(epoch_and_pair);
  const auto epoch = static_cast<std::uint32_t>(epoch_and_pair >> 32);
  if (epochs_[pair % targets()] != epoch) return;
  if (ring_.full()) ring_.set_capacity(std::max<std::size_t>(64, 2 * ring_.capacity()));
  ring_.push_back({sim().now() + interval_, pair, epoch});
  if (ring_.size() == 1) arm();
  perform(pair, epoch);
}

void HealthChecks::arm() {
  sim().after<&HealthChecks::on_due>(ring_.front().due - sim().now(), this, 0, Turn::control);
}

void HealthChecks::on_due() {
  const Check check = ring_.front();
  ring_.pop_front();
  const bool goes_on = epochs_[check.pair % targets()] == check.epoch;
  if (goes_on) ring_.push_back({check.due + interval_, check.pair, check.epoch});
  if (!ring_.empty()) arm();
  if (goes_on) perform(check.pair, check.epoch);
}

void HealthChecks::perform(std::uint32_t pair, std::uint32_t epoch) {
  const std::uint32_t node = pair / targets(), target = pair % targets();
  if (!sim().platform().up(nodes_[node].host)) return;
  metric_.sent.add();
  const Handle check = sim().open_call(*this, node, operation_);
  sim::Call& call = sim().call(check);
  call.tag = epoch;
  lane_.enter(call, check);
  sim().send(check, listener_.target_address(target));
}

void HealthChecks::on_answer(sim::Call& call, Handle) {
  ended(call, call.outcome == sim::Outcome::ok);
}
void HealthChecks::on_timeout(sim::Call& call, Handle) { ended(call, false); }

// What a dead node would have learnt, or of a target that has left, counts no more.
void HealthChecks::ended(const sim::Call& call, bool passed) {
  if (!passed) metric_.failed.add();
  const std::uint32_t target = call.callee_node;
  if (epochs_[target] != call.tag || !sim().platform().up(nodes_[call.caller_node].host)) return;
  listener_.on_checked(call.caller_node, target, passed);
}

}  // namespace windtunnel
