#include "models/mechanisms/program.hpp"

#include <algorithm>

#include "models/mechanisms/program.pb.h"
#include "models/mechanisms/queue_consumer.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/mechanisms/wildcard.hpp"

namespace windtunnel {

using sim::Call;
using sim::Handle;
using sim::Operation;
using sim::Outcome;

namespace {
std::int64_t cpu_units(double vcpus) { return static_cast<std::int64_t>(vcpus * 1024 + 0.5); }
}  // namespace

Program::Program(sim::Simulation& sim, const std::string& name, const settings::Program& settings)
    : Component(sim, name),
      workers_(settings.workers()),
      queue_(settings.queue()),
      order_(settings.queue_order() == settings::Program::LIFO ? Servers::Order::lifo
                                                               : Servers::Order::fifo),
      queue_expiry_(settings.has_queue_expiry() ? to_duration(settings.queue_expiry())
                                                : sim::forever),
      asynchronous_(settings.asynchronous()),
      health_check_time_(to_distribution(settings.health_check_time())),
      dependencies_(*this, *this, settings.calls(), settings.parallel()),
      lag_{.share = settings.scaling_lag().share(),
           .held_for = to_duration(settings.scaling_lag().held_for()),
           .workers = settings.workers()},
      service_chance_(stream("service")),
      check_chance_(stream("health check")),
      error_chance_(stream("errors")),
      order_chance_(stream("order of addresses")) {
  const sim::Distribution usual = to_distribution(settings.service_time());
  laws_.push_back({"*", "*", usual, true});
  for (const auto& c : settings.classes()) {
    laws_.push_back({c.host(), c.path(),
                     c.has_service_time() ? to_distribution(c.service_time()) : usual,
                     c.makes_calls()});
  }
  if (!settings.polls().empty()) {
    consumer_ = std::make_unique<QueueConsumer>(*this, metric_set_, settings.polls());
  }
}

Program::~Program() = default;

void Program::run_on(Fleet& fleet, sim::Wiring& wiring) {
  fleet_ = &fleet;
  dependencies_.wire(wiring);
  for (std::uint32_t i = 0; i < fleet.max_instances(); ++i) {
    nodes_.push_back({fleet.instance_host(i), 0});
    instances_.push_back(std::make_unique<Instance>(workers_, queue_, order_));
  }
  if (consumer_ != nullptr) consumer_->wire(wiring, nodes_);
  fleet.observe_fleet(*this);
  fleet.add_cpu_meter(*this);
}

void Program::attach() {
  if (!fleet_->scales()) return;
  demand_ = std::make_unique<DemandMeter>(*this, metric_set_, lag_, use_, metric.queued, *fleet_);
}

void Program::start() {
  if (demand_ != nullptr) demand_->start();
}

void Program::report(sim::RunLog& log) {
  if (demand_ != nullptr) demand_->report(log);
}

std::uint32_t Program::max_targets() const { return fleet_->max_instances(); }
void Program::report_target_health(std::uint32_t target, bool healthy) {
  const bool was_healthy = instances_[target]->healthy;
  instances_[target]->healthy = healthy;
  count_instances();
  if (healthy && !was_healthy) now_healthy(target);
  fleet_->report_elb_health(target, healthy);
}
void Program::set_deregistration_delay(sim::Duration delay) {
  behind_elb_ = true;
  fleet_->set_deregistration_delay(delay);
}
bool Program::set_slow(double factor) {
  slow_ = factor;
  return true;
}
bool Program::set_errors(double share) {
  errors_ = share;
  return true;
}

std::vector<std::uint32_t> Program::running_nodes() const {
  std::vector<std::uint32_t> found;
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    if (instances_[i]->serving) found.push_back(i);
  }
  return found;
}

Resolution Program::resolve(const Query& query) {
  Resolution answer{.addresses = {}, .ttl = std::chrono::seconds(60)};
  for (const std::uint32_t i : fleet_->in_service()) {
    if (!fleet_->booting(i)) answer.addresses.push_back(address_of(i));
  }
  for (std::uint32_t n = static_cast<std::uint32_t>(answer.addresses.size()); n > 1; --n) {
    std::swap(answer.addresses[n - 1], answer.addresses[query.chance.below(n)]);
  }
  return answer;
}

// Made when first needed: most slots never run.
void Program::equip(std::uint32_t number) {
  Instance& it = *instances_[number];
  const Cpu cpu = cpu_of(number);
  it.vcpus = cpu.vcpus;
  it.cpu_share = 1;
  const bool shared = asynchronous_ || static_cast<double>(workers_) > cpu.vcpus;
  if (it.cpu != nullptr) {
    it.cpu->set_processors(cpu.vcpus);
  } else if (shared || cpu.may_be_slowed) {
    it.cpu = std::make_unique<ProcessorSharing>(*this, *this, cpu.vcpus, number);
  }
  if (!it.connections) it.connections = dependencies_.connect(number);
}

