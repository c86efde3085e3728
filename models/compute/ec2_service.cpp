#include "models/compute/ec2_service.hpp"

#include <algorithm>

#include "models/compute/ec2_service.pb.h"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"

namespace windtunnel {

using sim::Call;
using sim::Handle;
using sim::Operation;
using sim::Outcome;

Ec2Service::Ec2Service(sim::Simulation& sim, const std::string& name,
                       const settings::Ec2Service& settings)
    : Component(sim, name),
      workers_(settings.workers()),
      queue_(settings.queue()),
      vcpus_(settings.vcpus()),
      parallel_(settings.parallel()),
      asynchronous_(settings.asynchronous()),
      fleet_name_(settings.on()),
      service_time_(to_distribution(settings.service_time())),
      health_check_time_(to_distribution(settings.health_check_time())),
      service_chance_(stream("service")),
      check_chance_(stream("health check")),
      call_chance_(stream("calls")),
      error_chance_(stream("errors")),
      order_chance_(stream("order of addresses")) {
  for (const auto& d : settings.calls()) {
    Connector::Settings connection{
        .operation = Operation::read,
        .connect_timeout = to_duration(d.connect_timeout()),
        .idle_timeout = sim::horizon_limit,  // a pool keeps its connections
        .least_dns_ttl = to_duration(d.dns_cache()),
        .dns_lookup = {}};
    Dependency dependency{
        d.to(),     d.writes(), d.probability(),
        connection, connection, std::make_unique<sim::Lane>(*this, to_duration(d.timeout()))};
    dependency.write.operation = Operation::write;
    dependencies_.push_back(std::move(dependency));
  }
}

Ec2Service::~Ec2Service() = default;

void Ec2Service::wire(sim::Wiring& wiring) {
  fleet_ = &wiring.find<Fleet>(fleet_name_);
  for (Dependency& d : dependencies_) d.target = &wiring.find<Callable>(d.to);
  for (std::uint32_t i = 0; i < fleet_->max_instances(); ++i) {
    nodes_.push_back({fleet_->instance_host(i), 0});
    instances_.push_back(std::make_unique<Instance>(workers_, queue_));
  }
  fleet_->observe_fleet(*this);
}

std::uint32_t Ec2Service::max_targets() const { return fleet_->max_instances(); }
void Ec2Service::report_target_health(std::uint32_t target, bool healthy) {
  fleet_->report_elb_health(target, healthy);
}
void Ec2Service::set_deregistration_delay(sim::Duration delay) {
  fleet_->set_deregistration_delay(delay);
}
bool Ec2Service::set_slow(double factor) {
  slow_ = factor;
  return true;
}
bool Ec2Service::set_errors(double share) {
  errors_ = share;
  return true;
}

std::vector<std::uint32_t> Ec2Service::running_nodes() const {
  std::vector<std::uint32_t> found;
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    if (instances_[i]->serving) found.push_back(i);
  }
  return found;
}

Resolution Ec2Service::resolve(Operation, sim::Stream& chance) {
  Resolution answer{.addresses = {}, .ttl = std::chrono::seconds(60)};
  for (const std::uint32_t i : fleet_->in_service()) answer.addresses.push_back(address_of(i));
  for (std::uint32_t n = static_cast<std::uint32_t>(answer.addresses.size()); n > 1; --n) {
    std::swap(answer.addresses[n - 1], answer.addresses[chance.below(n)]);
  }
  return answer;
}

void Ec2Service::on_instance_in_service(std::uint32_t instance) {
  Instance& it = *instances_[instance];
  if (it.reads.empty()) {  // made when first needed: most slots never run
    if (asynchronous_ || workers_ > vcpus_) {
      it.cpu = std::make_unique<ProcessorSharing>(*this, *this, vcpus_, instance);
    }
    for (Dependency& d : dependencies_) {
      it.reads.push_back(
          std::make_unique<Connector>(*this, instance, *d.target, d.read, d.to + " reads"));
      it.writes.push_back(d.writes > 0 ? std::make_unique<Connector>(*this, instance, *d.target,
                                                                     d.write, d.to + " writes")
                                       : nullptr);
    }
  }
  it.serving = true;
  update_vcpus();
  for (TargetObserver* observer : observers_) observer->on_target_registered(instance);
}

