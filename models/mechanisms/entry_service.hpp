// A regional service that takes messages in requests of one or several entries (a topic, a bus):
// limits of a request, quotas of its entries, the outcome of a request. Of a request beyond the
// limits every entry is refused; within them each entry has a result of its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/messages.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/ports_messaging.hpp"
#include "sim/distribution.hpp"
#include "sim/throttling.hpp"

namespace windtunnel {

class EntryService : public sim::Component, public Callable, public MessageTarget {
 public:
  struct Settings {
    RequestLimits limits;
    std::uint32_t default_bytes;  // of a message whose producer does not say it
    sim::Distribution request_time;
    std::string_view entries;              // what is offered, a literal
    std::vector<std::string_view> quotas;  // the service's words for them, literals
  };
  EntryService(sim::Simulation& sim, const std::string& name, const Settings& settings);

  void on_request(sim::Call& call, sim::Handle handle) final;
  bool set_slow(double factor) override;
  bool set_errors(double share) override;
  Resolution resolve(const Query&) override {
    return {.addresses = {address_of(0)}, .ttl = std::chrono::seconds(60)};
  }

 protected:
  // An entry comes: nothing, and it is taken; else which quota is used up.
  virtual std::optional<std::size_t> take(Message& message) = 0;

  Messages& messages_;
  sim::Stream time_chance_;

 private:
  sim::Outcome take_all(const sim::Entity& caller, Batch& batch);
  void on_reply_due(sim::Handle handle);

  sim::Throttling throttling_;
  sim::Counter refused_;
  RequestLimits limits_;
  std::uint32_t default_bytes_;
  sim::Distribution request_time_;
  double slow_ = 1, errors_ = 0;
  sim::Stream error_chance_;
};

}  // namespace windtunnel
