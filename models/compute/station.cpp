#include "models/compute/station.hpp"

#include "models/compute/station.pb.h"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"

namespace windtunnel {

using sim::Call;
using sim::Handle;
using sim::Outcome;

namespace {

// What the station remembers of a call.
enum class Stage : std::uint8_t { waiting, serving, beyond };
Stage& stage_of(Call& call) { return call.work_as<Stage>(); }

Station::Shape shape_of(const settings::Station& settings) {
  Station::Shape shape;
  shape.servers = settings.servers();
  shape.service_time = to_distribution(settings.service_time());
  shape.processor_sharing = settings.discipline() == settings::Station::PROCESSOR_SHARING;
  shape.last_first = settings.discipline() == settings::Station::LCFS;
  if (settings.has_queue()) shape.queue = settings.queue();
  if (settings.has_patience()) shape.patience = to_distribution(settings.patience());
  shape.failure_share = settings.failure_share();
  shape.next = settings.next();
  return shape;
}

}  // namespace

Station::Station(sim::Simulation& sim, const std::string& name, const settings::Station& settings)
    : Station(sim, name, shape_of(settings)) {}

Station::Station(sim::Simulation& sim, const std::string& name, const Shape& shape)
    : Component(sim, name),
      shape_(shape),
      servers_(shape.servers, shape.queue,
               shape.last_first ? Servers::Order::lifo : Servers::Order::fifo),
      service_chance_(stream("service")),
      patience_chance_(stream("patience")),
      failure_chance_(stream("failure")) {
  // A place of its own, in no time's reach of any other: no zone's fault is meant for it.
  set_zone(sim.network().add_zone("station:" + name, ""));
  if (shape.processor_sharing) {
    sharing_ = std::make_unique<ProcessorSharing>(*this, *this, static_cast<double>(shape.servers));
  }
}

Station::~Station() = default;

void Station::wire(sim::Wiring& wiring) {
  if (shape_.next.empty()) return;
  next_ = std::make_unique<Connector>(*this, 0, wiring.find<Callable>(shape_.next), next_settings_,
                                      "next");
}

bool Station::set_slow(double factor) {
  slow_ = factor;
  return true;
}
bool Station::set_errors(double share) {
  errors_ = share;
  return true;
}

sim::Duration Station::work(const Call& call) {
  const sim::Duration own = shape_.service_time.sample(service_chance_);
  const sim::Duration time = call.service_time > sim::Duration(0) ? call.service_time : own;
  return slow_ == 1 ? time : sim::from_seconds(sim::seconds(time) * slow_);
}

void Station::on_request(Call& call, Handle handle) {
  metric.arrived.add();
  if (sharing_ != nullptr) {
    if (sharing_->jobs() - shape_.servers >= shape_.queue) {
      metric.refused.add();
      return sim().answer(handle, Outcome::overloaded);
    }
    metric.in_system.add(sim().now(), +1);
    return sharing_->add(handle, work(call));
  }
  switch (servers_.enter(handle)) {
    case Servers::Entry::served:
      metric.in_system.add(sim().now(), +1);
      return begin(call, handle);
    case Servers::Entry::queued:
      metric.in_system.add(sim().now(), +1);
      metric.waited.add();
      stage_of(call) = Stage::waiting;
      if (shape_.patience) {
        sim().after<&Station::on_patience_over>(shape_.patience->sample(patience_chance_), this,
                                                handle);
      }
      return;
    case Servers::Entry::refused:
      metric.refused.add();
      return sim().answer(handle, Outcome::overloaded);
  }
}

void Station::begin(Call& call, Handle handle) {
  stage_of(call) = Stage::serving;
  metric.busy.set(sim().now(), servers_.busy());
  metric.waiting.record(sim().now() - call.arrived);
  sim().after<&Station::on_served>(work(call), this, handle);
}

void Station::on_served(Handle handle) {
  const Handle next = servers_.leave([this](Handle waiting) {
    Call* call = sim().find_call(waiting);
    return call != nullptr && stage_of(*call) == Stage::waiting;
  });
  if (next) {
    begin(sim().call(next), next);
  } else {
    metric.busy.set(sim().now(), servers_.busy());
  }
  finish(handle);
}

void Station::on_patience_over(Handle handle) {
  Call* call = sim().find_call(handle);
  if (call == nullptr || stage_of(*call) != Stage::waiting) return;
  stage_of(*call) = Stage::beyond;
  servers_.abandon();
  metric.abandoned.add();
  metric.waiting.record(sim().now() - call->arrived);
  leave_with(handle, Outcome::abandoned);
}

void Station::finish(Handle handle) {
  Call& call = sim().call(handle);
  stage_of(call) = Stage::beyond;
  metric.served.add();
  metric.response.record(sim().now() - call.arrived);
  if (failure_chance_.chance(shape_.failure_share) || failure_chance_.chance(errors_)) {
    return leave_with(handle, Outcome::error);
  }
  if (next_ == nullptr) return leave_with(handle, Outcome::ok);
  metric.in_system.add(sim().now(), -1);
  next_->dispatch(sim().open_call(*this, 0, call.operation, handle));
}

void Station::leave_with(Handle handle, Outcome outcome) {
  metric.in_system.add(sim().now(), -1);
  sim().answer(handle, outcome);
}

void Station::on_answer(Call& call, Handle) {
  if (sim().find_call(call.context) != nullptr) sim().answer(call.context, call.outcome);
}

REGISTER_MODEL(Station, settings::Station);

}  // namespace windtunnel