void Program::on_instance_in_service(std::uint32_t instance) {
  equip(instance);
  Instance& it = *instances_[instance];
  it.registered = true;
  it.serving = !fleet_->booting(instance);
  // A run starts with everything in service.
  it.healthy = !behind_elb_ || sim().now() == sim::time_zero;
  count_instances();
  if (it.healthy) now_healthy(instance);
  for (TargetObserver* observer : observers_) observer->on_target_registered(instance);
  if (consumer_ != nullptr && it.serving) consumer_->begin(instance);
}

void Program::on_instance_terminating(std::uint32_t instance) {
  instances_[instance]->registered = false;
  count_instances();
  if (consumer_ != nullptr) consumer_->stop(instance);
  for (TargetObserver* observer : observers_) observer->on_target_deregistered(instance);
}

void Program::on_instance_terminated(std::uint32_t instance) {
  if (instances_[instance]->serving) on_instance_lost(instance, sim::HostLoss::reset);
  instances_[instance]->registered = false;
  ++nodes_[instance].life;  // its address is nobody's now
}

void Program::on_instance_lost(std::uint32_t instance, sim::HostLoss loss) {
  Instance& it = *instances_[instance];
  if (!it.serving) return;
  it.serving = false;
  if (consumer_ != nullptr) consumer_->lose(instance);
  metric.lost.add(static_cast<std::uint64_t>(it.in_hand.size()));
  metric.busy_workers.add(sim().now(), -it.workers.busy());
  metric.queued.add(sim().now(), -it.workers.waiting());
  count_computing(it, -it.computing);
  use_.lose(sim().now(), it.holding);
  it.holding = 0;
  it.workers.clear([](Handle) {});
  if (it.cpu != nullptr) it.cpu->clear();
  it.connections->reset();
  // Calls it had made go on elsewhere; their answers find nobody.
  it.in_hand.lose(sim(), loss, [](const Call&) {});
  count_instances();
}

void Program::on_instance_resumed(std::uint32_t instance) {
  instances_[instance]->serving = true;
  count_instances();
  if (instances_[instance]->healthy) now_healthy(instance);
  if (consumer_ != nullptr) consumer_->begin(instance);
}

void Program::count_instances() {
  double vcpus = 0;
  std::int64_t ready = 0, serving = 0;
  for (const auto& instance : instances_) {
    if (instance->serving) vcpus += instance->vcpus;
    serving += instance->serving;
    ready += instance->serving && instance->registered && instance->healthy;
  }
  metric.workers.set(sim().now(), serving * workers_);
  metric.cpu_in_service.set(sim().now(), cpu_units(vcpus));
  if (demand_ != nullptr) demand_->set_ready(ready);
}

void Program::now_healthy(std::uint32_t instance) {
  const Instance& it = *instances_[instance];
  if (demand_ != nullptr && it.serving && it.registered) demand_->on_ready(instance);
}

bool Program::holds(Call* call, Handle handle) {
  return call != nullptr && call->callee == this && instance_of(*call).in_hand.holds(*call, handle);
}

void Program::on_connect(Call& call, Handle handle) {
  if (!instance_of(call).serving) return sim().drop(handle);  // still booting
  sim().answer(handle, Outcome::ok);
}

void Program::on_request(Call& call, Handle handle) {
  Instance& instance = instance_of(call);
  if (!instance.serving) return sim().drop(handle);
  if (call.operation != Operation::health_check) {
    metric.requests.add();
    ++use_.arrived;
  }
  instance.in_hand.take(call, handle);
  switch (instance.workers.enter(handle)) {
    case Servers::Entry::served:
      metric.busy_workers.add(sim().now(), +1);
      return begin(instance, call, handle);
    case Servers::Entry::queued:
      metric.queued.add(sim().now(), +1);
      return;
    case Servers::Entry::refused:
      metric.overloaded.add();
      instance.in_hand.forget(sim(), call);
      return sim().answer(handle, Outcome::overloaded);
  }
}

void Program::count_computing(Instance& instance, std::int64_t change) {
  instance.computing += change;
  const double busy =
      std::min(static_cast<double>(instance.computing), instance.vcpus * instance.cpu_share);
  if (busy == instance.busy) return;
  const sim::Time now = sim().now();
  instance.cpu_seconds += instance.busy * sim::seconds(now - instance.busy_since);
  instance.busy_since = now;
  metric.busy_cpu.add(now, cpu_units(busy) - cpu_units(instance.busy));
  instance.busy = busy;
}

double Program::cpu_seconds(std::uint32_t instance) const {
  const Instance& it = *instances_[instance];
  return it.cpu_seconds + it.busy * sim::seconds(sim().now() - it.busy_since);
}

