// A Lambda function: one request at a time in each execution environment, no queue for synchronous
// invocations. Its work stands in files of its own:
//   lambda_function.cpp      settings, ports, admission: what is throttled, and why
//   lambda_invocation.cpp    an invocation: cold start, work, calls, timeout, answer
//   lambda_provisioned.cpp   reserved and provisioned concurrency
//   lambda_environments.*    execution environments
//   lambda_events.*          the queue of asynchronous invocations, retries, destinations
//   lambda_metrics.cpp       what CloudWatch learns
//   lambda_check.cpp         bad settings
//
// Documented rules it obeys: all functions of a region share the account's concurrency; reserved
// concurrency is a guarantee and a cap; requests a second are at most ten times the concurrency;
// each function may make 1,000 environments in 10 s, refilled continuously (before 2023-11 all of a
// region shared a burst, then 500 a minute: service_quotas); provisioned concurrency is used first,
// what is beyond spills over; Init takes at most 10 s outside the invocation, then it is tried
// again within it; a timeout or an error resets the environment, whose next invocation pays for a
// hidden init (rule 27); CPU is in proportion to memory, Init is not. Left out: environments lost
// with an availability zone (the service is regional here); proactive initialisation; memory that
// runs out; payload of answers, response streaming; networks of a VPC and their addresses;
// extensions, shutdown; several requests in one environment (managed instances), durable functions,
// tenants; provisioned environments of an alias's additional version; recursive loop detection; the
// concurrency of snapshot creation.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "models/compute/lambda_environments.hpp"
#include "models/compute/lambda_events.hpp"
#include "models/mechanisms/account_quotas.hpp"
#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/dependencies.hpp"
#include "models/mechanisms/lambda_init.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/ports_messaging.hpp"
#include "models/mechanisms/scalable.hpp"
#include "models/mechanisms/throttle_meter.hpp"

