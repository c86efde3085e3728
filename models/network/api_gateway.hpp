// An API of Amazon API Gateway, REST or HTTP. A request passes, in this order, its API key's usage
// plan, its method's and its stage's throttle, and the bucket that all APIs of the account share in
// the region (rule 28); what finds no token is answered 429. Then the cache, then the integration:
// a function, an HTTP endpoint, or directly a queue, topic, stream or state machine, which get a
// message. There are no retries. Errors are 413 too large, 403 no key, 502 a function failed, 500
// it was throttled, 504 (HTTP APIs: 503) the integration's time is over; others are passed on.
// Left out: WebSocket APIs, authorizers, edge-optimized endpoints and private ones, canary
// releases, mapping templates, waiting for a client that is slow; the cache as a machine that takes
// four minutes to make and can fail; entries of one path are wanted evenly; writes do not
// invalidate; "best effort" of throttles.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/account_quotas.hpp"
#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/integration.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/throttle_meter.hpp"
#include "models/mechanisms/ttl_cache.hpp"

namespace windtunnel {

class SettingsCheck;
namespace settings {
class ApiGateway;
}

class ApiGateway final : public sim::Component, public Callable {
 public:
  ApiGateway(sim::Simulation& sim, const std::string& name, const settings::ApiGateway& settings);
  ~ApiGateway() override;
  static void check(const settings::ApiGateway& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  void on_late_answer(const sim::Call&) override { metric.wasted.add(); }
  Resolution resolve(const Query&) override {
    return {.addresses = {address_of(0)}, .ttl = std::chrono::seconds(60)};
  }

  // By whose limit a request was refused.
  enum class Limit : std::uint8_t { usage_plan, quota, method, stage, account };

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter count{set, "Count", "requests"};
    sim::Counter client_errors{set, "4XXError", "requests answered 429, 413 or 403"};
    sim::Counter server_errors{set, "5XXError", "requests answered 5xx, the backend's included"};
    sim::Counter integration_timeouts{set, "IntegrationTimeouts", "integrations out of time"};
    sim::Counter too_large{set, "TooLarge", "requests answered 413"};
    sim::Counter forbidden{set, "Forbidden", "requests without an API key"};
    sim::Counter cache_hits{set, "CacheHitCount", "requests answered from the cache"};
    sim::Counter cache_misses{set, "CacheMissCount", "reads that the cache could not answer"};
    sim::Counter wasted{set, "WastedWork", "answers of backends that came too late"};
    sim::Histogram latency{set, "Latency", "from getting a request to its answer"};
    sim::Histogram integration_latency{set, "IntegrationLatency",
                                       "from handing a request on to the backend's answer"};
  };
  Metrics metric{metric_set_};
  ThrottleMeter<5> throttles;

 private:
  // What is kept in a call under way.
  struct Work {
    std::uint16_t route;
    bool cacheable;
    std::uint64_t object;
  };
  struct Route {
    std::string path;
    std::optional<TokenBucket> throttle;
    std::unique_ptr<Integration> integration;
  };
  struct Key {
    std::string name;
    std::optional<TokenBucket> throttle;
    std::int64_t quota;  // 0: none
    sim::Duration period;
    std::int64_t used = 0;
    sim::Time period_began{};
    const sim::Entity* caller = nullptr;
  };

  Key* key_of(const sim::Call& call);
  Route& route_of(const sim::Call& call);
  std::optional<Limit> throttled(Key* key, Route& route);
  static bool within_quota(Key& key, sim::Time now);
  void on_processed(sim::Handle handle);
  void forward(sim::Call& call, sim::Handle handle);
  void refuse(sim::Handle handle, sim::Outcome outcome);
  void reply(sim::Handle handle, sim::Outcome outcome);
  sim::Outcome outcome_for_client(const Route& route, sim::Outcome outcome);
  void publish_metrics();

  std::string region_;
  bool rest_, key_required_;
  std::int64_t maximum_payload_;
  sim::Distribution overhead_;
  std::vector<Route> routes_;
  std::vector<std::int16_t> route_by_class_;
  std::optional<TokenBucket> stage_;
  std::vector<Key> keys_;
  std::optional<TtlCache<char>> cache_;
  sim::Duration ttl_{0};
  std::uint32_t objects_ = 1;
  double bypass_ = 0;
  AccountQuotas* quotas_ = nullptr;
  sim::Stream overhead_chance_, object_chance_;
};

}  // namespace windtunnel