void Program::set_cpu_share(std::uint32_t instance, double share) {
  Instance& it = *instances_[instance];
  it.cpu_share = share;
  it.cpu->set_processors(it.vcpus * share);
  count_computing(it, 0);
}

// The first that fits; a class of requests is a number, so its law is looked for once.
const Program::Law& Program::law_of_class(std::uint16_t request_class) {
  while (law_by_class_.size() <= request_class) {
    const auto& c = sim().request_class(static_cast<std::uint16_t>(law_by_class_.size()));
    const auto found = std::find_if(laws_.begin() + 1, laws_.end(), [&](const Law& law) {
      return matches_wildcard(law.path, c.path) && matches_wildcard(law.host, c.host);
    });
    law_by_class_.push_back(
        static_cast<std::uint16_t>(found == laws_.end() ? 0 : found - laws_.begin()));
  }
  return laws_[law_by_class_[request_class]];
}

void Program::begin(Instance& instance, Call& call, Handle handle) {
  Progress& progress = call.work_as<Progress>();
  progress.has_worker = true;
  sim::Duration work;
  if (call.operation == Operation::health_check) {
    work = health_check_time_.sample(check_chance_);
  } else {
    metric.queueing.record(sim().now() - call.arrived);
    use_.take(sim().now());
    ++instance.holding;
    work = call.service_time > sim::Duration::zero()
               ? call.service_time
               : law_of(call).service_time.sample(service_chance_);
  }
  if (slow_ != 1) work = sim::from_seconds(sim::seconds(work) * slow_);
  count_computing(instance, +1);
  if (instance.cpu != nullptr) {
    instance.cpu->add(handle, work);
  } else {
    sim().after<&Program::on_computed>(work, this, handle);
  }
}

void Program::on_computed(Handle handle) {
  Call* call = sim().find_call(handle);
  if (holds(call, handle)) computed(instance_of(*call), *call, handle);
}

void Program::on_job_done(ProcessorSharing& from, Handle job) {
  computed(*instances_[from.tag()], sim().call(job), job);
}

void Program::computed(Instance& instance, Call& call, Handle handle) {
  count_computing(instance, -1);
  if (call.operation == Operation::health_check) return finish(handle, Outcome::ok);
  if (error_chance_.chance(errors_)) return finish(handle, Outcome::error);
  if (dependencies_.none() || !law_of(call).makes_calls) return finish(handle, Outcome::ok);
  const std::uint32_t node = call.callee_node;
  if (asynchronous_) {
    call.work_as<Progress>().has_worker = false;
    free_worker(instance, false);
  }
  if (dependencies_.make_calls(handle, node)) finish(handle, Outcome::ok);
}

Dependencies::Progress* Program::progress_of(Handle request) {
  Call* call = sim().find_call(request);
  return holds(call, request) ? &call->work_as<Progress>().calls : nullptr;
}

void Program::on_dependency_ended(Handle request, bool success) {
  if (!success) return finish(request, Outcome::error);
  const std::uint32_t node = sim().call(request).callee_node;
  if (dependencies_.make_calls(request, node)) finish(request, Outcome::ok);
}

void Program::on_answer(Call& call, Handle handle) { dependencies_.on_answer(call, handle); }
void Program::on_timeout(Call& call, Handle handle) { dependencies_.on_timeout(call, handle); }
void Program::on_late_answer(const Call&) { metric.wasted.add(); }

// Nobody may wait for its answer any more: it is not begun.
bool Program::expires(Instance& instance, Handle waiting) {
  Call& call = sim().call(waiting);
  if (sim().now() - call.arrived <= queue_expiry_) return false;
  instance.workers.abandon();
  metric.queued.add(sim().now(), -1);
  metric.overloaded.add();
  instance.in_hand.forget(sim(), call);
  sim().answer(waiting, Outcome::overloaded);
  return true;
}

void Program::free_worker(Instance& instance, bool of_check) {
  if (!of_check) {
    use_.release(sim().now());
    --instance.holding;
  }
  const Handle next =
      instance.workers.leave([&](Handle waiting) { return !expires(instance, waiting); });
  if (!next) return metric.busy_workers.add(sim().now(), -1);
  metric.queued.add(sim().now(), -1);
  begin(instance, sim().call(next), next);
}

void Program::finish(Handle handle, Outcome outcome) {
  Call& call = sim().call(handle);
  Instance& instance = instance_of(call);
  if (call.operation != Operation::health_check) {
    metric.response.record(sim().now() - call.arrived);
    if (outcome != Outcome::ok) metric.errors.add();
    if (call.caller_done) metric.wasted.add();
  }
  const bool of_check = call.operation == Operation::health_check;
  const bool had_worker = call.work_as<Progress>().has_worker;
  instance.in_hand.forget(sim(), call);
  if (had_worker) free_worker(instance, of_check);
  sim().answer(handle, outcome);
}

}  // namespace windtunnel