namespace windtunnel {

class SettingsCheck;
namespace settings {
class LambdaFunction;
}

class LambdaFunction final : public sim::Component,
                             public Callable,
                             public FunctionPort,
                             public MessageTarget,
                             public Scalable,
                             public MetricPublisher,
                             private Dependencies::Owner,
                             private TimedList::Owner {
 public:
  LambdaFunction(sim::Simulation& sim, const std::string& name,
                 const settings::LambdaFunction& settings);
  ~LambdaFunction() override;
  static void check(const settings::LambdaFunction& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  void on_late_answer(const sim::Call&) override { metric.wasted.add(); }
  bool set_slow(double factor) override;
  bool set_errors(double share) override;

  Resolution resolve(const Query&) override { return {.addresses = {address_of(0)}}; }

  sim::Duration timeout() const override { return timeout_; }
  std::optional<std::uint32_t> reserved_concurrency() const override;
  bool reports_batch_item_failures() const override { return reports_failures_; }
  Kind kind() const override { return Kind::function; }

  std::string scalable_dimension() const override {
    return "lambda:function:ProvisionedConcurrency";
  }
  Capacity capacity() const override;
  void set_desired_capacity(std::int64_t desired, const ScalingCause& cause) override;
  bool scaling_in_progress() const override { return allocation_end_ > sim().now(); }
  std::optional<sim::Time> last_activity_end() const override;

  void collect(std::uint32_t which, sim::Time from, sim::Time to, StatisticSet& out) override;

  // Why an invocation is throttled, in the words of the API's Reason.
  enum class Refusal : std::uint8_t {
    concurrent_invocation_limit,  // the account's
    reserved_concurrency,         // the function's own
    invocation_rate,              // requests a second
    scaling_rate,                 // new environments
  };

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter invocations{set, "Invocations", "invocations whose code ran"};
    sim::Counter errors{set, "Errors", "invocations that ended in an error, timeouts included"};
    sim::Counter timeouts{set, "Timeouts", "invocations ended by the function's timeout"};
    sim::Counter cold_starts{set, "ColdStarts", "invocations that waited for a new environment"};
    sim::Counter hidden_inits{set, "HiddenInits",
                              "invocations in an environment that was reset before"};
    sim::Counter too_large{set, "RequestTooLarge", "invocations above the limit of the payload"};
    sim::Counter on_provisioned{set, "ProvisionedConcurrencyInvocations",
                                "invocations on provisioned concurrency"};
    sim::Counter spillover{set, "ProvisionedConcurrencySpilloverInvocations",
                           "on-demand invocations while provisioned concurrency was in use"};
    sim::Counter wasted{set, "WastedWork", "answers nobody waited for any more"};
    sim::Level concurrent{set, "ConcurrentExecutions", "Count", "invocations under way"};
    sim::Level environments{set, "ExecutionEnvironments", "Count", "environments there are"};
    sim::Level provisioned{set, "ProvisionedConcurrency", "Count",
                           "provisioned environments that are ready"};
    sim::Histogram duration{set, "Duration", "time of the code, without the Init phase"};
    sim::Histogram init{set, "ColdStartTime", "sandbox and Init phase of a cold start"};
    sim::Histogram response{set, "ResponseTime", "from an invocation's arrival to its answer"};
  };
  Metrics metric{metric_set_};
  ThrottleMeter<4> throttles;

 private:
  // What is kept in a call under way.
  struct Work {
    LambdaEnvironments::Number environment;
    Dependencies::Progress calls;
  };
  // Peaks within the present minute, for CloudWatch.
  struct Peaks {
    std::int64_t concurrent = 0;
    StatisticSet utilization;
  };

  // --- lambda_function.cpp
  std::optional<Refusal> admit(std::uint8_t version, LambdaEnvironments::Number& environment,
                               bool& cold);
  bool take_provisioned(std::uint8_t version, LambdaEnvironments::Number& environment);
  ConcurrencyPool& pool() { return own_ ? *own_ : quotas_->lambda; }

  // --- lambda_invocation.cpp
  void invoke(sim::Call& call, sim::Handle handle);
  bool too_large(const sim::Call& call) const;
  sim::Duration init_time();
  void on_initialized(sim::Handle handle);
  void begin_work(sim::Call& call, sim::Handle handle);
  sim::Duration work_of(const sim::Call& call, std::uint8_t version);
  void on_computed(sim::Handle handle);
  void on_out_of_time(sim::Handle handle);
  void on_time_over(const TimedList&, std::uint32_t environment) override;
  bool fails(const sim::Call& call, std::uint8_t version);
  void finish(sim::Handle handle, sim::Outcome outcome);
  bool mark_messages(Batch& batch, sim::Outcome outcome);
  Dependencies::Progress* progress_of(sim::Handle request) override;
  Dependencies::Connections& connections_of(std::uint32_t node) override {
    return *environments_[node].connections;
  }
  void on_dependency_ended(sim::Handle request, bool success) override;
  void on_wasted_work() override { metric.wasted.add(); }

  // --- lambda_provisioned.cpp
  void reserve();
  void on_allocated(std::uint64_t allocation);
  void provision(std::int64_t ready);

  // --- lambda_metrics.cpp
  void publish_metrics();
  void count_concurrent(std::int64_t change);

  struct Law {
    sim::Distribution service_time;
    double errors;
  };
  std::string region_;
  sim::Duration timeout_;
  const LambdaInit& init_;
  sim::Distribution sandbox_, dependencies_init_, cpu_time_, time_per_record_;
  std::optional<sim::Distribution> restore_;  // SnapStart
  double cpu_stretch_;                        // of a vCPU's time
  std::array<Law, 2> laws_;                   // of the version, and of the additional one
  double additional_weight_;
  double poison_;
  bool resets_on_error_, reports_failures_;
  std::optional<std::int64_t> reserved_;
  std::int64_t desired_provisioned_;
  double provisioning_rate_;
  Messages& messages_;
  LambdaEnvironments environments_;
  TimedList running_;  // invocations that make calls, until their timeouts
  Dependencies dependencies_;
  LambdaEvents events_;
  AccountQuotas* quotas_ = nullptr;
  std::optional<ConcurrencyPool> own_;  // reserved concurrency
  TokenBucket own_requests_, provisioned_requests_, scaling_;
  std::uint64_t allocations_ = 0;
  sim::Time allocation_end_{};
  Peaks peaks_;
  sim::Stream version_chance_, init_chance_, service_chance_, error_chance_;
  double slow_ = 1, errors_ = 0;
};

}  // namespace windtunnel
