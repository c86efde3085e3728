#include "models/network/route53_record.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/mechanisms/settings.hpp"
#include "models/network/route53_record.pb.h"
#include "models/registry.hpp"

namespace windtunnel {

namespace {

Route53Record::HealthCheck health_check_of(const settings::Route53Record::HealthCheck& check) {
  return {.checkers = {.interval = to_duration(check.interval()),
                       .failure_threshold = static_cast<std::uint32_t>(check.failure_threshold()),
                       .checkers = static_cast<std::uint32_t>(check.checkers()),
                       .healthy_above = check.healthy_above(),
                       .connect_timeout = to_duration(check.connect_timeout()),
                       .response_timeout = to_duration(check.response_timeout()),
                       .one_way = to_duration(check.network())},
          .propagation = to_distribution(check.propagation()),
          .disabled = check.disabled()};
}

Route53Record::Shape shape_of(const settings::Route53Record& settings) {
  using Policy = Route53Record::Policy;
  Route53Record::Shape shape;
  if (settings.has_failover()) {
    shape.policy = Policy::failover;
    shape.target = settings.failover().primary();
    shape.secondary = settings.failover().secondary();
  } else {
    shape.policy = settings.has_simple() ? Policy::simple : Policy::alias;
    shape.target = settings.has_simple() ? settings.simple() : settings.alias();
  }
  shape.evaluate_target_health = settings.evaluate_target_health();
  if (settings.has_ttl()) shape.ttl = to_duration(settings.ttl());
  if (settings.has_health_check()) shape.health_check = health_check_of(settings.health_check());
  return shape;
}

void shuffle(std::vector<sim::Address>& addresses, sim::Stream& chance) {
  for (std::size_t left = addresses.size(); left > 1; --left) {
    std::swap(addresses[left - 1], addresses[chance.below(static_cast<std::uint32_t>(left))]);
  }
}

}  // namespace

Route53Record::Route53Record(sim::Simulation& sim, const std::string& name,
                             const settings::Route53Record& settings)
    : Route53Record(sim, name, shape_of(settings)) {}

Route53Record::Route53Record(sim::Simulation& sim, const std::string& name, Shape shape)
    : Component(sim, name),
      shape_(std::move(shape)),
      primary_{.name = shape_.target},
      secondary_{.name = shape_.secondary},
      propagation_chance_(stream("propagation")) {
  if (!shape_.health_check) return;
  check_metric.emplace(metric_set_);
  check_metric->status.set(sim.now(), 1);
  check_metric->share.set(sim.now(), 100);
  if (shape_.health_check->disabled) {  // counts as healthy for good
    shape_.health_check.reset();
  } else {
    Route53Checkers::zone_of_checkers(sim, shape_.health_check->checkers.one_way);
  }
}

void Route53Record::wire(sim::Wiring& wiring) {
  const auto find = [&](Branch& branch) {
    branch.service = &wiring.find<Callable>(branch.name);
    branch.is_record = dynamic_cast<const Route53Record*>(branch.service) != nullptr;
  };
  find(primary_);
  if (shape_.policy == Policy::failover) find(secondary_);
  if (!shape_.health_check) return;
  Route53Checkers::Listener& listener = *this;
  checkers_ = std::make_unique<Route53Checkers>(*this, *primary_.service,
                                                shape_.health_check->checkers, listener);
}

void Route53Record::start() {
  if (checkers_ != nullptr) checkers_->start();
}

Resolution Route53Record::resolve(const Query& query) {
  metric.queries.add();
  const Branch& branch = choose() == Choice::primary ? primary_ : secondary_;
  Resolution answer = branch.service->resolve(query);
  if (shape_.policy == Policy::simple) shuffle(answer.addresses, query.chance);
  // A target that names no TTL, being no DNS name of AWS's, lends none to an alias.
  if (shape_.policy != Policy::alias || answer.ttl == sim::forever) {
    answer.ttl = std::min(answer.ttl, shape_.ttl);
  }
  return answer;
}

bool Route53Record::healthy() const {
  switch (shape_.policy) {
    case Policy::simple:
      return check_passes();
    case Policy::alias:
      return check_passes() && (!shape_.evaluate_target_health || primary_.service->healthy());
    case Policy::failover:
      return primary_healthy() || counts_as_healthy(secondary_);
  }
  return true;
}

// Notes when the answer differs from the last one.
Route53Record::Choice Route53Record::choose() {
  if (shape_.policy != Policy::failover) return Choice::primary;
  const bool primary = primary_healthy(), secondary = counts_as_healthy(secondary_);
  const Choice choice = !primary && secondary ? Choice::secondary : Choice::primary;
  if (choice == answered_) return choice;
  answered_ = choice;
  sim().note(sim::Milestone::action_finished, *this,
             choice == Choice::secondary
                 ? fmt::format("answers with the secondary, {}", secondary_.name)
                 : fmt::format("answers with the primary again, {}{}", primary_.name,
                               primary ? "" : ": both are unhealthy"));
  return choice;
}

void Route53Record::on_checker_changed(bool verdict_changed) {
  const sim::Time now = sim().now();
  const std::uint32_t healthy = checkers_->healthy_checkers(), all = checkers_->checkers();
  check_metric->share.set(now, healthy * 100 / all);
  if (!verdict_changed) return;
  check_metric->status.set(now, checkers_->healthy());
  // A target that is found well again is no detection of a fault.
  sim().note(checkers_->healthy() ? sim::Milestone::none : sim::Milestone::detection, *this,
             fmt::format("health check of {}: {} ({} of {} checkers healthy)", primary_.name,
                         checkers_->healthy() ? "healthy" : "unhealthy", healthy, all));
  sim().after<&Route53Record::on_propagated>(
      shape_.health_check->propagation.sample(propagation_chance_), this, ++changes_);
}

void Route53Record::on_propagated(std::uint64_t change) {
  if (change <= published_changes_) return;
  published_changes_ = change;
  choose();
}

REGISTER_MODEL(Route53Record, settings::Route53Record);

}  // namespace windtunnel
