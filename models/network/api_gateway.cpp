#include "models/network/api_gateway.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/mechanisms/regional_place.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/mechanisms/wildcard.hpp"
#include "models/network/api_gateway.pb.h"
#include "models/registry.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Operation;
using sim::Outcome;
using S = settings::ApiGateway;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

std::optional<TokenBucket> bucket_of(bool given, const S::Throttle& throttle) {
  if (!given) return std::nullopt;
  return TokenBucket(throttle.rate(), throttle.burst());
}

Duration period_of(S::Quota::Period period) {
  return hours(24) * (period == S::Quota::DAY ? 1 : period == S::Quota::WEEK ? 7 : 30);
}

}  // namespace

ApiGateway::ApiGateway(sim::Simulation& sim, const std::string& name, const S& settings)
    : Component(sim, name),
      throttles(*this, metric_set_,
                {{{"ThrottledByUsagePlan", "429: an API key's throttle"},
                  {"ThrottledByQuota", "429: an API key's quota"},
                  {"ThrottledByMethod", "429: the method's throttle"},
                  {"ThrottledByStage", "429: the stage's throttle"},
                  {"ThrottledByAccount", "429: the bucket that all APIs of the region share"}}}),
      region_(settings.region()),
      rest_(settings.type() == S::REST),
      key_required_(settings.api_key_required()),
      maximum_payload_(settings.maximum_payload()),
      overhead_(to_distribution(settings.overhead())),
      stage_(bucket_of(settings.has_throttle(), settings.throttle())),
      overhead_chance_(stream("overhead")),
      object_chance_(stream("objects")) {
  for (const auto& route : settings.routes()) {
    const Duration timeout =
        route.has_timeout() ? to_duration(route.timeout()) : Duration(seconds(rest_ ? 29 : 30));
    routes_.push_back({route.path(), bucket_of(route.has_throttle(), route.throttle()),
                       std::make_unique<Integration>(*this, route.to(), timeout,
                                                     route.asynchronous(), Messages::of(sim))});
  }
  for (const auto& plan : settings.usage_plans()) {
    for (const std::string& key : plan.api_keys()) {
      keys_.push_back({key, bucket_of(plan.has_throttle(), plan.throttle()), plan.quota().limit(),
                       period_of(plan.quota().period())});
    }
  }
  if (settings.has_cache()) {
    cache_.emplace(static_cast<std::size_t>(settings.cache().capacity()));
    ttl_ = to_duration(settings.cache().ttl());
    objects_ = static_cast<std::uint32_t>(settings.cache().objects());
    bypass_ = settings.cache().bypass();
  }
  set_zone(regional_place(sim, region_));
  publish_metrics();
}

ApiGateway::~ApiGateway() = default;

void ApiGateway::wire(sim::Wiring& wiring) {
  quotas_ = &AccountQuotas::of(sim(), region_);
  for (Key& key : keys_) key.caller = &wiring.find<sim::Component>(key.name);
  for (Route& route : routes_) route.integration->wire(wiring);
}

void ApiGateway::publish_metrics() {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  const auto as = [&](const char* metric_name, double scale = 1) {
    return CloudWatch::Publication{.component = name(),
                                   .space = "AWS/ApiGateway",
                                   .name = metric_name,
                                   .dimensions = {{"ApiName", name()}},
                                   .delay = {},
                                   .scale = scale};
  };
  cloudwatch.publish_growth(as("Count"), metric.count);
  cloudwatch.publish_growth(as(rest_ ? "4XXError" : "4xx"), metric.client_errors, true);
  cloudwatch.publish_growth(as(rest_ ? "5XXError" : "5xx"), metric.server_errors, true);
  cloudwatch.publish_records(as("Latency", 1000), metric.latency);
  cloudwatch.publish_records(as("IntegrationLatency", 1000), metric.integration_latency);
  if (!rest_) return;
  cloudwatch.publish_growth(as("CacheHitCount"), metric.cache_hits);
  cloudwatch.publish_growth(as("CacheMissCount"), metric.cache_misses);
}

// --- what a request may

ApiGateway::Key* ApiGateway::key_of(const Call& call) {
  for (Key& key : keys_) {
    if (key.caller == call.caller) return &key;
  }
  return nullptr;
}

ApiGateway::Route& ApiGateway::route_of(const Call& call) {
  while (route_by_class_.size() <= call.request_class) {
    const auto number = static_cast<std::uint16_t>(route_by_class_.size());
    const std::string& path = sim().request_class(number).path;
    const auto found = std::find_if(routes_.begin(), routes_.end(), [&](const Route& route) {
      return matches_wildcard(route.path, path);
    });
    route_by_class_.push_back(
        static_cast<std::int16_t>(found == routes_.end() ? -1 : found - routes_.begin()));
  }
  const std::int16_t route = route_by_class_[call.request_class];
  return routes_[route < 0 ? 0 : static_cast<std::size_t>(route)];
}