void Ec2Service::on_instance_terminating(std::uint32_t instance) {
  for (TargetObserver* observer : observers_) observer->on_target_deregistered(instance);
}

void Ec2Service::on_instance_terminated(std::uint32_t instance) {
  if (instances_[instance]->serving) on_instance_lost(instance, sim::HostLoss::reset);
  ++nodes_[instance].life;  // its address is nobody's now
}

void Ec2Service::on_instance_lost(std::uint32_t instance, sim::HostLoss loss) {
  Instance& it = *instances_[instance];
  if (!it.serving) return;
  it.serving = false;
  metric.lost.add(static_cast<std::uint64_t>(it.in_hand.size()));
  metric.busy_workers.add(sim().now(), -it.workers.busy());
  metric.queued.add(sim().now(), -it.workers.waiting());
  count_computing(it, -it.computing);
  it.workers.clear([](Handle) {});
  if (it.cpu != nullptr) it.cpu->clear();
  for (auto& connector : it.reads) connector->reset();
  for (auto& connector : it.writes) {
    if (connector != nullptr) connector->reset();
  }
  // Calls it had made go on elsewhere; their answers find nobody.
  it.in_hand.lose(sim(), loss, [](const Call&) {});
  update_vcpus();
}

void Ec2Service::on_instance_resumed(std::uint32_t instance) {
  instances_[instance]->serving = true;
  update_vcpus();
}

void Ec2Service::update_vcpus() {
  const auto serving = std::count_if(instances_.begin(), instances_.end(),
                                     [](const auto& instance) { return instance->serving; });
  metric.vcpus.set(sim().now(), serving * vcpus_);
  metric.workers.set(sim().now(), serving * static_cast<std::int64_t>(workers_));
}

bool Ec2Service::holds(Call* call, Handle handle) {
  return call != nullptr && call->callee == this && instance_of(*call).in_hand.holds(*call, handle);
}

