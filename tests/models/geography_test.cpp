#include "models/mechanisms/geography.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "models/mechanisms/ip_prefix.hpp"
#include "models/mechanisms/region_latency.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;

const Location& at(std::string_view code) {
  const Location* place = find_location(code);
  if (place == nullptr) throw std::runtime_error("no place " + std::string(code));
  return *place;
}
double ms(Duration time) { return 1e3 * sim::seconds(time); }

TEST(Geography, KnowsRegionsCountriesStatesContinentsAndEdgesByOneCodeEach) {
  EXPECT_EQ(at("eu-central-1").country, "DE");
  EXPECT_EQ(at("eu-central-1").continent, "EU");
  EXPECT_EQ(at("us-west-1").subdivision, "CA");
  EXPECT_EQ(at("US-CA").country, "US");
  EXPECT_EQ(at("US-CA").subdivision, "CA");
  EXPECT_EQ(at("NA").name, "Namibia");
  EXPECT_EQ(at("North America").continent, "NA");
  EXPECT_EQ(at("Frankfurt").country, "DE");
  EXPECT_EQ(find_location("Atlantis"), nullptr);
  EXPECT_EQ(states_of_the_us().size(), 51u);             // and the District of Columbia
  EXPECT_EQ(countries_of_the_world().size(), 249u + 1);  // ISO 3166-1, and Kosovo
}

TEST(Geography, PlacesLieOnEarthAndOnTheirContinents) {
  for (const auto places : {aws_regions(), countries_of_the_world(), states_of_the_us(), edges()}) {
    for (const Location& place : places) {
      EXPECT_LE(std::abs(place.latitude), 90) << place.code;
      EXPECT_LE(std::abs(place.longitude), 180) << place.code;
      EXPECT_EQ(at(place.country).continent, place.continent) << place.code;
    }
  }
}

