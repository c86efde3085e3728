// What all services of one AWS account share in a region: Lambda's concurrency and requests a
// second, API Gateway's one bucket over APIs of every type (rule 28), the buckets of Step
// Functions. Each region of a run has one, with AWS's defaults unless the topology has a component
// `service_quotas` for it. Excess is refused by the service with its own words.
#pragma once

#include <optional>
#include <string>

#include "models/mechanisms/concurrency_pool.hpp"
#include "models/mechanisms/delay_bucket.hpp"
#include "models/mechanisms/token_bucket.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class AccountQuotas : public sim::Component {
 public:
  struct Bucket {
    double rate, burst;
  };
  struct Limits {
    std::int64_t lambda_concurrency = 1000;
    // Before 2023-11 all functions of a region shared a burst; absent: each function has a scaling
    // rate of its own (rule 26).
    std::optional<Bucket> lambda_shared_scaling;
    std::optional<Bucket> api_gateway;  // absent: the region's
    std::optional<Bucket> start_standard, start_express, state_transitions;
  };
  // AWS's limits of a region where there are different ones.
  static Bucket api_gateway_of(const std::string& region);
  static Bucket start_standard_of(const std::string& region);
  static Bucket state_transitions_of(const std::string& region);
  static Bucket lambda_burst_before_2023_of(const std::string& region);

  AccountQuotas(sim::Simulation& sim, std::string name, std::string region, const Limits& limits);
  // The one of the region; empty: of the first region there is. In wire().
  static AccountQuotas& of(sim::Simulation& sim, const std::string& region);

  const std::string& region() const { return region_; }

  ConcurrencyPool lambda;
  TokenBucket lambda_requests;
  std::optional<TokenBucket> lambda_scaling;
  TokenBucket api_gateway;
  TokenBucket start_standard, start_express;
  DelayBucket state_transitions;

  void lambda_changed();

  struct Metrics {
    sim::MetricSet& set;
    sim::Level concurrent{set, "ConcurrentExecutions", "Count",
                          "invocations under way of all functions, provisioned ones included"};
    sim::Level claimed{set, "ClaimedAccountConcurrency", "Count",
                       "concurrency that on-demand invocations cannot have any more: in use, "
                       "reserved or provisioned"};
  };
  Metrics metric{metric_set_};

 private:
  std::string region_;
};

}  // namespace windtunnel
