// The calls that serving a request makes to others, one after the other or all at once: settings
// `calls` of a program on instances and of a function. Each node (an instance, an execution
// environment) reaches them over connections of its own, and with `retry` as an SDK's client object
// of its own: a pause between attempts is spent waiting, as a synchronous SDK does.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <memory>
#include <string>
#include <vector>

#include "models/mechanisms/connector.hpp"
#include "models/mechanisms/sdk_client.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

namespace settings {
class Dependency;
}

class Dependencies final : public sim::Entity {
 public:
  // What is remembered of a request while it makes its calls.
  struct Progress {
    std::uint16_t next = 0;  // dependency to call next
    std::uint16_t open = 0;  // calls under way
  };
  // One node's connections.
  class Connections {
   public:
    void reset();

   private:
    friend class Dependencies;
    std::vector<std::unique_ptr<Connector>> reads_, writes_;  // writes only where there are any
    std::vector<SdkClient> sdk_;
  };
  // Who serves the requests: a component, whose calls they are.
  class Owner {
   public:
    virtual ~Owner() = default;
    // Where it has got to; nullptr: the request is not served any more.
    virtual Progress* progress_of(sim::Handle request) = 0;
    virtual Connections& connections_of(std::uint32_t node) = 0;
    // A call has ended, all its attempts: the owner's next step.
    virtual void on_dependency_ended(sim::Handle request, bool success) = 0;
    virtual void on_wasted_work() = 0;
  };

  Dependencies(sim::Component& component, Owner& owner,
               const google::protobuf::RepeatedPtrField<settings::Dependency>& calls,
               bool parallel);
  ~Dependencies() override;
  void wire(sim::Wiring& wiring);
  bool none() const { return calls_.empty(); }
  Connections connect(std::uint32_t node);

  // For a request served at `node`: makes the next call, or all of them; true if it is not waiting
  // for any. The owner may have heard on_dependency_ended() when this returns.
  bool make_calls(sim::Handle request, std::uint32_t node);
  // For the component to hand on what becomes of its calls to dependencies.
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;

 private:
  struct Dependency {
    std::string to;
    double writes, probability;
    Connector::Settings read, write;
    std::unique_ptr<sim::Lane> lane;
    RetryRules retries;
    Callable* target = nullptr;
  };
  // A call that may be tried again, between and during its attempts.
  struct Attempt {
    sim::Handle request;
    sim::Duration pause{0};
    std::uint32_t node = 0, number = 0;
    float last_cost = 0;
    std::uint16_t dependency = 0;
    sim::Operation operation = sim::Operation::read;
  };
  static constexpr std::uint32_t index_bits = 10;

  void begin(std::size_t index, sim::Handle request, std::uint32_t node, sim::Operation operation);
  void on_attempt_due(sim::Handle attempt);
  void on_wait_over(sim::Handle attempt);
  void send(std::size_t index, sim::Handle request, std::uint32_t node, sim::Operation operation,
            std::uint32_t tag);
  void ended(sim::Call& call, bool success);
  void forget_attempt(const sim::Call& call);
  bool tried_again(const sim::Call& call, bool success);

  sim::Component& component_;
  Owner& owner_;
  bool parallel_;
  std::vector<Dependency> calls_;
  sim::Pool<Attempt> attempts_;
  sim::Stream call_chance_, retry_chance_;
};

}  // namespace windtunnel
