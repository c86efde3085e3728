// Invokes a function with a batch and waits for it, as pollers do: all event source mappings are
// this mechanism with a source in front of it (a queue's messages, a shard's records). A throttle
// is tried again after a pause that doubles, as long as the source may wait.
#pragma once

#include "models/mechanisms/messages.hpp"
#include "models/mechanisms/ports.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class BatchInvoker final : public sim::Entity {
 public:
  // Who has the messages.
  class Source {
   public:
    virtual ~Source() = default;
    // The batch under way with this number.
    virtual std::vector<Message>& batch(std::uint32_t number) = 0;
    // The function's answer: ok or not; each message's `result` says what became of it.
    virtual void on_invoked(std::uint32_t number, bool ok) = 0;
    // No answer, the function is throttled. False: the source gives up on it, and has said so to
    // itself.
    virtual bool on_throttled(std::uint32_t number, sim::Duration pause) = 0;
  };

  BatchInvoker(sim::Component& owner, Source& source, bool partial, Messages& messages)
      : Entity(owner, "invoker"), source_(source), partial_(partial), messages_(messages) {}
  void wire(Callable& function, sim::ZoneId place) {
    function_ = &function;
    set_zone(place);
  }

  void invoke(std::uint32_t number) { invoke_again(number, 0); }
  void on_answer(sim::Call& call, sim::Handle handle) override;

 private:
  void invoke_again(std::uint32_t number, std::uint32_t throttles);
  void on_pause_over(std::uint64_t number_and_throttles);

  Source& source_;
  bool partial_;  // ReportBatchItemFailures
  Messages& messages_;
  Callable* function_ = nullptr;
  sim::Stream chance_;
};

}  // namespace windtunnel
