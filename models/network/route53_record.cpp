#include "models/network/route53_record.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/mechanisms/settings.hpp"
#include "models/network/route53_record.pb.h"
#include "models/network/route53_record_settings.hpp"
#include "models/registry.hpp"

namespace windtunnel {

namespace {

void shuffle(std::vector<sim::Address>& addresses, sim::Stream& chance) {
  for (std::size_t left = addresses.size(); left > 1; --left) {
    std::swap(addresses[left - 1], addresses[chance.below(static_cast<std::uint32_t>(left))]);
  }
}

}  // namespace

Route53Record::Route53Record(sim::Simulation& sim, const std::string& name,
                             const settings::Route53Record& settings)
    : Route53Record(sim, name, route53_shape_of(settings)) {}

Route53Record::Route53Record(sim::Simulation& sim, const std::string& name, Shape shape)
    : Component(sim, name),
      shape_(std::move(shape)),
      control_planes_(ControlPlanes::of(sim)),
      healthy_(shape_.records.size(), 1),
      change_chance_(stream("change propagation")) {
  if (shape_.routing == nullptr) shape_.routing = std::make_unique<OrderedRouting>();
  failover_ = shape_.records.size() == 2 &&
              dynamic_cast<const OrderedRouting*>(shape_.routing.get()) != nullptr;
  bool listed = false;
  for (Record& record : shape_.records) {
    Answer& answer = answers_.emplace_back();
    answer.record = std::move(record);
    if (answer.record.id.empty()) answer.record.id = answer.record.target;
    if (!answer.record.health_check) continue;
    answer.own_check = std::make_unique<EndpointHealthCheck>(
        *this, answer.record.target, *answer.record.health_check, listed ? unlisted_ : metric_set_);
    answer.own_check->status().add_listener(*this);
    answer.check = &answer.own_check->status();
    listed = true;
  }
  chosen_.reserve(answers_.size());
}

void Route53Record::point(Answer& answer, Callable& service) {
  answer.service = &service;
  answer.is_record = dynamic_cast<const Route53Record*>(&service) != nullptr;
}

void Route53Record::wire(sim::Wiring& wiring) {
  for (Answer& answer : answers_) {
    point(answer, wiring.find<Callable>(answer.record.target));
    if (answer.own_check != nullptr) answer.own_check->wire(*answer.service);
    if (answer.record.health_check_id.empty()) continue;
    auto& check = wiring.find<HealthCheckPort>(answer.record.health_check_id);
    check.add_listener(*this);
    answer.check = &check;
  }
}

void Route53Record::start() {
  for (const Answer& answer : answers_) {
    if (answer.own_check != nullptr) answer.own_check->start();
  }
}

// --- answers

Resolution Route53Record::resolve(const Query& query) {
  metric.queries.add();
  if (answers_.size() > 1) look();  // with one there is no choice by health
  shape_.routing->choose(query, healthy_, chosen_);
  Resolution all;
  for (const std::uint32_t index : chosen_) {
    append(all, answers_[index].service->resolve(query), answers_[index]);
  }
  if (chosen_.empty()) all.ttl = shape_.ttl;
  if (shape_.shuffled) shuffle(all.addresses, query.chance);
  return all;
}

void Route53Record::append(Resolution& all, const Resolution& one, const Answer& answer) const {
  all.addresses.insert(all.addresses.end(), one.addresses.begin(), one.addresses.end());
  // A target that names no TTL, being no DNS name of AWS's, lends none to an alias.
  const bool lent = answer.record.alias && one.ttl != sim::forever;
  all.ttl = std::min({all.ttl, one.ttl, lent ? one.ttl : shape_.ttl});
  all.connection_lifetime = std::min(all.connection_lifetime, one.connection_lifetime);
  all.connection_idle = std::min(all.connection_idle, one.connection_idle);
}

bool Route53Record::healthy(const Answer& answer) const {
  if (answer.check != nullptr && !answer.check->published_healthy()) return false;
  const bool looks =
      answer.record.evaluate_target_health || (answer.is_record && !answer.record.alias);
  return !looks || answer.service->healthy();
}

bool Route53Record::healthy() const {
  return std::any_of(answers_.begin(), answers_.end(),
                     [this](const Answer& answer) { return healthy(answer); });
}

void Route53Record::look() {
  bool changed = false;
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    const bool now = healthy(answers_[i]);
    if (healthy_[i] == now) continue;
    healthy_[i] = now;
    changed = true;
    if (!failover_ && answers_.size() > 1) tell(i);
  }
  if (changed && failover_) tell_failover();
}

void Route53Record::tell(std::size_t i) {
  const bool none = std::count(healthy_.begin(), healthy_.end(), 1) == 0;
  sim().note(sim::Milestone::action_finished, *this,
             fmt::format("{} {}{}", answers_[i].record.id,
                         healthy_[i] != 0 ? "is answered again" : "is not answered any more",
                         none ? ", but all are unhealthy: all are answered" : ""));
}

// Notes when the answer differs from the last one.
void Route53Record::tell_failover() {
  const std::size_t first = healthy_[0] == 0 && healthy_[1] != 0;
  if (first == first_) return;
  first_ = first;
  sim().note(sim::Milestone::action_finished, *this,
             first == 1
                 ? fmt::format("answers with the secondary, {}", answers_[1].record.target)
                 : fmt::format("answers with the primary again, {}{}", answers_[0].record.target,
                               healthy_[0] != 0 ? "" : ": both are unhealthy"));
}

// --- changes

std::optional<std::string> Route53Record::change_records(const std::vector<RecordChange>& changes) {
  auto refused =
      control_planes_.refusal(ControlPlanes::Service::route53, "ChangeResourceRecordSets");
  if (refused) return refused;
  for (const RecordChange& change : changes) {
    const bool known = std::any_of(answers_.begin(), answers_.end(), [&](const Answer& answer) {
      return change.record.empty() || answer.record.id == change.record;
    });
    if (!known) return fmt::format("there is no record '{}' of {}", change.record, name());
  }
  sim().note(sim::Milestone::action_started, *this, "a change of its records is PENDING");
  pending_.push_back(changes);
  sim().after<&Route53Record::on_in_sync>(shape_.change_propagation.sample(change_chance_), this,
                                          pending_.size() - 1, sim::Turn::control);
  return std::nullopt;
}

void Route53Record::on_in_sync(std::uint64_t change) {
  std::vector<std::string> told;
  for (const RecordChange& one : pending_[change]) {
    for (std::uint32_t i = 0; i < answers_.size(); ++i) {
      Answer& answer = answers_[i];
      if (!one.record.empty() && answer.record.id != one.record) continue;
      if (one.weight) {
        shape_.routing->set_weight(i, *one.weight);
        told.push_back(fmt::format("{} weighs {}", answer.record.id, *one.weight));
      }
      if (one.target != nullptr) {
        point(answer, *one.target);
        answer.record.target = one.target_name;
        told.push_back(fmt::format("{} points at {}", answer.record.id, one.target_name));
      }
    }
  }
  pending_[change].clear();
  sim().note(sim::Milestone::action_finished, *this,
             fmt::format("the change is INSYNC: {}", fmt::join(told, ", ")));
}

REGISTER_MODEL(Route53Record, settings::Route53Record);

}  // namespace windtunnel