bool ApiGateway::within_quota(Key& key, sim::Time now) {
  if (key.quota == 0) return true;
  if (now - key.period_began >= key.period) {
    key.period_began += (now - key.period_began) / key.period * key.period;
    key.used = 0;
  }
  return key.used++ < key.quota;
}

// What an earlier limit took stays taken.
std::optional<ApiGateway::Limit> ApiGateway::throttled(Key* key, Route& route) {
  const sim::Time now = sim().now();
  if (key != nullptr && key->throttle && !key->throttle->take(now)) return Limit::usage_plan;
  if (key != nullptr && !within_quota(*key, now)) return Limit::quota;
  if (route.throttle && !route.throttle->take(now)) return Limit::method;
  if (stage_ && !stage_->take(now)) return Limit::stage;
  if (!quotas_->api_gateway.take(now)) return Limit::account;
  return std::nullopt;
}

void ApiGateway::on_request(Call& call, Handle handle) {
  metric.count.add();
  throttles.offer(call);
  if (sim().request_class(call.request_class).bytes > maximum_payload_) {
    metric.too_large.add();
    return refuse(handle, Outcome::error);
  }
  Key* key = key_of(call);
  if (key == nullptr && key_required_) {
    metric.forbidden.add();
    return refuse(handle, Outcome::error);
  }
  Route& route = route_of(call);
  if (const auto limit = throttled(key, route)) {
    throttles.refuse(call, static_cast<std::size_t>(*limit));
    return refuse(handle, Outcome::throttled);
  }
  call.work_as<Work>() = {static_cast<std::uint16_t>(&route - routes_.data()), false, 0};
  sim().after<&ApiGateway::on_processed>(overhead_.sample(overhead_chance_), this, handle);
}

void ApiGateway::on_processed(Handle handle) {
  Call& call = sim().call(handle);
  Work& work = call.work_as<Work>();
  if (cache_ && call.operation == Operation::read) {
    work.cacheable = true;
    const std::uint64_t object = object_chance_.below(objects_);
    work.object = std::uint64_t{call.request_class} << 32 | object;
    const auto* kept = object_chance_.chance(bypass_) ? nullptr : cache_->find(work.object);
    if (kept != nullptr && kept->fresh(sim().now())) {
      metric.cache_hits.add();
      return reply(handle, Outcome::ok);
    }
    metric.cache_misses.add();
  }
  forward(call, handle);
}

// --- integrations

void ApiGateway::forward(Call& request, Handle handle) {
  routes_[request.work_as<Work>().route].integration->call({.context = handle,
                                                            .request_class = request.request_class,
                                                            .operation = request.operation,
                                                            .service_time = request.service_time});
}

void ApiGateway::on_answer(Call& call, Handle) {
  Call& request = sim().call(call.context);
  const Work work = request.work_as<Work>();
  Route& route = routes_[work.route];
  metric.integration_latency.record(sim().now() - call.opened);
  if (call.outcome == Outcome::connection_reset) route.integration->on_call_failed(call);
  const Outcome outcome = outcome_for_client(route, call.outcome);
  if (outcome == Outcome::ok && work.cacheable && ttl_ > Duration::zero()) {
    cache_->put(work.object, 0, sim().now() + ttl_);
  }
  reply(call.context, outcome);
}

void ApiGateway::on_timeout(Call& call, Handle) {
  metric.integration_timeouts.add();
  routes_[sim().call(call.context).work_as<Work>().route].integration->on_call_failed(call);
  reply(call.context, rest_ ? Outcome::gateway_timeout : Outcome::unavailable);
}

Outcome ApiGateway::outcome_for_client(const Route& route, Outcome outcome) {
  if (outcome == Outcome::ok) return outcome;
  if (outcome == Outcome::throttled) return Outcome::error;  // 500 of a function, 4xx passed on
  if (route.integration->invokes_function() || outcome == Outcome::connection_reset ||
      outcome == Outcome::connect_timeout) {
    return Outcome::bad_gateway;
  }
  return outcome;
}

void ApiGateway::refuse(Handle handle, Outcome outcome) {
  metric.client_errors.add();
  metric.latency.record(Duration::zero());
  sim().answer(handle, outcome);
}

void ApiGateway::reply(Handle handle, Outcome outcome) {
  const Call& call = sim().call(handle);
  if (outcome != Outcome::ok) metric.server_errors.add();
  if (call.caller_done) metric.wasted.add();
  metric.latency.record(sim().now() - call.arrived);
  sim().answer(handle, outcome);
}

REGISTER_MODEL(ApiGateway, settings::ApiGateway);

}  // namespace windtunnel
