#include "models/network/elastic_ip.hpp"

#include <fmt/format.h>

#include "models/mechanisms/settings.hpp"
#include "models/network/elastic_ip.pb.h"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

using sim::Call;
using sim::Handle;
using sim::Milestone;

ElasticIp::ElasticIp(sim::Simulation& sim, const std::string& name,
                     const settings::ElasticIp& settings)
    : Component(sim, name),
      instances_{{{settings.primary(),
                   HealthState(static_cast<std::uint32_t>(settings.monitor().failures()),
                               static_cast<std::uint32_t>(settings.monitor().failures()), 1,
                               HealthState::State::healthy)},
                  {settings.standby(),
                   HealthState(static_cast<std::uint32_t>(settings.monitor().failures()),
                               static_cast<std::uint32_t>(settings.monitor().failures()), 1,
                               HealthState::State::healthy)}}},
      interval_(to_duration(settings.monitor().interval())),
      decision_(to_distribution(settings.decision())),
      remap_time_(to_distribution(settings.remap_time())),
      check_lane_(*this, to_duration(settings.monitor().timeout())),
      dns_chance_(stream("address")),
      move_chance_(stream("move")) {
  flows_ = std::make_unique<Flows>(
      *this, "connections", *this,
      Flows::Settings{.idle_timeout = to_duration(settings.idle_timeout())},
      Flows::Metrics{metric.opened, metric.refused, metric.own_resets, metric.far_resets});
}

ElasticIp::~ElasticIp() = default;

namespace {
// The only zone of the group that a service runs on; nothing where it is not written.
std::string only_zone_of(const std::string& service, const SettingsCheck& check) {
  const auto text = [](const google::protobuf::Message* settings, const char* name) {
    const auto* field =
        settings == nullptr ? nullptr : settings->GetDescriptor()->FindFieldByName(name);
    if (field == nullptr) return std::string();
    const auto& reflection = *settings->GetReflection();
    if (!field->is_repeated()) return reflection.GetString(*settings, field);
    return reflection.FieldSize(*settings, field) == 1
               ? reflection.GetRepeatedString(*settings, field, 0)
               : std::string();
  };
  const auto* settings = check.settings_of(service);
  const std::string fleet = text(settings, "on");
  return text(fleet.empty() ? settings : check.settings_of(fleet), "availability_zones");
}
}  // namespace

void ElasticIp::check(const settings::ElasticIp& settings, SettingsCheck& check) {
  if (settings.primary() == settings.standby()) {
    check.error("standby", fmt::format("{} is the primary too", settings.standby()));
  }
  const std::string primary = only_zone_of(settings.primary(), check);
  const std::string standby = only_zone_of(settings.standby(), check);
  if (settings.moves() == settings::ElasticIp::ENI && primary != standby) {
    check.error("standby",
                fmt::format("lives in {}, the primary in {}: an ENI cannot leave its availability "
                            "zone (EC2 user guide, Elastic network interfaces)",
                            standby.empty() ? "several zones" : standby,
                            primary.empty() ? "several zones" : primary));
  }
  for (const auto* name : {&settings.primary(), &settings.standby()}) {
    const auto instances = check.instances(*name);
    if (!instances || *instances == 1) continue;
    check.error(*name == settings.primary() ? "primary" : "standby",
                fmt::format("{} has {} instances; an address belongs to one (EC2 user guide, "
                            "Elastic IP addresses)",
                            *name, *instances));
  }
}

void ElasticIp::wire(sim::Wiring& wiring) {
  for (Instance& it : instances_) it.service = &wiring.find<Callable>(it.name);
}

void ElasticIp::start() {
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    sim().after<&ElasticIp::on_check_due>(interval_, this, i, sim::Turn::control);
  }
}

Resolution ElasticIp::resolve(const Query&) {
  follow();
  return {.addresses = {address_of(0)}};
}

// Packets take the way to the holder.
void ElasticIp::follow() {
  const sim::Address to = address_of_instance(holder_);
  if (!to) return;
  set_zone(to.entity->zone_of(to.node));
  flows_->set_place(to.entity->zone_of(to.node));
}

sim::Address ElasticIp::address_of_instance(std::uint32_t instance) {
  const Resolution answer = instances_[instance].service->resolve(
      {.operation = sim::Operation::read, .chance = dns_chance_});
  return answer.addresses.empty() ? sim::Address{} : answer.addresses.front();
}

std::optional<Flows::Route> ElasticIp::route(std::uint32_t, const Call&) {
  const sim::Address to = address_of_instance(holder_);
  if (!to) return std::nullopt;
  return Flows::Route{to, holder_};
}

void ElasticIp::on_connect(Call& call, Handle handle) { flows_->connect(call, handle); }
void ElasticIp::on_request(Call& call, Handle handle) { flows_->request(call, handle); }

// --- the monitor

void ElasticIp::on_check_due(std::uint32_t instance) {
  sim().after<&ElasticIp::on_check_due>(interval_, this, instance, sim::Turn::control);
  const sim::Address to = address_of_instance(instance);
  if (!to) return checked(instance, false);
  const Handle check = sim().open_call(*this, 0, sim::Operation::health_check);
  Call& call = sim().call(check);
  call.tag = instance;
  check_lane_.enter(call, check);
  sim().send(check, to);
}

void ElasticIp::on_answer(Call& call, Handle) {
  checked(call.tag, call.outcome == sim::Outcome::ok);
}
void ElasticIp::on_timeout(Call& call, Handle) { checked(call.tag, false); }

void ElasticIp::checked(std::uint32_t instance, bool passed) {
  if (!instances_[instance].health.record(passed)) return;
  const Instance& it = instances_[instance];
  sim().note(it.health.healthy() ? Milestone::none : Milestone::detection, *this,
             fmt::format("{} is {}", it.name, it.health.healthy() ? "healthy" : "unhealthy"));
  consider();
}

bool ElasticIp::should_move() const {
  return !instances_[holder_].health.healthy() && instances_[1 - holder_].health.healthy();
}

void ElasticIp::consider() {
  if (moving_ || !should_move()) return;
  moving_ = true;
  sim().after<&ElasticIp::on_decided>(decision_.sample(move_chance_), this);
}

void ElasticIp::on_decided() {
  if (!should_move()) {  // any more
    moving_ = false;
    return;
  }
  sim().note(Milestone::action_started, *this,
             fmt::format("is detached from {}", instances_[holder_].name));
  sim().after<&ElasticIp::on_moved>(remap_time_.sample(move_chance_), this);
}

void ElasticIp::on_moved() {
  moving_ = false;
  metric.moves.add();
  const std::uint32_t before = holder_;
  holder_ = 1 - holder_;
  sim().note(Milestone::action_finished, *this,
             fmt::format("is attached to {}", instances_[holder_].name));
  flows_->reset(before, Flows::Told::with_the_next_packet);
  follow();
  consider();
}

REGISTER_MODEL(ElasticIp, settings::ElasticIp);

}  // namespace windtunnel
