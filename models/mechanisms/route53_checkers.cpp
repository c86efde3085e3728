#include "models/mechanisms/route53_checkers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/mechanisms/geography.hpp"

namespace windtunnel {

using sim::Operation;
using sim::Time;

namespace {
// Route 53 API reference, HealthCheckConfig.Regions.
constexpr std::array regions{"us-east-1",      "us-west-1",      "us-west-2",      "eu-west-1",
                             "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1"};
}  // namespace

std::vector<sim::ZoneId> Route53Checkers::zones_of_checkers(sim::Simulation& sim,
                                                            sim::Duration one_way) {
  sim::Network& network = sim.network();
  const std::string name = fmt::format("route53 checkers, {} ms away", sim::seconds(one_way) * 1e3);
  std::vector<sim::ZoneId> zones;
  for (const char* region : regions) {
    zones.push_back(outside_zone(network, name, *find_location(region), sim::Duration::zero()));
  }
  // Zones made meanwhile are as far as the others.
  for (const sim::ZoneId zone : zones) {
    for (sim::ZoneId other = 0; other < network.zones(); ++other) {
      if (other != zone) network.set_one_way(zone, other, one_way);
    }
  }
  return zones;
}

class Route53Checkers::Site final : public sim::Entity {
 public:
  Site(Route53Checkers& all, std::size_t number, sim::ZoneId zone)
      : Entity(all, fmt::format("checkers in {}", regions[number])), all_(all) {
    set_zone(zone);
  }
  void on_answer(sim::Call& call, sim::Handle handle) override { all_.on_answer(call, handle); }

 private:
  Route53Checkers& all_;
};

Route53Checkers::Route53Checkers(sim::Component& owner, Callable& target, const Settings& settings,
                                 Listener& listener)
    : Entity(owner, "checkers"),
      settings_(settings),
      target_(target),
      listener_(listener),
      phase_chance_(stream("phase of checkers")),
      dns_chance_(stream("dns of checkers")),
      string_chance_(stream("string of checkers")),
      connect_lane_(*this, settings.connect_timeout),
      response_lane_(*this, settings.response_timeout),
      checkers_(settings.checkers,
                {HealthState(settings.failure_threshold, settings.failure_threshold,
                             settings.failure_threshold, HealthState::State::healthy)}),
      healthy_checkers_(settings.checkers) {
  for (const sim::ZoneId zone : zones_of_checkers(sim(), settings.one_way)) {
    sites_.push_back(std::make_unique<Site>(*this, sites_.size(), zone));
  }
}

Route53Checkers::~Route53Checkers() = default;

void Route53Checkers::start() {
  for (std::uint32_t i = 0; i < checkers(); ++i) {
    const double phase = sim::seconds(settings_.interval) * phase_chance_.uniform();
    sim().after<&Route53Checkers::on_check_due>(sim::from_seconds(phase), this, i);
  }
}

void Route53Checkers::on_check_due(std::uint32_t checker) {
  checkers_[checker].asked = sim().now();
  const Resolution answer = target_.resolve({Operation::health_check, dns_chance_});
  if (answer.addresses.empty()) {  // the name has no address: a failure at once
    return conclude(checker, false, sim().now() + settings_.interval);
  }
  ask(checker, Operation::connect, answer.addresses.front());
}

void Route53Checkers::ask(std::uint32_t checker, Operation operation, const sim::Address& address) {
  const sim::Handle call = sim().open_call(*sites_[checker % sites_.size()], checker, operation);
  (operation == Operation::connect ? connect_lane_ : response_lane_).enter(sim().call(call), call);
  sim().send(call, address);
}

void Route53Checkers::on_answer(sim::Call& call, sim::Handle) {
  bool passed = call.outcome == sim::Outcome::ok;
  if (call.operation == Operation::connect && passed && settings_.type != Type::tcp) {
    return ask(call.caller_node, Operation::health_check,
               {call.callee, call.callee_node, call.callee_life});
  }
  Time end = sim().now();
  if (passed && settings_.type == Type::string_match) {
    const sim::Duration took = settings_.string_time.sample(string_chance_);
    passed = took <= settings_.string_timeout;
    end += std::min(took, settings_.string_timeout);
  }
  conclude(call.caller_node, passed, end + settings_.interval);
}

void Route53Checkers::on_timeout(sim::Call& call, sim::Handle) {
  const Time next = checkers_[call.caller_node].asked + settings_.interval;
  conclude(call.caller_node, false, std::max(next, sim().now()));
}

void Route53Checkers::conclude(std::uint32_t checker, bool passed, Time next_check) {
  sim().at<&Route53Checkers::on_check_due>(next_check, this, checker);
  if (!checkers_[checker].state.record(passed)) return;
  passed ? ++healthy_checkers_ : --healthy_checkers_;
  // 18 % of 50 checkers are 9, whatever a double makes of it.
  const bool verdict = healthy_checkers_ > settings_.healthy_above * checkers() + 1e-9;
  const bool changed = verdict != is_healthy_;
  is_healthy_ = verdict;
  listener_.on_checker_changed(changed);
}

}  // namespace windtunnel
