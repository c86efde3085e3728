// CloudFront: viewers reach the nearest edge; an edge that has no good copy of an object asks the
// nearest regional edge cache, which asks the origin, through Origin Shield where there is one. Hit
// ratios follow from the catalogue behind a path (Zipf), the time to live and the room of the
// caches; requests for an object that is being fetched wait for that fetch.
//
// Failover is stateless (rule 44): every fetch tries the primary origin first, with up to three
// attempts of 10 s to connect or 30 s to be answered, then the secondary. Writes (POST, PUT) go
// from the edge to the origin, are sent once and never fail over; so do reads that are not kept,
// though these fail over. An error is kept for the error caching minimum TTL; whoever has an
// expired copy answers that instead. A Lambda@Edge function on origin requests chooses the nearest
// of several origins, by distance alone. Updates go through the control plane in us-east-1 and take
// minutes; all else goes on without it. An edge that is lost (a fault) falls silent, and DNS
// answers with the next one; viewers hold the old answer for its TTL. Left out: TLS, HTTP versions,
// viewers' and origins' bandwidth (sizes only take room), compression, range requests, cookies and
// queries in the cache key (an object is a key), custom error pages, 4xx of origins, invalidations,
// signed URLs, geographic restriction, WebSockets, real-time logs, functions on other events, loss
// of regional edge caches, the time until DNS knows of a lost edge; one cache a city instead of
// several; a retry asks for another object than the request did; an origin's Origin Shield is that
// of its group's primary; a connection that the origin closes just when a request sets out.
// Distance orders edges, though AWS measures latency.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/control_plane.hpp"
#include "models/mechanisms/listener_rules.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/zipf.hpp"
#include "models/network/cloudfront_location.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;
namespace settings {
class CloudFrontDistribution;
}  // namespace settings

// An origin or an origin group, as behaviours name them.
struct CloudFrontTarget {
  static constexpr std::uint16_t none = 0xffff;
  std::string name;
  std::uint16_t primary = 0, secondary = none;  // origins
  std::vector<int> failover_codes;

  bool fails_over_on(int status) const;
};

struct CloudFrontBehavior {
  struct Function {                         // Lambda@Edge, on origin requests
    std::vector<std::uint16_t> nearest_of;  // targets; none: the behaviour's own
    sim::Distribution duration;
    std::int64_t concurrency = 1000;
    double requests_per_second = 10'000;
    sim::Duration timeout{std::chrono::seconds(30)};
  };

  std::string path_pattern;
  std::uint16_t target = 0;
  bool writes_allowed = false;
  sim::Duration ttl{std::chrono::hours(24)};  // of what the origin sends; 0: it is not kept
  sim::Duration stale_while_revalidate{0};
  sim::Duration stale_if_error = sim::forever;
  Zipf popularity{1, 0};
  double size_p50 = 20'000, size_sigma = 0;
  std::optional<Function> function;

  bool cached() const { return ttl > sim::Duration::zero(); }
  // Bytes; an object has one size, drawn by its number.
  float size_of(ObjectCache::Key key) const;
};

