// Sequential code that takes time: a failover, a runbook, an operator who needs five minutes to
// decide. It waits only through the calendar, runs inside operations (so it may call the platform),
// and ends with the host it runs on.
//
//   class Failover : public sim::Procedure {
//     void run() override { wait(detection); cluster.promote(); wait(dns); cluster.publish(); }
//   };
#pragma once

#include <cstdint>
#include <memory>

#include "sim/entity.hpp"

namespace windtunnel::sim {

class Procedure : public Entity {
 public:
  static constexpr HostId anywhere = 0xffffffff;
  enum class State : std::uint8_t { idle, running, finished, killed };

  Procedure(Simulation& sim, std::string_view name) : Entity(sim, name) {}
  ~Procedure() override;  // not while it runs

  State state() const { return state_; }

 protected:
  // Destructors of its locals may run at any time after it was killed: they leave the simulation
  // alone.
  virtual void run() = 0;
  // It was ended by the loss of its host (or the horizon: then nothing is called). A procedure that
  // switches off its own host runs on to its next wait or transfer and ends there.
  virtual void on_killed() {}

  // Inside run() only.
  void wait(Duration duration);
  // Bulk data between two hosts, sharing links with other transfers (max-min). False: an end failed
  // or is down; a surviving end learns of it at once only if `timeout_on_loss` is zero, else after
  // that time without progress.
  bool transfer(HostId from, HostId to, double bytes, Duration timeout_on_loss = Duration::zero());

 private:
  friend class Platform;
  friend class FlatPlatform;
  friend class SimgridPlatform;
  void on_wait_over(std::uint64_t wait);
  void on_resume();

  // What the platform keeps of it: a fiber, or an actor and its semaphore.
  struct Context {
    virtual ~Context() = default;
  };
  std::unique_ptr<Context> context_;
  State state_ = State::idle;
  bool fresh_ = false;  // started, but run() has not been called yet
  HostId host_ = anywhere;
  std::uint64_t waits_ = 0;  // an event of an earlier wait is stale
};

}  // namespace windtunnel::sim
