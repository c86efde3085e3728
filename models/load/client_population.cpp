#include "models/load/client_population.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/load/client.pb.h"
#include "models/mechanisms/settings.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

using sim::Address;
using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Time;

namespace {

using CacheRules = google::protobuf::RepeatedPtrField<settings::Client::CacheRule>;

TtlRules rules_of(const CacheRules& settings) {
  std::vector<TtlRule> rules;
  for (const auto& rule : settings) {
    rules.push_back({.share = rule.share(),
                     .times = rule.times(),
                     .at_least = to_duration(rule.at_least()),
                     .at_most = rule.has_at_most() ? to_duration(rule.at_most()) : sim::forever,
                     .forever = rule.forever()});
  }
  return TtlRules(std::move(rules));
}

template <typename Parts>
bool make_a_whole(const Parts& parts) {
  double sum = 0;
  for (const auto& part : parts) sum += part.share();
  return std::abs(sum - 1) < 1e-6;
}

void check_rules(const std::string& path, const CacheRules& rules, SettingsCheck& check) {
  if (!rules.empty() && !make_a_whole(rules)) check.error(path, "the shares do not sum to 100%");
  for (int i = 0; i < rules.size(); ++i) {
    if (rules[i].has_at_most() && rules[i].at_most() < rules[i].at_least()) {
      check.error(fmt::format("{}.{}.at_most", path, i), "is below at_least");
    }
  }
}

void check_area(const std::string& path, const std::string& code, SettingsCheck& check) {
  if (code.empty()) return;
  std::vector<std::string> known;
  for (const auto places :
       {countries_of_the_world(), states_of_the_us(), continents_of_the_world(), aws_regions()}) {
    for (const Location& place : places) known.emplace_back(place.code);
  }
  if (std::find(known.begin(), known.end(), code) != known.end()) return;
  check.error(path, fmt::format("unknown area '{}': a country (DE), a state of the US (US-CA), a "
                                "continent (Europe) or an AWS region{}",
                                code, check.did_you_mean(code, known)));
}

void check_cidr(const std::string& path, const std::string& cidr, SettingsCheck& check) {
  if (!cidr.empty() && !IpPrefix::parse(cidr)) {
    check.error(path,
                fmt::format("'{}' is no CIDR block, as 203.0.113.0/24 or 2001:db8::/32", cidr));
  }
}

}  // namespace

void Population::check(const settings::Client& settings, SettingsCheck& check) {
  const auto& groups = settings.population();
  if (groups.empty()) return;
  if (!make_a_whole(groups)) check.error("population", "the shares do not sum to 100%");
  for (const char* replaced : {"network", "dns_cache"}) {
    if (check.given(replaced)) {
      check.error(replaced, "has no meaning beside population, whose areas say it");
    }
  }
  if (settings.hosts() < groups.size()) {
    check.error("population", fmt::format("has {} areas, but hosts is {}: an area has a machine",
                                          groups.size(), settings.hosts()));
  }
  for (int i = 0; i < groups.size(); ++i) {
    const auto& group = groups[i];
    const std::string path = fmt::format("population.{}", i);
    check_area(path + ".area", group.area(), check);
    check_area(path + ".resolver.area", group.resolver().area(), check);
    check_cidr(path + ".cidr", group.cidr(), check);
    check_cidr(path + ".resolver.cidr", group.resolver().cidr(), check);
    check_rules(path + ".resolver.ttl", group.resolver().ttl(), check);
    check_rules(path + ".runtime_cache", group.runtime_cache(), check);
  }
}

std::vector<Population::Group> Population::groups_of(const settings::Client& settings) {
  std::vector<Group> groups;
  for (const auto& it : settings.population()) {
    const auto& resolver = it.resolver();
    Group group{.area = find_location(it.area()),
                .share = it.share(),
                .access = to_duration(it.network()),
                .resolvers = {}};
    Resolvers::Settings& to = group.resolvers;
    to.count = static_cast<std::uint32_t>(resolver.count());
    to.rules = rules_of(resolver.ttl());
    to.runtimes = rules_of(it.runtime_cache());
    to.negative_ttl = to_duration(resolver.negative_ttl());
    to.recursion = to_distribution(resolver.recursion());
    to.place = resolver.area().empty() ? group.area : find_location(resolver.area());
    to.clients = group.area;
    to.client_subnet = resolver.client_subnet();
    to.network = IpPrefix::parse(resolver.cidr());
    to.clients_network = IpPrefix::parse(it.cidr());
    groups.push_back(std::move(group));
  }
  return groups;
}

