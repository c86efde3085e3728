// One item that many write with optimistic locking: read it, change it, write it on the condition
// that nobody has written since; else pause and begin again. DynamoDB's conditional writes and S3's
// If-Match are this. A failed condition is an answer, not a failure of the service: its outcome is
// ok and nobody's retry layer repeats it (ConditionalCheckFailedException is an HTTP 400).
// Left out: the item's content, transactions over several items, who holds the item on which
// machine (the service that owns it decides when it answers).
#pragma once

#include <cstdint>

#include "models/mechanisms/connector.hpp"
#include "models/mechanisms/retry.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class VersionedItem {
 public:
  // What a call about an item carries there and back.
  struct Body {
    std::uint64_t version = 0;   // of the item, as the caller knows it or as it is now
    bool condition_held = true;  // of a write
  };
  static Body& body(sim::Call& call) { return call.work_as<Body>(); }

  // A read tells the version; a write takes place if the caller has seen the present one.
  void serve(sim::Call& call);

  std::uint64_t version() const { return version_; }  // writes that took place
  std::uint64_t conflicts() const { return conflicts_; }

 private:
  std::uint64_t version_ = 0, conflicts_ = 0;
};

// Makes one change to an item, with as many attempts as it takes. A call that fails or times out
// counts as a conflict: the next read tells what has become of it.
class OptimisticWriter final : public sim::Entity {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_written(OptimisticWriter& writer) = 0;
  };
  // Calls are made for node `node` of `owner` through its `connector`. A timeout of 0: none.
  OptimisticWriter(sim::Component& owner, std::uint32_t node, Connector& connector,
                   const Backoff& backoff, sim::Duration timeout, Listener& listener,
                   std::string_view purpose);

  void begin();
  std::uint32_t writes() const { return writes_; }  // sent

  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;

 private:
  void read();
  void send(sim::Operation operation, std::uint64_t version);
  void pause_and_begin_again();

  std::uint32_t node_;
  Connector& connector_;
  const Backoff& backoff_;
  Listener& listener_;
  sim::Stream chance_;
  sim::Lane lane_;
  std::uint32_t attempt_ = 0, writes_ = 0;
  sim::Duration last_pause_{0};
};

}  // namespace windtunnel
