#include "models/network/route53_record_settings.hpp"

#include <fmt/format.h>

#include "models/mechanisms/settings.hpp"

namespace windtunnel {

namespace {

using Settings = settings::Route53Record;
using Record = Route53Record::Record;

Location coordinates(double latitude, double longitude) {
  Location place{};
  place.latitude = latitude;
  place.longitude = longitude;
  return place;
}

Location region(const std::string& code) {
  const Location* found = find_location(code);
  return found != nullptr ? *found : Location{};
}

std::unique_ptr<DnsRouting> nearest(const Settings& settings) {
  std::vector<NearestRouting::Place> places;
  for (const auto& one : settings.latency()) places.push_back({region(one.region())});
  if (!places.empty()) {
    return std::make_unique<NearestRouting>(NearestRouting::By::round_trip, std::move(places));
  }
  for (const auto& one : settings.geoproximity()) {
    places.push_back(
        {one.region().empty() ? coordinates(one.latitude(), one.longitude()) : region(one.region()),
         bias_factor(static_cast<double>(one.bias()))});
  }
  return std::make_unique<NearestRouting>(NearestRouting::By::distance, std::move(places));
}

std::unique_ptr<DnsRouting> by_geolocation(const Settings& settings) {
  std::vector<GeoMatch> matches;
  for (const auto& one : settings.geolocation()) {
    matches.push_back({one.continent(), one.country(), one.subdivision()});
  }
  return std::make_unique<GeolocationRouting>(std::move(matches));
}

std::unique_ptr<DnsRouting> by_network(const Settings& settings) {
  std::vector<std::vector<IpPrefix>> locations;
  for (const auto& one : settings.ip_based()) {
    auto& blocks = locations.emplace_back();
    for (const std::string& cidr : one.cidr()) {
      if (const auto block = IpPrefix::parse(cidr)) blocks.push_back(*block);
    }
  }
  return std::make_unique<IpBasedRouting>(std::move(locations));
}

std::unique_ptr<DnsRouting> by_weight(const Settings& settings) {
  std::vector<double> weights;
  for (const auto& one : settings.weighted()) weights.push_back(static_cast<double>(one.weight()));
  return std::make_unique<WeightedRouting>(std::move(weights));
}

std::unique_ptr<DnsRouting> routing_of(const Settings& settings) {
  if (!settings.weighted().empty()) return by_weight(settings);
  if (!settings.geolocation().empty()) return by_geolocation(settings);
  if (!settings.ip_based().empty()) return by_network(settings);
  if (!settings.multivalue().empty()) return std::make_unique<MultivalueRouting>();
  if (!settings.latency().empty() || !settings.geoproximity().empty()) return nearest(settings);
  return std::make_unique<OrderedRouting>();
}

Record record_of(const Settings::Answer& answer) {
  Record record;
  record.alias = answer.has_alias();
  record.target = answer.has_alias() ? answer.alias() : answer.value();
  record.id = answer.id();
  record.evaluate_target_health = answer.evaluate_target_health();
  if (answer.has_health_check()) {
    record.health_check = EndpointHealthCheck::settings_of(answer.health_check());
  }
  record.health_check_id = answer.health_check_id();
  return record;
}

}  // namespace

std::vector<WrittenAnswer> answers_of(const Settings& settings) {
  std::vector<WrittenAnswer> all;
  const auto add = [&](const char* policy, const auto& records) {
    for (int i = 0; i < records.size(); ++i) {
      all.push_back({fmt::format("{}.{}", policy, i), &records.Get(i).answer()});
    }
  };
  if (settings.has_failover()) {
    all.push_back({"failover.primary", &settings.failover().primary()});
    all.push_back({"failover.secondary", &settings.failover().secondary()});
  }
  add("weighted", settings.weighted());
  add("latency", settings.latency());
  add("geolocation", settings.geolocation());
  add("geoproximity", settings.geoproximity());
  add("ip_based", settings.ip_based());
  for (int i = 0; i < settings.multivalue_size(); ++i) {
    all.push_back({fmt::format("multivalue.{}", i), &settings.multivalue(i)});
  }
  return all;
}

Route53Record::Shape route53_shape_of(const Settings& settings) {
  Route53Record::Shape shape;
  for (const WrittenAnswer& written : answers_of(settings)) {
    shape.records.push_back(record_of(*written.answer));
  }
  if (settings.has_failover()) {
    const char* ids[] = {"primary", "secondary"};
    for (std::size_t i = 0; i < 2; ++i) {
      if (shape.records[i].id.empty()) shape.records[i].id = ids[i];
    }
  }
  if (shape.records.empty()) {
    Record& only = shape.records.emplace_back();
    only.alias = settings.has_alias();
    only.target = settings.has_alias() ? settings.alias() : settings.simple();
    shape.shuffled = settings.has_simple();
  }
  for (Record& record : shape.records) {
    record.evaluate_target_health |= settings.evaluate_target_health();
  }
  if (settings.has_health_check()) {
    shape.records.front().health_check = EndpointHealthCheck::settings_of(settings.health_check());
  }
  if (settings.has_health_check_id()) {
    shape.records.front().health_check_id = settings.health_check_id();
  }
  shape.routing = routing_of(settings);
  if (settings.has_ttl()) shape.ttl = to_duration(settings.ttl());
  shape.change_propagation = to_distribution(settings.change_propagation());
  return shape;
}

}  // namespace windtunnel