void Ec2Service::on_request(Call& call, Handle handle) {
  Instance& instance = instance_of(call);
  if (!instance.serving) return sim().drop(handle);  // still booting: its port is closed
  if (call.operation != Operation::health_check) metric.requests.add();
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

void Ec2Service::count_computing(Instance& instance, std::int64_t change) {
  const auto busy = [&] { return std::min(instance.computing, vcpus_); };
  const std::int64_t before = busy();
  instance.computing += change;
  if (busy() != before) metric.busy_vcpus.add(sim().now(), busy() - before);
}

void Ec2Service::begin(Instance& instance, Call& call, Handle handle) {
  Progress& progress = call.work_as<Progress>();
  progress.has_worker = true;
  const bool check = call.operation == Operation::health_check;
  if (!check) metric.queueing.record(sim().now() - call.arrived);
  sim::Duration work =
      check ? health_check_time_.sample(check_chance_) : service_time_.sample(service_chance_);
  if (slow_ != 1) work = sim::from_seconds(sim::seconds(work) * slow_);
  count_computing(instance, +1);
  if (instance.cpu != nullptr) {
    instance.cpu->add(handle, work);
  } else {
    sim().after<&Ec2Service::on_computed>(work, this, handle);
  }
}

void Ec2Service::on_computed(Handle handle) {
  Call* call = sim().find_call(handle);
  if (holds(call, handle)) computed(instance_of(*call), *call, handle);
}

void Ec2Service::on_job_done(ProcessorSharing& from, Handle job) {
  computed(*instances_[from.tag()], sim().call(job), job);
}

void Ec2Service::computed(Instance& instance, Call& call, Handle handle) {
  count_computing(instance, -1);
  if (call.operation == Operation::health_check) return finish(handle, Outcome::ok);
  if (error_chance_.chance(errors_)) return finish(handle, Outcome::error);
  if (asynchronous_ && !dependencies_.empty()) {
    call.work_as<Progress>().has_worker = false;
    free_worker(instance);
  }
  if (make_calls(handle)) finish(handle, Outcome::ok);
}

bool Ec2Service::make_calls(Handle handle) {
  for (;;) {
    // Looked up each round: a call in zero time may have ended the request.
    Call* call = sim().find_call(handle);
    if (!holds(call, handle)) return false;
    Progress& progress = call->work_as<Progress>();
    if (progress.next_call >= dependencies_.size()) return progress.open_calls == 0;
    const std::size_t index = progress.next_call++;
    const Dependency& d = dependencies_[index];
    if (d.probability < 1 && !call_chance_.chance(d.probability)) continue;
    ++progress.open_calls;
    call_dependency(index, handle,
                    call_chance_.chance(d.writes) ? Operation::write : Operation::read);
    if (!parallel_) return false;
  }
}

void Ec2Service::call_dependency(std::size_t index, Handle handle, Operation operation) {
  const std::uint32_t node = sim().call(handle).callee_node;
  Instance& instance = *instances_[node];
  const Handle child = sim().open_call(*this, node, operation, handle);
  sim::Call& call = sim().call(child);
  call.tag = static_cast<std::uint32_t>(index);
  dependencies_[index].lane->enter(call, child);
  (operation == Operation::write ? instance.writes : instance.reads)[index]->dispatch(child);
}

void Ec2Service::on_answer(Call& call, Handle) {
  dependency_ended(call, call.outcome == Outcome::ok);
}
void Ec2Service::on_timeout(Call& call, Handle) {
  // The instance that asked is gone. Where the answer is still to come it will be counted then.
  if (!holds(sim().find_call(call.context), call.context) && !call.callee_done) return;
  dependency_ended(call, false);
}
void Ec2Service::on_late_answer(const Call&) { metric.wasted.add(); }

void Ec2Service::dependency_ended(Call& child, bool success) {
  const Handle handle = child.context;
  Call* call = sim().find_call(handle);
  if (!holds(call, handle)) return metric.wasted.add();  // the instance that asked is gone
  Instance& instance = instance_of(*call);
  if (child.outcome == Outcome::timeout || child.outcome == Outcome::connection_reset ||
      child.outcome == Outcome::read_only) {  // the pool throws the connection away
    (child.operation == Operation::write ? instance.writes : instance.reads)[child.tag]
        ->on_call_failed(child);
  }
  --call->work_as<Progress>().open_calls;
  if (!success) return finish(handle, Outcome::error);
  if (make_calls(handle)) finish(handle, Outcome::ok);
}

void Ec2Service::free_worker(Instance& instance) {
  const Handle next = instance.workers.leave([](Handle) { return true; });
  if (!next) return metric.busy_workers.add(sim().now(), -1);
  metric.queued.add(sim().now(), -1);
  begin(instance, sim().call(next), next);
}

void Ec2Service::finish(Handle handle, Outcome outcome) {
  Call& call = sim().call(handle);
  Instance& instance = instance_of(call);
  if (call.operation != Operation::health_check) {
    metric.response.record(sim().now() - call.arrived);
    if (outcome != Outcome::ok) metric.errors.add();
    if (call.caller_done) metric.wasted.add();
  }
  const bool had_worker = call.work_as<Progress>().has_worker;
  instance.in_hand.forget(sim(), call);
  if (had_worker) free_worker(instance);
  sim().answer(handle, outcome);
}

REGISTER_MODEL(Ec2Service, settings::Ec2Service);

}  // namespace windtunnel
