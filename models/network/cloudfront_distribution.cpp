#include "models/network/cloudfront_distribution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "models/mechanisms/settings.hpp"
#include "models/network/cloudfront_distribution.pb.h"
#include "models/network/cloudfront_settings.hpp"
#include "models/registry.hpp"
#include "sim/hash.hpp"

namespace windtunnel {

using sim::Duration;
using sim::Milestone;
using sim::Turn;

namespace {

// Whoever is refused by the control plane tries again after this long (UNSOURCED).
constexpr Duration update_retry{std::chrono::minutes(1)};

Zipf popularity_of(const settings::CloudFrontDistribution::Catalogue& catalogue) {
  return {static_cast<std::uint32_t>(catalogue.objects()), catalogue.zipf()};
}

double sigma_of(const settings::CloudFrontDistribution::Catalogue& catalogue) {
  constexpr double z99 = 2.3263478740408408;
  if (!catalogue.has_size_p99()) return 0;
  return std::log(static_cast<double>(catalogue.size_p99()) /
                  static_cast<double>(catalogue.size_p50())) /
         z99;
}

}  // namespace

bool CloudFrontTarget::fails_over_on(int status) const {
  return std::find(failover_codes.begin(), failover_codes.end(), status) != failover_codes.end();
}

// Box and Muller, on two numbers made of the object's.
float CloudFrontBehavior::size_of(ObjectCache::Key key) const {
  if (size_sigma == 0) return static_cast<float>(size_p50);
  sim::Stream numbers(key);
  const double radius = std::sqrt(-2 * std::log(numbers.uniform()));
  const double z = radius * std::cos(2 * std::numbers::pi * numbers.uniform());
  return static_cast<float>(std::max(1.0, size_p50 * std::exp(size_sigma * z)));
}

CloudFrontDistribution::CloudFrontDistribution(sim::Simulation& sim, const std::string& name,
                                               const settings::CloudFrontDistribution& settings)
    : Component(sim, name),
      error_ttl_(to_duration(settings.error_caching_min_ttl())),
      dns_ttl_(to_duration(settings.dns_ttl())),
      viewer_keep_alive_(to_duration(settings.viewer_keep_alive())),
      deployment_(to_distribution(settings.deployment())),
      deployment_chance_(stream("deployment")),
      control_planes_(ControlPlanes::of(sim)) {
  add_targets(settings);
  add_behaviors(settings);
  add_locations(settings);
  for (const auto& update : settings.updates()) {
    std::uint16_t behavior = 0;
    while (behaviors_[behavior].path_pattern != update.path_pattern()) ++behavior;
    updates_.push_back({to_duration(update.at()), behavior, target_named(update.target_origin())});
  }
  undeployed_.resize(updates_.size());
  publish_metrics(settings);
}

CloudFrontDistribution::~CloudFrontDistribution() = default;

void CloudFrontDistribution::add_targets(const settings::CloudFrontDistribution& settings) {
  for (const auto& origin : settings.origins()) {
    CloudFrontTarget& target = targets_.emplace_back();
    target.name = cloudfront::name_of(origin);
    target.primary = static_cast<std::uint16_t>(origins_.size());
    origins_.push_back({.name = target.name,
                        .target = origin.target(),
                        .attempts = static_cast<std::uint8_t>(origin.connection_attempts()),
                        .connection_timeout = to_duration(origin.connection_timeout()),
                        .response_timeout = to_duration(origin.response_timeout()),
                        .keep_alive = to_duration(origin.keep_alive_timeout()),
                        .shield = origin.origin_shield()});
  }
  for (const auto& group : settings.origin_groups()) {
    CloudFrontTarget target;
    target.name = group.name();
    target.primary = target_named(group.primary());
    target.secondary = target_named(group.secondary());
    for (const std::int64_t code : group.failover_codes()) {
      target.failover_codes.push_back(static_cast<int>(code));
    }
    targets_.push_back(std::move(target));
  }
  failing_.resize(targets_.size());
}

std::uint16_t CloudFrontDistribution::target_named(const std::string& name) const {
  const auto found = std::find_if(targets_.begin(), targets_.end(),
                                  [&](const auto& target) { return target.name == name; });
  WT_CHECK(found != targets_.end(), "an origin that the check accepted does not exist");
  return static_cast<std::uint16_t>(found - targets_.begin());
}

void CloudFrontDistribution::add_behaviors(const settings::CloudFrontDistribution& settings) {
  const auto add = [&](const settings::CloudFrontDistribution::CacheBehavior& it) {
    const auto ttls = cloudfront::ttls_of(it);
    CloudFrontBehavior& behavior = behaviors_.emplace_back();
    behavior.path_pattern = it.path_pattern();
    behavior.target = target_named(cloudfront::target_of(settings, it));
    behavior.writes_allowed = it.allowed_methods() == settings::CloudFrontDistribution::ALL;
    behavior.ttl = ttls.of_origin;
    behavior.stale_while_revalidate = to_duration(it.cache_control().stale_while_revalidate());
    if (it.cache_control().has_stale_if_error()) {
      behavior.stale_if_error = to_duration(it.cache_control().stale_if_error());
    }
    behavior.popularity = popularity_of(it.catalogue());
    behavior.size_p50 = static_cast<double>(it.catalogue().size_p50());
    behavior.size_sigma = sigma_of(it.catalogue());
    if (!it.has_origin_request()) return;
    const auto& function = it.origin_request();
    behavior.function = {.nearest_of = {},
                         .duration = to_distribution(function.duration()),
                         .concurrency = function.concurrency(),
                         .requests_per_second = function.requests_per_second(),
                         .timeout = to_duration(function.timeout())};
    for (const std::string& target : function.nearest_of()) {
      behavior.function->nearest_of.push_back(target_named(target));
    }
  };
  for (const auto& behavior : settings.cache_behaviors()) {
    paths_.add({.hosts = {}, .paths = {behavior.path_pattern()}});
    add(behavior);
  }
  add(settings.default_cache_behavior());
}

void CloudFrontDistribution::wire(sim::Wiring& wiring) {
  for (CloudFrontOrigin& origin : origins_) origin.service = &wiring.find<Callable>(origin.target);
  for (const auto& regional : regionals_) regional->wire();
  for (const auto& edge : edges_) edge->wire();
  connect_locations();
}

void CloudFrontDistribution::start() {
  for (std::size_t i = 0; i < updates_.size(); ++i) {
    sim().after<&CloudFrontDistribution::on_update_due>(updates_[i].at, this, i, Turn::control);
  }
}

// --- failover

void CloudFrontDistribution::on_failover(std::uint16_t target, int status) {
  metric.failovers.add();
  if (failing_[target]) return;
  failing_[target] = true;
  const CloudFrontTarget& group = targets_[target];
  sim().note(Milestone::detection, *this,
             fmt::format("the first request goes on from {} to {}, with {}",
                         origins_[group.primary].name, origins_[group.secondary].name, status));
}

void CloudFrontDistribution::primary_is_back(std::uint16_t target) {
  failing_[target] = false;
  sim().note(Milestone::none, *this,
             fmt::format("{} answers again", origins_[targets_[target].primary].name));
}

// --- control plane

void CloudFrontDistribution::on_update_due(std::uint64_t i) {
  if (!control_planes_.available(ControlPlanes::Service::cloudfront)) {
    sim().note(Milestone::none, *this, "an update fails: no control plane in us-east-1");
    return sim().after<&CloudFrontDistribution::on_update_due>(update_retry, this, i,
                                                               Turn::control);
  }
  sim().note(Milestone::action_started, *this,
             fmt::format("an update is deployed: {} for {}", targets_[updates_[i].target].name,
                         updates_[i].behavior + 1u == behaviors_.size()
                             ? "the default behavior"
                             : behaviors_[updates_[i].behavior].path_pattern));
  undeployed_[i] = regionals_.size() + edges_.size();
  for (std::uint64_t l = 0; l < undeployed_[i]; ++l) {
    sim().after<&CloudFrontDistribution::on_deployed>(deployment_.sample(deployment_chance_), this,
                                                      (i << 32) | l, Turn::control);
  }
}

void CloudFrontDistribution::on_deployed(std::uint64_t update_and_location) {
  const std::size_t i = update_and_location >> 32;
  location(update_and_location & 0xffffffff).set_target(updates_[i].behavior, updates_[i].target);
  if (--undeployed_[i] > 0) return;
  sim().note(Milestone::action_finished, *this, "the update has reached all edges");
}

REGISTER_MODEL(CloudFrontDistribution, settings::CloudFrontDistribution);

}  // namespace windtunnel
