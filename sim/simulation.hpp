// One run: the calendar and the clock, calls, chance, the network, the platform, the log, the
// components.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/calendar.hpp"
#include "sim/call.hpp"
#include "sim/entity.hpp"
#include "sim/hash.hpp"
#include "sim/lane.hpp"
#include "sim/log.hpp"
#include "sim/network.hpp"
#include "sim/platform.hpp"
#include "sim/pool.hpp"
#include "sim/watcher.hpp"

namespace windtunnel::sim {

struct RunOptions {
  std::uint64_t seed = 1;
  std::uint64_t replication = 1;  // from 1
  Duration horizon{0};
  Duration warm_up{0};
  bool simgrid = false;  // else the flat platform
  Duration window{std::chrono::seconds(10)};
  Duration latency_bound = forever;
};

// Keeps what calls carry (sim::Call::payload). A payload belongs to its call: the caller puts it
// there, both sides may look at it while they hold the call, and it ends with the call.
class PayloadKeeper {
 public:
  virtual ~PayloadKeeper() = default;
  virtual void on_call_ended(Handle payload) = 0;
};

class Simulation {
 public:
  explicit Simulation(const RunOptions& options);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // The only clock.
  Time now() const { return now_; }
  Time horizon() const { return time_zero + options_.horizon; }
  const RunOptions& options() const { return options_; }

  // Events. `at` in the past is now; an earlier turn of this instant runs at once.
  template <auto Method>
  void at(Time date, Entity* target, auto argument, Turn turn = Turn::traffic) {
    post(date, turn, &invoke<Method>, target, to_argument(argument));
  }
  template <auto Method>
  void after(Duration delay, Entity* target, auto argument, Turn turn = Turn::traffic) {
    if (delay < horizon() - now_)
      post(now_ + delay, turn, &invoke<Method>, target, to_argument(argument));
  }
  template <auto Method>
  void after(Duration delay, Entity* target) {
    after<Method>(delay, target, std::uint64_t{0});
  }

  // An operation: work on the platform. It runs when the current event returns, at this date,
  // before any other event.
  template <auto Method>
  void operate(Entity* target, auto argument) {
    operations_.push_back(
        {event_key(now_, Turn::fault), &invoke<Method>, target, to_argument(argument)});
  }
  template <auto Method>
  void operate(Entity* target) {
    operate<Method>(target, std::uint64_t{0});
  }
  bool in_operation() const { return in_operation_; }

  // Calls. See call.hpp for their life.
  Handle open_call(Entity& caller, std::uint32_t caller_node, Operation operation,
                   Handle context = {});
  Call* find_call(Handle handle) { return calls_.find(handle); }
  Call& call(Handle handle) { return calls_[handle]; }
  Handle call_in_slot(std::uint32_t slot) { return calls_.handle_of(slot); }
  Call& call_at_slot(std::uint32_t slot) { return calls_.in_slot(slot); }
  std::size_t calls_in_flight() const { return calls_.size(); }
  // Sends it over the network, in zero time where the network takes none.
  void send(Handle handle, const Address& to);
  // The callee's answer. Afterwards the call is not the callee's any more.
  void answer(Handle handle, Outcome outcome);
  // The callee forgets the call without a word.
  void drop(Handle handle);
  // The caller waits no longer (a timeout does this itself).
  void give_up(Handle handle);
  // The caller's side ends a call that never left: no address answered. on_answer() is called.
  void fail(Handle handle, Outcome outcome);

  // The first of so many numbers, for those who open connections, one after the other each.
  std::uint32_t add_sockets(std::uint32_t count) { return (sockets_ += count) - count; }

  // One at most; it lives as long as the run.
  void keep_payloads(PayloadKeeper& keeper) { payload_keeper_ = &keeper; }

  // The number of a class of requests, a new one where it is not known yet (65,535 at most).
  std::uint16_t number_of(const RequestClass& request_class);
  const RequestClass& request_class(std::uint16_t number) const { return classes_[number]; }
  const std::vector<RequestClass>& request_classes() const { return classes_; }

  Network& network() { return network_; }
  Platform& platform() { return *platform_; }
  RunLog& log() { return log_; }
  void note(Milestone milestone, const Component& component, std::string text) {
    log_.note(now_, milestone, component.name(), std::move(text));
  }

