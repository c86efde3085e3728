// Places on earth, and how long a packet takes between them. One word for all: AWS regions, client
// areas (countries, US states, continents: what Route 53's geolocation tells apart) and the cities
// of AWS's edges.
//
// Round trips between regions are measured (region_latency.hpp). Any other place stands behind its
// hub, the nearest region of that matrix: great circle to the hub x 0.0144 ms/km + hub to hub. The
// pace is the least-squares slope over the matrix's 27 pairs below 3,000 km (light in fibre:
// 0.0098). Left-out regions are predicted by this rule with a median error of 8 % (10 % of them:
// above 51 %, where cables do not follow the hub), by distance alone with 20 %. Two places with one
// hub, or nearer to each other than to their hubs, go the great circle.
// Left out: countries by their providers, the air between a country's cities (all of an area stand
// in one point), routes that change.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "sim/network.hpp"

namespace windtunnel {

struct Location {
  std::string_view code{};         // "eu-central-1", "DE", "US-CA", "Europe", "Frankfurt" (an edge)
  std::string_view name{};         // "Germany"
  std::string_view country{};      // ISO 3166-1 alpha-2; of a continent: none
  std::string_view subdivision{};  // a state of the US: "CA"; else none
  std::string_view continent{};    // Route 53's: AF AN AS EU NA OC SA
  double latitude = 0, longitude = 0;
};

// One place of every kind under its code; nullptr: no such place. The places live for ever.
const Location* find_location(std::string_view code);

std::span<const Location> aws_regions();
std::span<const Location> continents_of_the_world();
std::span<const Location> countries_of_the_world();
std::span<const Location> states_of_the_us();
// Cities with edges of AWS (CloudFront, Global Accelerator, Route 53), one place a city.
std::span<const Location> edges();

// One of AWS's regions, whose zones are availability zones.
bool is_region(const Location& place);

// Great circle.
double distance_km(const Location& a, const Location& b);
// Median, without the access networks at its ends.
sim::Duration round_trip(const Location& a, const Location& b);
// By round trip, the first of equals; `of` is not empty.
const Location& nearest(const Location& to, std::span<const Location> of);

// Zones of the network have places: an availability zone its region, a zone outside AWS the place
// it was made for. nullptr: nowhere (plain clients, stations).
const Location* location_of(const sim::Network& network, sim::ZoneId zone);
// A zone outside AWS, `name@place`, whose traffic takes `access` one way before it is on its way.
// The same zone if asked again.
sim::ZoneId outside_zone(sim::Network& network, std::string_view name, const Location& place,
                         sim::Duration access);
// The zone of AWS's edge in a city, one for all services.
sim::ZoneId edge_zone(sim::Network& network, const Location& city);
// The number of the nearest city of edges(), before those that are lost.
std::size_t nearest_edge(const Location& to, const std::vector<bool>& lost);
// Paths of a zone to all that have a place, access networks included; others stay as they are. For
// wire(), when all zones exist.
void connect_by_geography(sim::Network& network, sim::ZoneId zone);
// One path, between two zones that have places.
void connect_by_geography(sim::Network& network, sim::ZoneId a, sim::ZoneId b);

}  // namespace windtunnel
