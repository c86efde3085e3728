// The platform without SimGrid: hosts are flags, procedures are fibers on stacks of their own.
#include <boost/context/fiber.hpp>
#include <limits>

#include "sim/platform.hpp"
#include "sim/simulation.hpp"

namespace windtunnel::sim {

class FlatPlatform final : public Platform {
 public:
  using Platform::Platform;

  void run() override {
    while (!sim_.ended() && sim_.advance(std::numeric_limits<std::uint64_t>::max())) {
      while (sim_.run_operation()) run_procedures();
    }
    // Procedures still waiting end with the run: their stacks unwind here, not after the components.
    for (Procedure* procedure : living_) procedure->context_.reset();
  }

 private:
  struct Fiber final : Procedure::Context {
    boost::context::fiber body;    // where it stands
    boost::context::fiber caller;  // where it returns to when it blocks
  };

  void run_procedures() {
    while (Procedure* procedure = next_ready()) {
      if (procedure->fresh_) create(*procedure);
      auto& fiber = static_cast<Fiber&>(*procedure->context_);
      enter(*procedure);
      fiber.body = std::move(fiber.body).resume();
      leave();
      // It has finished, or switched off its own host.
      if (procedure->state_ != Procedure::State::running) procedure->context_.reset();
    }
  }

  void create(Procedure& procedure) {
    procedure.fresh_ = false;
    auto context = std::make_unique<Fiber>();
    Fiber* fiber = context.get();
    procedure.context_ = std::move(context);
    fiber->body = boost::context::fiber([this, &procedure, fiber](boost::context::fiber&& caller) {
      fiber->caller = std::move(caller);
      procedure.run();
      finished(procedure);
      return std::move(fiber->caller);
    });
  }

  void block(Procedure& procedure) override {
    auto& fiber = static_cast<Fiber&>(*procedure.context_);
    fiber.caller = std::move(fiber.caller).resume();
  }

  void unwind(Procedure& procedure) override {
    if (&procedure != current_) procedure.context_.reset();
  }

  void switch_host(HostId, bool) override {}

  bool transfer(Procedure&, HostId, HostId, double) override {
    WT_CHECK(false, "the flat platform carries no bulk transfers");
    return false;
  }
};

std::unique_ptr<Platform> make_flat_platform(Simulation& sim) {
  return std::make_unique<FlatPlatform>(sim);
}

}  // namespace windtunnel::sim
