#include "models/mechanisms/retry.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::time_zero;
using Jitter = Backoff::Jitter;

struct Spread {
  double least, mean, most;  // seconds
};
Spread spread(const Backoff& backoff, std::uint32_t attempt, Duration previous = 0s) {
  constexpr int n = 200'000;
  sim::Stream chance{1};
  Spread seen{1e300, 0, 0};
  for (int i = 0; i < n; ++i) {
    const double pause = sim::seconds(backoff.pause(attempt, previous, chance));
    seen = {std::min(seen.least, pause), seen.mean + pause / n, std::max(seen.most, pause)};
  }
  return seen;
}
void expect_uniform(const Spread& seen, double low, double high) {
  EXPECT_GE(seen.least, low);
  EXPECT_LE(seen.most, high);
  const double width = high - low;
  EXPECT_NEAR(seen.least, low, width * 1e-3);
  EXPECT_NEAR(seen.most, high, width * 1e-3);
  EXPECT_NEAR(seen.mean, (low + high) / 2, 4.5 * width / std::sqrt(12.0 * 200'000));
}

TEST(Backoff, WithoutBackoffRetriesComeAtOnce) {
  sim::Stream chance;
  EXPECT_EQ((Backoff{Jitter::none, 1s, 20s}.pause(3, 1s, chance)), 0s);
  EXPECT_EQ((Backoff{Jitter::none, 1s, 20s}.longest(3)), 0s);
}

TEST(Backoff, ExponentialDoublesFromTheBaseUpToTheCap) {
  const Backoff backoff{Jitter::exponential, 100ms, 20s};
  sim::Stream chance;
  const Duration expected[] = {100ms,  200ms,  400ms,   800ms, 1600ms,
                               3200ms, 6400ms, 12800ms, 20s,   20s};
  for (std::uint32_t attempt = 1; attempt <= 10; ++attempt) {
    EXPECT_EQ(backoff.pause(attempt, 0s, chance), expected[attempt - 1]);
  }
}

TEST(Backoff, TheMillionthAttemptStillWaitsForTheCap) {
  const Backoff backoff{Jitter::exponential, 1s, 20s};
  sim::Stream chance;
  EXPECT_EQ(backoff.pause(1'000'000, 0s, chance), 20s);
  EXPECT_EQ((Backoff{Jitter::exponential, 0s, 20s}.pause(1'000'000, 0s, chance)), 0s);
}

TEST(Backoff, FullJitterIsUniformFromZeroToTheExponential) {
  const Backoff backoff{Jitter::full, 1s, 20s};
  expect_uniform(spread(backoff, 1), 0, 1);
  expect_uniform(spread(backoff, 4), 0, 8);
  expect_uniform(spread(backoff, 9), 0, 20);
}

TEST(Backoff, EqualJitterIsUniformFromHalfTheExponentialToAllOfIt) {
  const Backoff backoff{Jitter::equal, 1s, 20s};
  expect_uniform(spread(backoff, 1), 0.5, 1);
  expect_uniform(spread(backoff, 3), 2, 4);
  expect_uniform(spread(backoff, 9), 10, 20);
}

// AWS Architecture Blog: sleep = min(cap, random_between(base, sleep * 3)), sleep beginning as
// base.
TEST(Backoff, DecorrelatedJitterIsUniformFromTheBaseToThreeTimesTheLastPause) {
  const Backoff backoff{Jitter::decorrelated, 1s, 20s};
  expect_uniform(spread(backoff, 1), 1, 3);
  expect_uniform(spread(backoff, 2, 3s), 1, 9);
}

TEST(Backoff, DecorrelatedJitterIsCutAtTheCapNotSqueezedIntoIt) {
  const Spread seen = spread({Jitter::decorrelated, 1s, 20s}, 5, 20s);
  EXPECT_EQ(seen.most, 20);
  // U(1, 60) cut at 20: (19 x 10.5 + 40 x 20) / 59.
  EXPECT_NEAR(seen.mean, (19 * 10.5 + 40 * 20) / 59, 0.05);
}

// E[s1] = (1 + 3) / 2, E[s2] = (1 + 3 E[s1]) / 2, E[s3] = (1 + 3 E[s2]) / 2.
TEST(Backoff, DecorrelatedJitterGrowsByOneAndAHalfInTheMean) {
  const Backoff backoff{Jitter::decorrelated, 1s, 1h};
  sim::Stream chance{1};
  double means[3] = {};
  constexpr int n = 200'000;
  for (int i = 0; i < n; ++i) {
    Duration pause{0};
    for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
      pause = backoff.pause(attempt, pause, chance);
      means[attempt - 1] += sim::seconds(pause) / n;
    }
  }
  EXPECT_NEAR(means[0], 2, 0.01);
  EXPECT_NEAR(means[1], 3.5, 0.02);
  EXPECT_NEAR(means[2], 5.75, 0.05);
}

TEST(Backoff, ACapBelowTheBaseRules) {
  sim::Stream chance;
  for (const Jitter jitter : {Jitter::exponential, Jitter::decorrelated}) {
    EXPECT_EQ((Backoff{jitter, 10s, 2s}.pause(1, 0s, chance)), 2s);
  }
}

TEST(Backoff, AnEndlessCapDoesNotOverflow) {
  sim::Stream chance{1};
  for (int i = 0; i < 1000; ++i) {
    const Backoff backoff{Jitter::decorrelated, 1s, sim::forever};
    EXPECT_GE(backoff.pause(1000, sim::forever, chance), 1s);
  }
}

TEST(Backoff, NoPauseIsLongerThanTheLongest) {
  sim::Stream chance{1};
  for (const Jitter jitter :
       {Jitter::none, Jitter::exponential, Jitter::full, Jitter::equal, Jitter::decorrelated}) {
    const Backoff backoff{jitter, 100ms, 5s};
    for (int run = 0; run < 1000; ++run) {
      Duration pause{0};
      for (std::uint32_t attempt = 1; attempt <= 8; ++attempt) {
        pause = backoff.pause(attempt, pause, chance);
        ASSERT_LE(pause, backoff.longest(attempt));
      }
    }
  }
}

TEST(RetryTokenBucket, AHundredRetriesEmptyTheSdksBucketAndFirstAttemptsGoOn) {
  RetryTokenBucket bucket;  // 500 tokens, 5 a retry
  for (int i = 0; i < 100; ++i) {
    bucket.on_first_attempt();
    EXPECT_TRUE(bucket.take(Failure::transient));
  }
  EXPECT_FALSE(bucket.take(Failure::transient));
  EXPECT_EQ(bucket.tokens, 0);
}

TEST(RetryTokenBucket, ARetryAfterATimeoutCostsMore) {
  RetryTokenBucket bucket{.capacity = 15, .tokens = 15};
  EXPECT_TRUE(bucket.take(Failure::timeout));
  EXPECT_FALSE(bucket.take(Failure::timeout));
  EXPECT_TRUE(bucket.take(Failure::transient));
  EXPECT_EQ(bucket.tokens, 0);
}

TEST(RetryTokenBucket, ASuccessReturnsTheLastCostOrOneTokenUpToTheCapacity) {
  RetryTokenBucket bucket{.capacity = 20, .tokens = 3};
  bucket.on_success(0);
  EXPECT_EQ(bucket.tokens, 4);
  bucket.on_success(10);
  EXPECT_EQ(bucket.tokens, 14);
  bucket.on_success(10);
  EXPECT_EQ(bucket.tokens, 20);
}

TEST(RetryTokenBucket, ARefusalTakesNothing) {
  RetryTokenBucket bucket{.tokens = 4};
  EXPECT_FALSE(bucket.take(Failure::transient));
  EXPECT_EQ(bucket.tokens, 4);
}

TEST(RetryTokenBucket, ARetryMustLeaveTheReserve) {
  RetryTokenBucket bucket{.cost = 1, .reserve = 1, .tokens = 2};
  EXPECT_TRUE(bucket.take(Failure::transient));
  EXPECT_FALSE(bucket.take(Failure::transient));
}

// Brooker's adaptive rule: a tenth of a token for each first attempt allows one retry in ten.
TEST(RetryTokenBucket, DepositsOnFirstAttemptsBoundTheShareOfRetries) {
  RetryTokenBucket bucket{.capacity = 10, .cost = 1, .deposit_on_first_attempt = 0.1, .tokens = 0};
  int retries = 0;
  for (int i = 0; i < 10'000; ++i) {
    bucket.on_first_attempt();
    retries += bucket.take(Failure::transient);
  }
  EXPECT_NEAR(retries, 1000, 1);
}

class CircuitBreakerTest : public testing::Test {
 protected:
  void request(CircuitBreaker& breaker, bool success, sim::Time now = time_zero) {
    breaker.on_first_attempt(now);
    breaker.on_result(success, now);
  }
};

TEST_F(CircuitBreakerTest, RetriesStopOnlyAboveTheShareOfFailures) {
  CircuitBreaker breaker({.failure_share = 0.1});
  for (int i = 0; i < 9; ++i) request(breaker, true);
  request(breaker, false);  // 1 of 10: not above
  EXPECT_TRUE(breaker.allows_retry(time_zero));
  request(breaker, false);
  EXPECT_FALSE(breaker.allows_retry(time_zero));
}

TEST_F(CircuitBreakerTest, FirstAttemptsGoOnUnlessTheBreakerBlocksThem) {
  CircuitBreaker breaker({.failure_share = 0.1});
  for (int i = 0; i < 100; ++i) request(breaker, false);
  EXPECT_TRUE(breaker.allows_first_attempt(time_zero));
}

TEST_F(CircuitBreakerTest, FailedRetriesCountAsFailuresButNotAsFirstTries) {
  CircuitBreaker breaker({.failure_share = 0.5});
  request(breaker, false);
  request(breaker, true);
  EXPECT_TRUE(breaker.allows_retry(time_zero));  // 1 of 2
  breaker.on_result(false, time_zero);           // the retry: 2 over 2
  EXPECT_FALSE(breaker.allows_retry(time_zero));
}

TEST_F(CircuitBreakerTest, FailuresFadeWithinAWindowAndAHalf) {
  CircuitBreaker breaker({.failure_share = 0.1, .window = 10s});
  request(breaker, false, time_zero + 1s);
  EXPECT_FALSE(breaker.allows_retry(time_zero + 9s));  // of the half window before
  EXPECT_TRUE(breaker.allows_retry(time_zero + 10s));
}

TEST_F(CircuitBreakerTest, ALongSilenceForgetsEverything) {
  CircuitBreaker breaker({.failure_share = 0.1, .window = 10s});
  request(breaker, false, time_zero + 1s);
  EXPECT_TRUE(breaker.allows_retry(time_zero + 240h));
  request(breaker, false, time_zero + 240h + 1s);
  EXPECT_FALSE(breaker.allows_retry(time_zero + 240h + 9s));
  EXPECT_TRUE(breaker.allows_retry(time_zero + 240h + 15s));
}

TEST_F(CircuitBreakerTest, AWindowOfOneNanosecondDoesNotHang) {
  CircuitBreaker breaker({.failure_share = 0.1, .window = 1ns});
  request(breaker, false, time_zero + 1s);
  EXPECT_TRUE(breaker.allows_first_attempt(time_zero + 2s));
}

class BlockingBreakerTest : public CircuitBreakerTest {
 protected:
  void SetUp() override {
    request(breaker, false);
    EXPECT_FALSE(breaker.allows_first_attempt(time_zero));
  }
  CircuitBreaker breaker{{.failure_share = 0.1, .blocks_first_attempts = true, .open_for = 5s}};
};

TEST_F(BlockingBreakerTest, StaysOpenForItsTimeAndLetsOneTrialThrough) {
  EXPECT_FALSE(breaker.allows_first_attempt(time_zero + 4999ms));
  EXPECT_TRUE(breaker.allows_first_attempt(time_zero + 5s));
  EXPECT_FALSE(breaker.allows_first_attempt(time_zero + 5s));  // one trial only
  EXPECT_FALSE(breaker.allows_retry(time_zero + 5s));
}

TEST_F(BlockingBreakerTest, ASuccessfulTrialClosesItWithACleanSlate) {
  EXPECT_TRUE(breaker.allows_first_attempt(time_zero + 5s));
  request(breaker, true, time_zero + 5s);
  EXPECT_TRUE(breaker.allows_first_attempt(time_zero + 5s));
  EXPECT_TRUE(breaker.allows_retry(time_zero + 5s));
}

TEST_F(BlockingBreakerTest, AFailedTrialOpensItForAnotherTime) {
  EXPECT_TRUE(breaker.allows_first_attempt(time_zero + 5s));
  request(breaker, false, time_zero + 6s);
  EXPECT_FALSE(breaker.allows_first_attempt(time_zero + 10s));
  EXPECT_TRUE(breaker.allows_first_attempt(time_zero + 11s));
}

}  // namespace
}  // namespace windtunnel