// The machines [first, end).
class Population::Members final : public sim::Entity, private Connections::Listener {
 public:
  Members(Population& population, const Group& group, std::size_t number, std::uint32_t first,
          std::uint32_t end)
      : Entity(population.owner_, fmt::format("area {}", number)),
        population_(population),
        group_(group),
        number_(number),
        first_(first),
        end_(end) {
    const std::string name = fmt::format("internet:{} {}", population.owner_.name(), number);
    set_zone(outside_zone(sim().network(), name, *group.area, group.access));
  }

  void wire(Callable& target, const Connections::Settings& reads,
            const Connections::Settings* writes) {
    sim::Network& network = sim().network();
    const sim::ZoneId here = zone_of(0);
    for (sim::ZoneId other = 0; other < network.zones(); ++other) {
      if (location_of(network, other) == nullptr) network.set_one_way(here, other, group_.access);
    }
    connect_by_geography(network, here);
    const auto connections = [&](const char* purpose, const Connections::Settings& settings) {
      Connections::Listener& listener = *this;
      return std::make_unique<Connections>(
          population_.owner_, fmt::format("{} of area {}", purpose, number_), end_ - first_, here,
          target, settings, &group_.resolvers, &listener);
    };
    reads_ = connections("reads", reads);
    if (writes != nullptr) writes_ = connections("writes", *writes);
  }

  std::uint32_t first() const { return first_; }
  Connections& connections(bool write) { return write && writes_ ? *writes_ : *reads_; }

  void on_answer(Call& call, Handle handle) override { population_.owner_.on_answer(call, handle); }
  void on_late_answer(const Call& call) override { population_.owner_.on_late_answer(call); }

 private:
  void on_looked_up(std::uint32_t, bool recursion) override {
    population_.metric_.lookups.add();
    if (recursion) population_.metric_.recursions.add();
  }
  void on_answer_used(std::uint32_t machine, const Resolution& answer, Duration age) override {
    population_.on_answer_used(first_ + machine, answer, age);
  }
  void on_connecting(std::uint32_t, const Address& to) override { population_.on_connecting(to); }

  Population& population_;
  Group group_;
  std::size_t number_;
  std::uint32_t first_, end_;
  std::unique_ptr<Connections> reads_, writes_;
};

Population::RegionMetrics::RegionMetrics(sim::MetricSet& set, std::string_view region)
    : attempts_name(fmt::format("AttemptsTo {}", region)),
      connects_name(fmt::format("ConnectsTo {}", region)),
      latency_name(fmt::format("SuccessLatency {}", region)),
      attempts(set, attempts_name, "attempts that were sent to this region and ended"),
      connects(set, connects_name, "connections asked for in this region"),
      latency(set, latency_name, "latency of requests that this region answered well") {}

Population::Population(sim::Component& owner, const std::vector<Group>& groups,
                       std::uint32_t machines, sim::MetricSet& set)
    : owner_(owner), metric_{set}, stranded_(machines), ebb_(few_of(machines)) {
  const sim::Network& network = owner.sim().network();
  std::vector<std::string> regions;
  for (sim::ZoneId zone = 0; zone < network.zones(); ++zone) {
    const std::string& name = network.region(zone);
    const auto aws = aws_regions();
    const bool is_region = std::any_of(aws.begin(), aws.end(),
                                       [&](const Location& place) { return place.code == name; });
    const auto known = std::find(regions.begin(), regions.end(), name);
    const auto number = static_cast<std::size_t>(known - regions.begin());
    if (is_region && known == regions.end()) {
      regions.push_back(name);
      regions_.push_back(std::make_unique<RegionMetrics>(set, name));
    }
    by_zone_.push_back(is_region ? regions_[number].get() : nullptr);
  }
  double below = 0;
  std::uint32_t first = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    below += groups[i].share;
    const auto left = static_cast<std::uint32_t>(groups.size() - i - 1);  // one for each of them
    const auto end = i + 1 == groups.size()
                         ? machines
                         : std::clamp(static_cast<std::uint32_t>(std::lround(below * machines)),
                                      first + 1, machines - left);
    groups_.push_back(std::make_unique<Members>(*this, groups[i], i, first, end));
    ends_.push_back(end);
    first = end;
  }
}

