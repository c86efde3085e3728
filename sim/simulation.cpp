#include "sim/simulation.hpp"

#include <algorithm>

namespace windtunnel::sim {

const char* to_string(CallStep step) {
  switch (step) {
    case CallStep::opened:
      return "opened";
    case CallStep::sent:
      return "sent";
    case CallStep::arrived:
      return "arrived";
    case CallStep::answered:
      return "answered";
    case CallStep::ended:
      return "ended";
    case CallStep::late:
      return "late";
    case CallStep::timed_out:
      return "timed_out";
    case CallStep::given_up:
      return "given_up";
    case CallStep::dropped:
      return "dropped";
  }
  return "?";
}

// The run's own events: the end of the warm-up and the horizon.
class Simulation::Conductor final : public Entity {
 public:
  using Entity::Entity;
  void on_warm_up_over() {
    for (const auto& component : sim().components()) {
      for (Metric* metric : component->metrics().all()) metric->restart(sim().now());
    }
    if (sim().watcher_ != nullptr) sim().watcher_->on_metrics_restarted();
  }
  void on_horizon() { sim().operate<&Conductor::end>(this); }
  void end() {
    sim().ended_ = true;
    sim().calendar_.clear();
  }

 private:
  inline static const HandlerName names_[] = {{&on_request_arrived, "a request arrives"},
                                              {&on_answer_arrived, "an answer arrives"}};
};

Simulation::Simulation(const RunOptions& options) : options_(options) {
  platform_ = options.simgrid ? make_simgrid_platform(*this) : make_flat_platform(*this);
  network_.attach(*platform_);
  conductor_ = std::make_unique<Conductor>(*this, "run");
  log_.configure(options.window, options.latency_bound, time_zero + options.warm_up, horizon());
}

Simulation::~Simulation() = default;

Component& Simulation::add(std::unique_ptr<Component> component) {
  WT_CHECK(by_name_.emplace(component->name(), component.get()).second,
           "two components have one name");
  components_.push_back(std::move(component));
  return *components_.back();
}

Component* Simulation::find_component(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

void Simulation::run() {
  WT_CHECK(!ended_ && handled_ == 0, "a simulation runs once");
  // Turn `fault`: nothing of the horizon's own instant is part of the run.
  post(horizon(), Turn::fault, &invoke<&Conductor::on_horizon>, conductor_.get(), 0);
  if (options_.warm_up > Duration::zero()) {
    post(time_zero + options_.warm_up, Turn::fault, &invoke<&Conductor::on_warm_up_over>,
         conductor_.get(), 0);
  }
  Wiring wiring(*this);
  // By index: wire() and attach() may add components (CloudWatch).
  for (std::size_t i = 0; i < components_.size(); ++i) components_[i]->wire(wiring);
  for (std::size_t i = 0; i < components_.size(); ++i) components_[i]->attach();
  for (std::size_t i = 0; i < components_.size(); ++i) components_[i]->start();
  platform_->run();
  WT_CHECK(ended_, "the run ended before its horizon");
  for (const auto& component : components_) component->report(log_);
}

bool Simulation::advance(std::uint64_t limit) {
  while (operations_.empty()) {
    if (calendar_.empty() || calendar_.next_key() > limit) return false;
    const Event event = calendar_.pop();
    prefetch();
    now_ = std::max(now_, event_time(event.key));
    if (event.key >= attention_) [[unlikely]]
      show_to_watcher(event);
    fingerprint_.add(event.key, event.target->name_hash(), event.argument);
    ++handled_;
    event.handler(event.target, event.argument);
  }
  return true;
}

// Thousands of calls in flight are more than the processor's near caches hold.
void Simulation::prefetch() const {
  const Event* soon = calendar_.upcoming(1);
  if (soon == nullptr) return;
  if (soon->handler == &on_request_arrived || soon->handler == &on_answer_arrived) {
    calls_.prefetch(Handle::of(soon->argument).slot());
  }
}

void Simulation::watch(Watcher& watcher, const Watch& what) {
  WT_CHECK(watcher_ == nullptr && handled_ == 0, "a run has one watcher, from its start");
  watcher_ = &watcher;
  watch_ = what;
  if (what.interval < forever) next_sample_ = time_zero + what.interval;
  if (what.interval < forever) attention_ = event_key(next_sample_, Turn::fault);
  if (what.events) attention_ = 0;
}

// Those due by now.
void Simulation::take_samples() {
  for (; next_sample_ <= now_; next_sample_ += watch_.interval) watcher_->on_sample(next_sample_);
  if (!watch_.events) attention_ = event_key(next_sample_, Turn::fault);
}

void Simulation::show_to_watcher(const Event& event) {
  take_samples();
  if (watch_.events) watcher_->on_event(event);
}

bool Simulation::run_operation() {
  if (operations_.empty()) return false;
  const Event operation = operations_[next_operation_++];
  if (watch_.events) watcher_->on_operation(operation);
  fingerprint_.add(operation.key, operation.target->name_hash(), operation.argument);
  in_operation_ = true;
  operation.handler(operation.target, operation.argument);
  in_operation_ = false;
  if (ended_ || next_operation_ == operations_.size()) {
    operations_.clear();
    next_operation_ = 0;
  }
  return true;
}

Handle Simulation::open_call(Entity& caller, std::uint32_t caller_node, Operation operation,
                             Handle context) {
  const Handle handle = calls_.create();
  Call& call = calls_.in_slot(handle.slot());
  call.caller = &caller;
  call.caller_node = caller_node;
  call.operation = operation;
  call.context = context;
  call.opened = now_;
  tell_watcher(CallStep::opened, handle, call);
  return handle;
}

std::uint16_t Simulation::number_of(const RequestClass& request_class) {
  const auto found = std::find(classes_.begin(), classes_.end(), request_class);
  const auto number = static_cast<std::size_t>(found - classes_.begin());
  WT_CHECK(number < 0xffff, "too many classes of requests");
  if (found == classes_.end()) classes_.push_back(request_class);
  return static_cast<std::uint16_t>(number);
}

void Simulation::send(Handle handle, const Address& to) {
  Call& call = calls_[handle];
  call.callee = to.entity;
  call.callee_node = to.node;
  call.callee_life = to.life;
  call.callee_done = false;
  call.from = call.caller->zone_of(call.caller_node);
  call.to = to.entity->zone_of(to.node);
  tell_watcher(CallStep::sent, handle, call);
  const auto time =
      network_.travel(call.from, call.to, call.operation, call.caller->network_chance_);
  if (time == Duration::zero()) {
    deliver_request(handle);
  } else if (time < horizon() - now_) {
    post(now_ + time, Turn::traffic, &on_request_arrived, to.entity, to_argument(handle));
  } else {
    drop(handle);  // lost, or not before the end
  }
}

void Simulation::on_request_arrived(Entity* callee, std::uint64_t handle) {
  callee->sim().deliver_request(Handle::of(handle));
}

void Simulation::deliver_request(Handle handle) {
  Call* call = calls_.find(handle);
  if (call == nullptr) return;
  call->arrived = now_;
  Entity& callee = *call->callee;
  if (!callee.nodes_.empty()) {
    const Entity::Node& node = callee.nodes_[call->callee_node];
    // Power lost, or the address belongs to nobody any more: silence.
    if (!platform_->up(node.host) || node.life != call->callee_life) return drop(handle);
  }
  tell_watcher(CallStep::arrived, handle, *call);
  if (call->operation == Operation::connect) return callee.on_connect(*call, handle);
  callee.on_request(*call, handle);
}

void Simulation::answer(Handle handle, Outcome outcome) {
  Call& call = calls_[handle];
  call.outcome = outcome;
  call.callee_done = true;
  tell_watcher(CallStep::answered, handle, call);
  if (call.caller_done) {
    tell_watcher(CallStep::late, handle, call);
    call.caller->on_late_answer(call);
    end(handle, call);
    return;
  }
  const auto time =
      network_.travel(call.to, call.from, call.operation, call.callee->network_chance_);
  if (time == Duration::zero()) {
    deliver_answer(handle);
  } else if (time < horizon() - now_) {  // else it is lost, and the caller's timeout will tell
    call.callee_done = false;            // the answer on its way holds the call
    post(now_ + time, Turn::traffic, &on_answer_arrived, call.caller, to_argument(handle));
  }
}

void Simulation::on_answer_arrived(Entity* caller, std::uint64_t handle) {
  caller->sim().deliver_answer(Handle::of(handle));
}

void Simulation::deliver_answer(Handle handle) {
  Call* call = calls_.find(handle);
  if (call == nullptr) return;
  call->callee_done = true;
  tell_watcher(call->caller_done ? CallStep::late : CallStep::ended, handle, *call);
  if (call->caller_done) {
    call->caller->on_late_answer(*call);
    end(handle, *call);
    return;
  }
  if (call->lane != nullptr) call->lane->leave(*call);
  call->caller_done = true;
  call->caller->on_answer(*call, handle);
  end(handle, *call);
}

void Simulation::drop(Handle handle) {
  Call& call = calls_[handle];
  call.callee_done = true;
  tell_watcher(CallStep::dropped, handle, call);
  release_if_done(handle, call);
}

void Simulation::give_up(Handle handle) {
  Call* call = calls_.find(handle);
  if (call == nullptr || call->caller_done) return;
  if (call->lane != nullptr) call->lane->leave(*call);
  call->caller_done = true;
  tell_watcher(CallStep::given_up, handle, *call);
  release_if_done(handle, *call);
}

void Simulation::fail(Handle handle, Outcome outcome) {
  Call& call = calls_[handle];
  WT_CHECK(call.callee_done, "a call that was sent cannot fail at its caller");
  call.outcome = outcome;
  deliver_answer(handle);
}

}  // namespace windtunnel::sim
