// The platform without SimGrid: hosts are flags, procedures are fibers on stacks of their own.
#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <limits>

#include "sim/platform.hpp"
#include "sim/simulation.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace windtunnel::sim {

namespace {

struct Stack {
  const void* bottom = nullptr;
  std::size_t size = 0;
};

class StackAllocator {
 public:
  explicit StackAllocator(Stack& allocated) : allocated_(&allocated) {}
  boost::context::stack_context allocate() {
    boost::context::stack_context context = stacks_.allocate();
    allocated_->bottom = static_cast<const char*>(context.sp) - context.size;
    allocated_->size = context.size;
    return context;
  }
  void deallocate(boost::context::stack_context& context) { stacks_.deallocate(context); }

 private:
  boost::context::fixedsize_stack stacks_;
  Stack* allocated_;
};

// AddressSanitizer takes what lies on a fiber for an overflow unless it is told of every change of
// stacks. A Crossing lives on the stack that is left until that is entered again, a Stay on the
// fiber from its first line to its last. Both do nothing in other builds. `caller` is where the
// fiber returns to.
class Crossing {
 public:
  explicit Crossing([[maybe_unused]] const Stack& to, [[maybe_unused]] Stack* caller = nullptr) {
#if defined(__SANITIZE_ADDRESS__)
    caller_ = caller;
    __sanitizer_start_switch_fiber(&fake_, to.bottom, to.size);
#endif
  }
  ~Crossing() {
#if defined(__SANITIZE_ADDRESS__)
    Stack from;
    __sanitizer_finish_switch_fiber(fake_, &from.bottom, &from.size);
    if (caller_ != nullptr) *caller_ = from;
#endif
  }
  Crossing(const Crossing&) = delete;
  Crossing& operator=(const Crossing&) = delete;

 private:
  [[maybe_unused]] void* fake_ = nullptr;
  [[maybe_unused]] Stack* caller_ = nullptr;
};

class Stay {
 public:
  explicit Stay(Stack& caller) : caller_(caller) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &caller_.bottom, &caller_.size);
#endif
  }
  ~Stay() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(nullptr, caller_.bottom, caller_.size);
#endif
  }
  Stay(const Stay&) = delete;
  Stay& operator=(const Stay&) = delete;

 private:
  [[maybe_unused]] Stack& caller_;
};

}  // namespace

class FlatPlatform final : public Platform {
 public:
  using Platform::Platform;

  void run() override {
    while (!sim_.ended() && sim_.advance(std::numeric_limits<std::uint64_t>::max())) {
      while (sim_.run_operation()) run_procedures();
    }
    // Procedures still waiting end with the run: their stacks unwind here, not after the
    // components.
    for (Procedure* procedure : living_) remove_stack(*procedure);
  }

 private:
  struct Fiber final : Procedure::Context {
    Stack stack, caller_stack;
    boost::context::fiber body;    // where it stands; destroyed first, which unwinds its stack
    boost::context::fiber caller;  // where it returns to when it blocks
  };

  void run_procedures() {
    while (Procedure* procedure = next_ready()) {
      if (procedure->fresh_) create(*procedure);
      auto& fiber = static_cast<Fiber&>(*procedure->context_);
      enter(*procedure);
      {
        const Crossing crossing(fiber.stack);
        fiber.body = std::move(fiber.body).resume();
      }
      leave();
      // It has finished, or switched off its own host.
      if (procedure->state_ != Procedure::State::running) remove_stack(*procedure);
    }
  }

  void create(Procedure& procedure) {
    procedure.fresh_ = false;
    auto context = std::make_unique<Fiber>();
    Fiber* fiber = context.get();
    procedure.context_ = std::move(context);
    fiber->body = boost::context::fiber(std::allocator_arg, StackAllocator(fiber->stack),
                                        [this, &procedure, fiber](boost::context::fiber&& caller) {
                                          const Stay stay(fiber->caller_stack);
                                          fiber->caller = std::move(caller);
                                          procedure.run();
                                          finished(procedure);
                                          return std::move(fiber->caller);
                                        });
  }

  void block(Procedure& procedure) override {
    auto& fiber = static_cast<Fiber&>(*procedure.context_);
    const Crossing crossing(fiber.caller_stack, &fiber.caller_stack);
    fiber.caller = std::move(fiber.caller).resume();
  }

  void remove_stack(Procedure& procedure) {
    auto* fiber = static_cast<Fiber*>(procedure.context_.get());
    if (fiber != nullptr && fiber->body) {
      const Crossing crossing(fiber->stack);
      fiber->body = {};
    }
    procedure.context_.reset();
  }

  void unwind(Procedure& procedure) override {
    if (&procedure != current_) remove_stack(procedure);
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