class CloudFrontDistribution final : public sim::Component,
                                     public Callable,
                                     public MetricPublisher {
 public:
  CloudFrontDistribution(sim::Simulation& sim, const std::string& name,
                         const settings::CloudFrontDistribution& settings);
  ~CloudFrontDistribution() override;
  static void check(const settings::CloudFrontDistribution& settings, SettingsCheck& check);

  Resolution resolve(const Query& query) override;
  void wire(sim::Wiring& wiring) override;
  void start() override;
  void on_zone_lost(sim::ZoneId zone) override { set_lost(zone, true); }
  void on_zone_restored(sim::ZoneId zone) override { set_lost(zone, false); }
  void collect(std::uint32_t which, sim::Time from, sim::Time to, StatisticSet& out) override;

  // For its locations.
  const std::vector<CloudFrontOrigin>& origins() const { return origins_; }
  const std::vector<CloudFrontTarget>& targets() const { return targets_; }
  const std::vector<CloudFrontBehavior>& behaviors() const { return behaviors_; }
  std::uint16_t behavior_of(std::uint16_t request_class) {
    return paths_.find(sim(), request_class);
  }
  sim::Duration error_ttl() const { return error_ttl_; }
  // A fetch goes on to the secondary, or the primary has answered one.
  void on_failover(std::uint16_t target, int status);
  void on_primary_answered(std::uint16_t target) {
    if (failing_[target]) [[unlikely]]
      primary_is_back(target);
  }
  CloudFrontLocation& regional_in(std::string_view region) const;
  // Regions that have one.
  static std::span<const std::string_view> regional_edge_caches();

  // For tests and reports.
  const std::vector<std::unique_ptr<CloudFrontLocation>>& edges() const { return edges_; }
  const std::vector<std::unique_ptr<CloudFrontLocation>>& regionals() const { return regionals_; }

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter requests{set, "Requests", "viewers' requests"};
    sim::Counter errors_4xx{set, "4xxErrors", "answers with 4xx"};
    sim::Counter errors_5xx{set, "5xxErrors", "answers with 5xx"};
    sim::Counter cacheable{set, "CacheableRequests", "reads of objects that are kept, but errors"};
    sim::Counter hits{set, "CacheHits", "of these, answered out of a cache"};
    sim::Counter edge_hits{set, "EdgeHits", "of these, at the edge"};
    sim::Counter stale{set, "StaleAnswers", "answers with an object that had expired"};
    sim::Counter collapsed{set, "CollapsedRequests", "requests that waited for another's fetch"};
    sim::Counter origin_requests{set, "OriginRequests", "requests sent to origins"};
    sim::Counter connect_failures{set, "OriginConnectFailures", "connections that failed"};
    sim::Counter failovers{set, "OriginFailovers", "fetches that went on to the secondary"};
    sim::Counter evictions{set, "Evictions", "objects that made room for others"};
    sim::Counter function_throttles{set, "LambdaThrottles", "function calls over a quota"};
    sim::Histogram origin_latency{
        set, "OriginLatency", "from a request until its answer, of those that an origin answered"};
  };
  Metrics metric{metric_set_};

 private:
  struct Update {
    sim::Duration at;
    std::uint16_t behavior, target;
  };

  void add_targets(const settings::CloudFrontDistribution& settings);
  void add_behaviors(const settings::CloudFrontDistribution& settings);
  void add_locations(const settings::CloudFrontDistribution& settings);
  void publish_metrics(const settings::CloudFrontDistribution& settings);
  std::uint16_t target_named(const std::string& name) const;

  void primary_is_back(std::uint16_t target);
  void on_update_due(std::uint64_t update);
  void on_deployed(std::uint64_t update_and_location);
  CloudFrontLocation& location(std::size_t i) const {
    return i < edges_.size() ? *edges_[i] : *regionals_[i - edges_.size()];
  }
  CloudFrontLocation& edge_for(const Query& query);
  void set_lost(sim::ZoneId zone, bool lost);
  void connect_locations();

  std::vector<CloudFrontOrigin> origins_;
  std::vector<CloudFrontTarget> targets_;      // the origins, then the groups
  std::vector<bool> failing_;                  // groups whose primary failed the last fetch told of
  std::vector<CloudFrontBehavior> behaviors_;  // by path, then the default
  ListenerRules paths_;
  sim::Duration error_ttl_, dns_ttl_, viewer_keep_alive_;
  sim::Distribution deployment_;
  sim::Stream deployment_chance_;
  const ControlPlanes& control_planes_;
  std::vector<Update> updates_;
  std::vector<std::size_t> undeployed_;  // locations that an update has not reached, by update
  // Regional edge caches first: edges point at them.
  std::vector<std::unique_ptr<CloudFrontLocation>> regionals_, edges_;
  struct Nearest {
    const Location* viewer;
    CloudFrontLocation* edge;
  };
  std::vector<Nearest> nearest_;      // of viewers seen since an edge was lost last
  std::vector<bool> lost_;            // by edge
  const Location* origin_ = nullptr;  // place of the first origin, once it was asked for
  struct Collected {
    std::uint64_t part = 0, whole = 0;
  };
  std::array<Collected, 4> collected_;  // by rate: until the last period's end
};

}  // namespace windtunnel
