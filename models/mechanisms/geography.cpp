#include "models/mechanisms/geography.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "models/mechanisms/region_latency.hpp"
#include "sim/check.hpp"

namespace windtunnel {

namespace {

constexpr double earth_radius_km = 6371.0088;  // mean, IUGG
constexpr double ms_per_km = 0.0144;           // see the header

sim::Duration over_ground(double km) { return sim::from_seconds(km * ms_per_km * 1e-3); }

constexpr double radians = std::numbers::pi / 180;

using UnitVector = std::array<double, 3>;
UnitVector direction_of(const Location& place) {
  const double north = place.latitude * radians, east = place.longitude * radians;
  return {std::cos(north) * std::cos(east), std::cos(north) * std::sin(east), std::sin(north)};
}

// The nearest region of the matrix. Asked for each pair of zones, so it does no trigonometry twice.
const Location& hub_of(const Location& place) {
  static const auto hubs = [] {
    std::vector<std::pair<const Location*, UnitVector>> measured;
    for (const Location& region : aws_regions()) {
      if (in_round_trip_matrix(region.code)) measured.push_back({&region, direction_of(region)});
    }
    return measured;
  }();
  const UnitVector here = direction_of(place);
  const auto nearness = [&here](const auto& hub) {
    const UnitVector& there = hub.second;
    return here[0] * there[0] + here[1] * there[1] + here[2] * there[2];
  };
  return *std::max_element(hubs.begin(), hubs.end(), [&](const auto& a, const auto& b) {
            return nearness(a) < nearness(b);
          })->first;
}

// Of its own to a zone's paths: half of what its machines need to reach each other.
sim::Duration access_of(const sim::Network& network, sim::ZoneId zone) {
  return network.one_way(zone, zone) / 2;
}

}  // namespace

const Location* find_location(std::string_view code) {
  static const auto by_code = [] {
    std::map<std::string_view, const Location*> index;
    for (const auto places : {aws_regions(), continents_of_the_world(), countries_of_the_world(),
                              states_of_the_us(), edges()}) {
      for (const Location& place : places) {
        WT_CHECK(index.emplace(place.code, &place).second, "two places have one code");
      }
    }
    return index;
  }();
  const auto found = by_code.find(code);
  return found == by_code.end() ? nullptr : found->second;
}

double distance_km(const Location& a, const Location& b) {
  const double north = std::sin((b.latitude - a.latitude) * radians / 2);
  const double east = std::sin((b.longitude - a.longitude) * radians / 2);
  const double haversine =
      north * north + std::cos(a.latitude * radians) * std::cos(b.latitude * radians) * east * east;
  return 2 * earth_radius_km * std::asin(std::sqrt(std::min(1.0, haversine)));
}

sim::Duration round_trip(const Location& a, const Location& b) {
  const Location &from = hub_of(a), &to = hub_of(b);
  const double direct = distance_km(a, b);
  const double detour = distance_km(a, from) + distance_km(to, b);
  if (&from == &to || direct < detour) return over_ground(direct);
  return over_ground(detour) + *region_round_trip(from.code, to.code);
}

const Location& nearest(const Location& to, std::span<const Location> of) {
  return *std::min_element(of.begin(), of.end(), [&](const Location& a, const Location& b) {
    return round_trip(to, a) < round_trip(to, b);
  });
}

bool is_region(const Location& place) {
  return std::any_of(aws_regions().begin(), aws_regions().end(),
                     [&](const Location& region) { return &region == &place; });
}

const Location* location_of(const sim::Network& network, sim::ZoneId zone) {
  const std::string_view region = network.region(zone);
  if (!region.empty()) return find_location(region);
  const std::string_view name = network.name(zone);
  const std::size_t place = name.rfind('@');
  return place == name.npos ? nullptr : find_location(name.substr(place + 1));
}

// It has no region, so that nothing of AWS is placed or broken there.
sim::ZoneId outside_zone(sim::Network& network, std::string_view name, const Location& place,
                         sim::Duration access) {
  std::string full_name = std::string(name) + '@' + std::string(place.code);
  if (const auto found = network.find(full_name)) return *found;
  const sim::ZoneId zone = network.add_zone(std::move(full_name), "");
  network.set_one_way(zone, zone, 2 * access);
  return zone;
}

sim::ZoneId edge_zone(sim::Network& network, const Location& city) {
  return outside_zone(network, "edge " + std::string(city.code), city, sim::Duration::zero());
}

std::size_t nearest_edge(const Location& to, const std::vector<bool>& lost) {
  std::size_t found = 0;
  std::pair<bool, sim::Duration> least{true, sim::forever};
  for (std::size_t i = 0; i < edges().size(); ++i) {
    const std::pair<bool, sim::Duration> way{lost[i], round_trip(to, edges()[i])};
    if (way < least) std::tie(least, found) = std::tie(way, i);
  }
  return found;
}

void connect_by_geography(sim::Network& network, sim::ZoneId a, sim::ZoneId b) {
  const Location *here = location_of(network, a), *there = location_of(network, b);
  WT_CHECK(here != nullptr && there != nullptr, "a zone without a place has no geography");
  network.set_one_way(
      a, b, access_of(network, a) + round_trip(*here, *there) / 2 + access_of(network, b));
}

void connect_by_geography(sim::Network& network, sim::ZoneId zone) {
  for (sim::ZoneId other = 0; other < network.zones(); ++other) {
    if (other != zone && location_of(network, other) != nullptr) {
      connect_by_geography(network, zone, other);
    }
  }
}

}  // namespace windtunnel