TEST(Geography, DistancesAreThoseOfAGreatCircle) {
  EXPECT_NEAR(distance_km(at("eu-west-2"), at("eu-west-3")), 344, 2);  // London, Paris
  EXPECT_NEAR(distance_km(at("ap-southeast-2"), at("sa-east-1")), 13'350, 70);
  Location pole{.latitude = 90}, equator{.longitude = 123};
  EXPECT_NEAR(distance_km(pole, equator), 10'007.5, 0.1);
}

TEST(Geography, RegionsAreAsFarAsTheyWereMeasured) {
  EXPECT_EQ(round_trip(at("us-east-1"), at("eu-west-1")), 70ms);
  EXPECT_EQ(round_trip(at("eu-west-1"), at("us-east-1")), 70ms);
  EXPECT_EQ(round_trip(at("sa-east-1"), at("af-south-1")), 338ms);  // 339 there, 337 back
  EXPECT_EQ(round_trip(at("us-east-1"), at("us-east-1")), 0ms);
}

TEST(Geography, AnAreaStandsBehindTheRegionNearestToIt) {
  const double to_frankfurt = distance_km(at("DE"), at("eu-central-1")) * 0.0144;
  EXPECT_NEAR(ms(round_trip(at("DE"), at("eu-central-1"))), to_frankfurt, 1e-3);
  EXPECT_NEAR(ms(round_trip(at("DE"), at("us-east-1"))), to_frankfurt + 93, 1e-3);
  // Cables from Argentina to Africa lead over Sao Paulo, whatever the map says.
  EXPECT_GT(round_trip(at("AR"), at("af-south-1")), round_trip(at("sa-east-1"), at("af-south-1")));
}

// A region outside of the matrix has latencies, too.
TEST(Geography, ARegionThatWasNotMeasuredStandsBehindItsNeighbour) {
  EXPECT_FALSE(in_round_trip_matrix("eu-central-2"));
  const double zurich_milan = distance_km(at("eu-central-2"), at("eu-south-1")) * 0.0144;
  EXPECT_NEAR(ms(round_trip(at("eu-central-2"), at("us-east-1"))), zurich_milan + 101.5, 1e-3);
}

// The rule of the header, held against regions that it is not told about: leave one out, and
// predict its round trips from the others.
TEST(Geography, TheHubPredictsWhatDistanceAloneDoesNot) {
  std::vector<double> by_hub, by_distance;
  std::vector<const Location*> measured;
  for (const Location& region : aws_regions()) {
    if (in_round_trip_matrix(region.code)) measured.push_back(&region);
  }
  ASSERT_EQ(measured.size(), 21u);
  for (const Location* left_out : measured) {
    const Location* hub = nullptr;
    for (const Location* region : measured) {
      if (region == left_out) continue;
      if (hub == nullptr || distance_km(*left_out, *region) < distance_km(*left_out, *hub)) {
        hub = region;
      }
    }
    for (const Location* region : measured) {
      if (region == left_out || region == hub) continue;
      const double truth = ms(*region_round_trip(left_out->code, region->code));
      const double leg = 0.0144 * distance_km(*left_out, *hub);
      by_hub.push_back(std::abs(leg + ms(*region_round_trip(hub->code, region->code)) - truth) /
                       truth);
      // The least-squares line over all 210 pairs.
      by_distance.push_back(std::abs(18.6 + 0.01599 * distance_km(*left_out, *region) - truth) /
                            truth);
    }
  }
  const auto median = [](std::vector<double>& errors) {
    std::nth_element(errors.begin(), errors.begin() + errors.size() / 2, errors.end());
    return errors[errors.size() / 2];
  };
  EXPECT_NEAR(median(by_hub), 0.08, 0.01);
  EXPECT_NEAR(median(by_distance), 0.20, 0.02);
}

TEST(Geography, TheNearestIsByRoundTrip) {
  EXPECT_EQ(nearest(at("PT"), aws_regions()).code, "eu-south-2");
  EXPECT_EQ(nearest(at("US-CA"), aws_regions()).code, "us-west-1");
  EXPECT_EQ(nearest(at("CZ"), edges()).code, "Prague");
}

TEST(Geography, ZonesOutsideAreAccessAndDistanceAway) {
  sim::Network network;
  const auto a = network.add_zone("eu-central-1a", "eu-central-1");
  const auto nowhere = network.add_zone("station:db", "");
  network.set_one_way(a, a, 100us);
  const auto users = outside_zone(network, "users in Germany", at("DE"), 8ms);
  const auto others = outside_zone(network, "users in Brazil", at("BR"), 10ms);
  EXPECT_EQ(outside_zone(network, "users in Germany", at("DE"), 1ms), users);
  connect_by_geography(network, users);
  const Duration way = round_trip(at("DE"), at("eu-central-1")) / 2;
  EXPECT_EQ(network.one_way(users, a), 8ms + way + 50us);  // half of what the zone takes itself
  EXPECT_EQ(network.one_way(others, users), 18ms + round_trip(at("DE"), at("BR")) / 2);
  EXPECT_EQ(network.one_way(users, nowhere), 0ms);  // as it was
  EXPECT_EQ(location_of(network, users), find_location("DE"));
  EXPECT_EQ(location_of(network, a), find_location("eu-central-1"));
  EXPECT_EQ(location_of(network, nowhere), nullptr);
}

IpPrefix block(std::string_view text) { return IpPrefix::parse(text).value(); }

TEST(IpPrefix, ABlockContainsWhatIsNarrower) {
  EXPECT_TRUE(block("203.0.113.0/24").contains(block("203.0.113.128/25")));
  EXPECT_TRUE(block("203.0.113.0/24").contains(block("203.0.113.7")));
  EXPECT_TRUE(block("0.0.0.0/0").contains(block("203.0.113.7/32")));
  EXPECT_TRUE(block("2001:db8::/32").contains(block("2001:db8:1::/48")));
  EXPECT_TRUE(block("2001:db8::/96").contains(block("2001:db8::1")));
  EXPECT_FALSE(block("203.0.113.0/24").contains(block("203.0.112.0/24")));
  EXPECT_FALSE(block("203.0.113.0/24").contains(block("203.0.112.0/23")));  // wider
  EXPECT_FALSE(block("2001:db8::/96").contains(block("2001:db8::1:0:1")));
  EXPECT_FALSE(block("::/0").contains(block("203.0.113.7")));  // another family
}

TEST(IpPrefix, WhatIsNoBlockIsRefused) {
  for (const char* text : {"", "203.0.113", "203.0.113.0/33", "203.0.113.1/24", "203.0.113.0/",
                           "203.0.113.0/2x", "2001:db8::1/64", "2001:db8::/129", "DE"}) {
    EXPECT_FALSE(IpPrefix::parse(text)) << text;
  }
}

}  // namespace
}  // namespace windtunnel
