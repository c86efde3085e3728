// A client machine of a test: one connector, one timeout, and a list of what became of its calls.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "models/mechanisms/connector.hpp"
#include "sim/simulation.hpp"

namespace windtunnel::test {

class Machine final : public sim::Component {
 public:
  Machine(sim::Simulation& sim, Callable& target, const Connector::Settings& settings,
          sim::Duration timeout, std::string name = "machine")
      : Component(sim, std::move(name)),
        lane_(*this, timeout),
        connector(*this, 0, target, settings, "calls") {}

  void call() {
    const sim::Handle handle = sim().open_call(*this, 0, sim::Operation::read);
    sim().call(handle).request_class = request_class;
    lane_.enter(sim().call(handle), handle);
    connector.dispatch(handle);
  }
  void on_answer(sim::Call& call, sim::Handle) override {
    ended.push_back({sim().now() - sim::time_zero, call.outcome, call.callee_node});
    if (call.outcome == sim::Outcome::connection_reset) connector.on_call_failed(call);
    if (then) then();
  }
  void on_timeout(sim::Call& call, sim::Handle) override {
    ended.push_back({sim().now() - sim::time_zero, sim::Outcome::timeout, call.callee_node});
    connector.on_call_failed(call);
  }

  struct End {
    sim::Duration at;
    sim::Outcome outcome;
    std::uint32_t node;
    friend bool operator==(const End&, const End&) = default;
  };
  std::vector<End> ended;
  std::function<void()> then;       // after every answer
  std::uint16_t request_class = 0;  // of its calls

 private:
  sim::Lane lane_;

 public:
  Connector connector;
};

}  // namespace windtunnel::test