Population::~Population() = default;

void Population::wire(Callable& target, const Connections::Settings& reads,
                      const Connections::Settings* writes) {
  for (const auto& group : groups_) group->wire(target, reads, writes);
}

Population::Members& Population::group_of(std::uint32_t machine) {
  // They are few, and whose turn it is nobody can guess: without a branch.
  std::size_t group = 0;
  for (const std::uint32_t end : ends_) group += end <= machine;
  return *groups_[group];
}

sim::Entity& Population::caller(std::uint32_t machine) { return group_of(machine); }

void Population::dispatch(std::uint32_t machine, bool write, Handle call) {
  Members& group = group_of(machine);
  group.connections(write).dispatch(machine - group.first(), call);
}

void Population::prefetch(std::uint32_t machine) {
  Members& group = group_of(machine);
  group.connections(false).prefetch(machine - group.first());
}

void Population::on_call_failed(std::uint32_t machine, bool write, const Call& call) {
  Members& group = group_of(machine);
  group.connections(write).on_call_failed(machine - group.first(), call);
}

void Population::on_attempt_ended(const Call& call, const Duration* latency) {
  if (call.callee == nullptr) return;  // it never left
  RegionMetrics* region = region_of(call.to);
  if (region == nullptr) return;
  region->attempts.add();
  if (latency != nullptr) region->latency.record(*latency);
}

void Population::on_connecting(const Address& to) {
  if (RegionMetrics* region = region_of(to.entity->zone_of(to.node))) region->connects.add();
}

bool Population::strand(std::uint32_t machine, bool write) {
  if (stranded_[machine]) return false;
  stranded_[machine] = true;
  metric_.stranded.add(owner_.sim().now(), +1);
  if (misled_.empty()) misled_.resize(stranded_.size());
  Members& group = group_of(machine);
  misled_[machine] = {group.connections(write).address(machine - group.first()),
                      owner_.sim().now()};
  ebb_.over(++misled_now_);
  return true;
}

bool Population::free(std::uint32_t machine, const Address& from) {
  stranded_[machine] = false;
  metric_.stranded.add(owner_.sim().now(), -1);
  Misled& it = misled_[machine];
  if (it.since != Time::max()) {
    it.since = Time::max();
    one_less_misled();
  }
  return it.broken && it.broken != from;
}

void Population::on_answer_used(std::uint32_t machine, const Resolution& answer, Duration age) {
  metric_.answer_age.record(age);
  if (misled_now_ == 0 || misled_[machine].since == Time::max()) return;
  const auto& addresses = answer.addresses;
  Misled& it = misled_[machine];
  // It had never reached anything: what it tries now is what does not work.
  if (!it.broken && !addresses.empty()) it.broken = addresses.front();
  if (addresses.empty() ||
      std::find(addresses.begin(), addresses.end(), it.broken) != addresses.end()) {
    return;
  }
  const Time now = owner_.sim().now();
  metric_.misled.record(now - it.since);
  it.since = Time::max();
  ++redirected_;
  one_less_misled();
}

void Population::one_less_misled() {
  if (!ebb_.over(--misled_now_) || redirected_ == 0) return;
  owner_.sim().note(sim::Milestone::caches_expired, owner_,
                    fmt::format("DNS leads {} client machines away from where their connections "
                                "broke, {} not yet",
                                redirected_, misled_now_));
  redirected_ = 0;
}

}  // namespace windtunnel
