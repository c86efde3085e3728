// Where a distribution's edges and regional edge caches stand, and which of them a viewer reaches.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/mechanisms/geography.hpp"
#include "models/network/cloudfront_distribution.hpp"
#include "models/network/cloudfront_distribution.pb.h"

namespace windtunnel {

using sim::Duration;
using sim::ZoneId;

namespace {

// CloudFront guide, Using Amazon CloudFront Origin Shield, and N. California (a regional edge cache
// without Origin Shield).
constexpr std::array<std::string_view, 13> regions{
    "us-east-1",      "us-east-2",      "us-west-1",     "us-west-2",  "sa-east-1",
    "eu-west-1",      "eu-west-2",      "eu-central-1",  "ap-south-1", "ap-southeast-1",
    "ap-southeast-2", "ap-northeast-1", "ap-northeast-2"};

}  // namespace

std::span<const std::string_view> CloudFrontDistribution::regional_edge_caches() { return regions; }

// A regional edge cache stands in the city of edges that is nearest to its region, and not among
// the region's zones: their faults are not its own.
void CloudFrontDistribution::add_locations(const settings::CloudFrontDistribution& settings) {
  sim::Network& network = sim().network();
  std::vector<const Location*> places;
  for (const std::string_view region : regions) {
    places.push_back(&nearest(*find_location(region), windtunnel::edges()));
    const ZoneId zone = outside_zone(network, fmt::format("regional edge cache {}", region),
                                     *places.back(), Duration::zero());
    regionals_.push_back(std::make_unique<CloudFrontLocation>(
        *this, std::string(region), zone, static_cast<double>(settings.regional_cache()), nullptr));
  }
  for (const Location& city : windtunnel::edges()) {
    const auto parent = std::min_element(places.begin(), places.end(), [&](auto* a, auto* b) {
      return round_trip(city, *a) < round_trip(city, *b);
    });
    edges_.push_back(std::make_unique<CloudFrontLocation>(
        *this, std::string(city.code), edge_zone(network, city),
        static_cast<double>(settings.edge_cache()),
        regionals_[static_cast<std::size_t>(parent - places.begin())].get()));
  }
  lost_.resize(edges_.size());
}

CloudFrontLocation& CloudFrontDistribution::regional_in(std::string_view region) const {
  const auto found = std::find(regions.begin(), regions.end(), region);
  return *regionals_[static_cast<std::size_t>(found - regions.begin())];
}

// Viewers who are nowhere have the edge nearest to the first origin.
CloudFrontLocation& CloudFrontDistribution::edge_for(const Query& query) {
  const Location* viewer = query.from;
  if (viewer == nullptr) {
    if (origin_ == nullptr) {
      const Resolution origin = origins_.front().service->resolve(query);
      if (!origin.addresses.empty()) {
        const sim::Address& it = origin.addresses.front();
        origin_ = location_of(sim().network(), it.entity->zone_of(it.node));
      }
      if (origin_ == nullptr) origin_ = find_location("us-east-1");
    }
    viewer = origin_;
  }
  const auto known = std::find_if(nearest_.begin(), nearest_.end(),
                                  [&](const Nearest& it) { return it.viewer == viewer; });
  if (known != nearest_.end()) return *known->edge;
  const std::size_t at = nearest_edge(*viewer, lost_);
  nearest_.push_back({viewer, edges_[at].get()});
  return *edges_[at];
}

void CloudFrontDistribution::set_lost(ZoneId zone, bool lost) {
  const auto found = std::find_if(edges_.begin(), edges_.end(),
                                  [&](const auto& edge) { return edge->zone() == zone; });
  if (found == edges_.end()) return;
  (*found)->set_lost(lost);
  lost_[static_cast<std::size_t>(found - edges_.begin())] = lost;
  nearest_.clear();
  sim().note(lost ? sim::Milestone::action_finished : sim::Milestone::none, *this,
             fmt::format("DNS {} with the edge in {}", lost ? "no longer answers" : "answers again",
                         (*found)->place()));
}

// Edges are not connected with each other: they have nothing to say.
void CloudFrontDistribution::connect_locations() {
  sim::Network& network = sim().network();
  for (const auto& regional : regionals_) connect_by_geography(network, regional->zone());
  for (ZoneId zone = 0; zone < network.zones(); ++zone) {
    const Location* place = location_of(network, zone);
    if (place == nullptr || !is_region(*place)) continue;
    for (const auto& edge : edges_) connect_by_geography(network, edge->zone(), zone);
  }
}

Resolution CloudFrontDistribution::resolve(const Query& query) {
  return {.addresses = {edge_for(query).address_of(0)},
          .ttl = dns_ttl_,
          .connection_idle = viewer_keep_alive_};
}

}  // namespace windtunnel
