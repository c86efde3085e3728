#include "models/mechanisms/sdk_client.hpp"

#include <gtest/gtest.h>

#include "models/mechanisms/sdk_client.pb.h"
#include "tests/support/small_run.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Outcome;
using sim::time_zero;
using S = settings::SdkRetry;

RetryRules rules(S::Mode mode, bool new_rules = false, S::Service service = S::OTHER) {
  S settings;
  settings.set_mode(mode);
  settings.set_new_retries_2026(new_rules);
  settings.set_service(service);
  return retry_rules_of(settings);
}

// The mean pause before the first retry, in seconds.
double mean_pause(const RetryRules& rules, Outcome outcome, std::uint32_t attempt = 1) {
  sim::Stream chance(1);
  double sum = 0;
  constexpr int n = 20'000;
  for (int i = 0; i < n; ++i) {
    sum += sim::seconds(rules.backoff.pause(attempt, 0s, chance, failure_of(outcome)));
  }
  return sum / n;
}

int retries_until_empty(const RetryRules& rules, Outcome outcome) {
  SdkClient client(rules);
  sim::Stream chance(1);
  int retries = 0;
  while (client.after_failure(outcome, 1, 0s, time_zero, chance).retry) ++retries;
  return retries;
}

// Rule 29
TEST(SdkClient, Rule29SdkRetriesChangedIn2026WithOtherBasesAndCosts) {
  const RetryRules before = rules(S::STANDARD), after = rules(S::STANDARD, true);
  EXPECT_NEAR(mean_pause(before, Outcome::error), 0.5, 0.01);
  EXPECT_NEAR(mean_pause(before, Outcome::throttled), 0.5, 0.01);
  EXPECT_NEAR(mean_pause(after, Outcome::error), 0.025, 0.0005);
  EXPECT_NEAR(mean_pause(after, Outcome::throttled), 0.5, 0.01);
  EXPECT_EQ(retries_until_empty(before, Outcome::error), 100);
  EXPECT_EQ(retries_until_empty(before, Outcome::timeout), 50);
  EXPECT_EQ(retries_until_empty(before, Outcome::throttled), 100);
  EXPECT_EQ(retries_until_empty(after, Outcome::error), 35);
  EXPECT_EQ(retries_until_empty(after, Outcome::throttled), 100);
  EXPECT_EQ(before.max_attempts, 3u);
  EXPECT_EQ(rules(S::STANDARD, true, S::DYNAMODB).max_attempts, 4u);
  EXPECT_NEAR(mean_pause(rules(S::STANDARD, true, S::DYNAMODB), Outcome::error), 0.0125, 0.0005);
}

// Rule 29
TEST(SdkClient, Rule29Boto3StillDefaultsToLegacyWithFiveAttemptsAndNoQuota) {
  const RetryRules legacy = rules(S::LEGACY);
  EXPECT_EQ(legacy.max_attempts, 5u);
  EXPECT_FALSE(legacy.tokens);
  EXPECT_EQ(rules(S::LEGACY, false, S::DYNAMODB).max_attempts, 10u);
  EXPECT_NEAR(mean_pause(legacy, Outcome::error, 4), 4, 0.1);  // rand x 2^3
}

// Rule 30
TEST(SdkClient, Rule30AnExhaustedRetryQuotaFailsAtOnce) {
  const RetryRules standard = rules(S::STANDARD);
  SdkClient client(standard);
  sim::Stream chance(1);
  for (int i = 0; i < 100; ++i) client.after_failure(Outcome::error, 1, 0s, time_zero, chance);
  const auto verdict = client.after_failure(Outcome::error, 1, 0s, time_zero, chance);
  EXPECT_FALSE(verdict.retry);
  EXPECT_TRUE(verdict.denied);
  EXPECT_EQ(client.before_attempt(time_zero), 0s);  // a first attempt goes out
}

// Rule 30
TEST(SdkClient, Rule30FirstAttemptsAreNeverBlockedExceptInAdaptiveModeAfterTheFirstThrottle) {
  const RetryRules adaptive = rules(S::ADAPTIVE);
  SdkClient client(adaptive);
  sim::Stream chance(1);
  sim::Time now = time_zero;
  for (int i = 0; i < 1000; ++i, now += 10ms) {  // 100 a second, all is well
    EXPECT_EQ(client.before_attempt(now), 0s);
    client.on_success(0, now);
  }
  client.after_failure(Outcome::throttled, 1, 0s, now, chance);
  sim::Duration longest{0};
  for (int i = 0; i < 1000; ++i) longest = std::max(longest, client.before_attempt(now));
  // 0.7 x 100/s from now on: the last of 1,000 waits some 14 s.
  EXPECT_NEAR(sim::seconds(longest), 1000 / 70.0, 1.5);
}

TEST(AdaptiveRate, ItFallsToSevenTenthsAndRisesByACubicAtMostToTwiceWhatIsMeasured) {
  AdaptiveRate rate;
  sim::Time now = time_zero;
  for (int i = 0; i < 1000; ++i, now += 10ms) rate.on_response(false, now);
  rate.on_response(true, now);
  EXPECT_NEAR(rate.rate(), 70, 1);
  // K = cbrt(100 x 0.3 / 0.4) = 4.2 s: by then the old rate is reached again.
  for (int i = 0; i < 420; ++i, now += 10ms) rate.on_response(false, now);
  EXPECT_NEAR(rate.rate(), 100, 2);
  for (int i = 0; i < 6000; ++i, now += 10ms) rate.on_response(false, now);
  EXPECT_NEAR(rate.rate(), 200, 3);
}

TEST(SdkClient, AClientAndAServiceThatCallsOthersRetryByTheSameRules) {
  const auto attempts = [](const std::string& components, const std::string& who) {
    test::SmallRun run(test::small_experiment(components, "horizon: 10min"));
    run.sim.run();
    return run.metric(who, "Arrivals");
  };
  const std::string down = ", down: {station: {service_time: 1ms, failure_share: 1}}";
  EXPECT_EQ(
      attempts(test::client("down", "open: {deterministic: 0.01/s}, retry: {sdk: legacy}") + down,
               "down"),
      6 * 5);
  EXPECT_EQ(
      attempts(test::client("fn", "open: {deterministic: 0.01/s}") +
                   ", fn: {lambda_function: {runtime: rust, timeout: 100s, calls: [{to: down, "
                   "retry: legacy}]}}" +
                   down,
               "down"),
      6 * 5);
}

}  // namespace
}  // namespace windtunnel