  // Components, in order of their adding.
  Component& add(std::unique_ptr<Component> component);
  const std::vector<std::unique_ptr<Component>>& components() const { return components_; }
  Component* find_component(std::string_view name) const;

  // One at most, before run(); it outlives the simulation.
  void watch(Watcher& watcher, const Watch& what);
  void tell_watcher(CallStep step, Handle handle, Call& call) {
    if (watch_.calls) [[unlikely]]
      watcher_->on_call(step, handle, call);
  }

  // Wires and starts all components and runs to the horizon; once.
  void run();

  std::uint64_t fingerprint() const { return fingerprint_.value(); }
  std::uint64_t events_handled() const { return handled_; }
  std::size_t calendar_bytes() const { return calendar_.bytes(); }
  std::size_t calls_bytes() const { return calls_.bytes(); }

  // For platforms: handles events with keys up to `limit` until one asks for an operation. True: it
  // did, now() is its date, and run_operation() is due.
  bool advance(std::uint64_t limit);
  // Runs the next operation; false: none is left. Operations asked for meanwhile run after those
  // asked for before.
  bool run_operation();
  // A procedure's code runs between operations and counts as one.
  void set_in_operation(bool in) { in_operation_ = in; }
  bool ended() const { return ended_; }
  // The platform's own events (transfers) move the clock, never back.
  void set_clock(Time date) {
    if (date <= now_) return;
    now_ = date;
    if (event_key(date, Turn::fault) >= attention_) take_samples();
  }

 private:
  class Conductor;
  friend class Lane;

  static std::uint64_t to_argument(Handle h) { return h.argument(); }
  template <typename Integer>
  static std::uint64_t to_argument(Integer n) {
    return static_cast<std::uint64_t>(n);
  }

  void post(Time date, Turn turn, Handler handler, Entity* target, std::uint64_t argument) {
    calendar_.push(event_key(date, turn), handler, target, argument);
  }
  void prefetch() const;
  void take_samples();
  void show_to_watcher(const Event& event);
  static void on_request_arrived(Entity* callee, std::uint64_t handle);
  static void on_answer_arrived(Entity* caller, std::uint64_t handle);
  void deliver_request(Handle handle);
  void deliver_answer(Handle handle);
  void answer_on_way(Handle handle, Call& call);
  void release_if_done(Handle handle, Call& call) {
    if (call.caller_done && call.callee_done) end(handle, call);
  }
  void end(Handle handle, Call& call) {
    if (call.payload) [[unlikely]]
      payload_keeper_->on_call_ended(call.payload);
    calls_.destroy(handle);
  }

  RunOptions options_;
  Time now_{};
  Calendar calendar_;
  Fingerprint fingerprint_;
  std::uint64_t handled_ = 0;
  Watcher* watcher_ = nullptr;
  Watch watch_;
  Time next_sample_ = Time::max();
  std::uint64_t attention_ = ~std::uint64_t{0};  // events from this key on concern the watcher
  Pool<Call> calls_;
  PayloadKeeper* payload_keeper_ = nullptr;
  std::vector<RequestClass> classes_{1};
  std::uint32_t sockets_ = 0;
  std::vector<Event> operations_;
  std::size_t next_operation_ = 0;
  bool in_operation_ = false, ended_ = false;
  Network network_;
  RunLog log_;
  std::unique_ptr<Platform> platform_;
  std::unique_ptr<Conductor> conductor_;
  std::vector<std::unique_ptr<Component>> components_;
  std::map<std::string, Component*, std::less<>> by_name_;
};

// How a component finds the others it names.
class Wiring {
 public:
  explicit Wiring(Simulation& sim) : sim_(sim) {}

  // The named component seen as a `Port`; the reader has checked that it provides it.
  template <typename Port>
  Port& find(std::string_view name) const {
    auto* port = dynamic_cast<Port*>(sim_.find_component(name));
    WT_CHECK(port != nullptr, "a reference that the reader accepted leads nowhere");
    return *port;
  }

 private:
  Simulation& sim_;
};

}  // namespace windtunnel::sim
