#include "models/load/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "tests/support/scripted.hpp"
#include "tests/support/stub_service.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Distribution;
using sim::Duration;
using sim::Operation;
using sim::Outcome;
using sim::time_zero;
using testing::ElementsAre;

// Users on one machine in front of a service that does what it is told; nothing takes time but what
// says so.
class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    shape.target = "web";
    shape.timeout = 1s;
    shape.connection = {.connect_timeout = 1s, .idle_timeout = sim::horizon_limit};
    shape.backoff.jitter = Backoff::Jitter::none;
  }
  // In a simulation that ends at `horizon`.
  void begin(Duration horizon, std::uint32_t hosts = 0) {
    sim = std::make_unique<sim::Simulation>(sim::RunOptions{.horizon = horizon});
    sim->network().add_zone("us-east-1a", "us-east-1");
    web = static_cast<StubService*>(&sim->add(std::make_unique<StubService>(*sim, "web", hosts)));
    script = &add_script(*sim);
  }
  Client& run() {
    auto& users = static_cast<Client&>(sim->add(std::make_unique<Client>(*sim, "users", shape)));
    sim->run();
    return users;
  }
  // The n-th request comes at (n - 1/2) / rate.
  void evenly(double rate) { shape.arrivals = Arrivals::evenly(rate, sim::Stream(1)); }
  void closed(std::int64_t users, Duration think) {
    shape.arrivals.reset();
    shape.users = users;
    shape.think_time = Distribution::constant(think);
  }
  std::vector<Duration> sent() const {
    std::vector<Duration> dates;
    for (const auto& request : web->requests) dates.push_back(request.at - time_zero);
    return dates;
  }
  sim::RequestWindow total() const {
    sim::RequestWindow sum;
    for (const auto& window : sim->log().windows) {
      sum.arrived += window.arrived;
      sum.good += window.good;
      sum.undecided += window.undecided;
    }
    return sum;
  }

  Client::Shape shape;
  std::unique_ptr<sim::Simulation> sim;
  StubService* web = nullptr;
  Script* script = nullptr;
};

// ---- load

TEST_F(ClientTest, DeterministicArrivalsAreEvenlySpaced) {
  begin(1min);
  evenly(10);
  auto& users = run();
  EXPECT_EQ(users.metric.requests.value(), 600u);
  EXPECT_EQ(sent().front(), 50ms);
  EXPECT_EQ(sent().back(), 1min - 50ms);
}

TEST_F(ClientTest, PoissonArrivalsScatterAroundTheirRate) {
  begin(100s);
  shape.arrivals = Arrivals::poisson(100, sim::Stream(7));
  EXPECT_NEAR(static_cast<double>(run().metric.requests.value()), 10'000, 4.5 * 100);
}

// A user thinks 1 s and waits 1 s: 50 requests each, at 1, 3, ... 99 s.
TEST_F(ClientTest, ClosedUsersThinkAndWait) {
  begin(101s);
  closed(5, 1s);
  shape.timeout = 10s;
  web->service_time = 1s;
  auto& users = run();
  EXPECT_EQ(users.metric.requests.value(), 250u);
  EXPECT_EQ(users.metric.open.max(), 5);
}

TEST_F(ClientTest, OpenUsersDoNotWaitForAnswers) {
  begin(100s);
  evenly(1);
  shape.timeout = 0s;
  web->silent = true;
  auto& users = run();
  EXPECT_EQ(users.metric.requests.value(), 100u);
  EXPECT_EQ(users.metric.open.value(), 100);
}

TEST_F(ClientTest, AShareOfRequestsAreWrites) {
  begin(1000s);
  evenly(10);
  shape.writes = 0.2;
  run();
  const auto writes =
      std::count_if(web->requests.begin(), web->requests.end(),
                    [](const auto& request) { return request.operation == Operation::write; });
  EXPECT_NEAR(static_cast<double>(writes), 2000, 4.5 * std::sqrt(10'000 * 0.2 * 0.8));
}

// 30 in 100 ask for the API, 10 in 100 for nothing but an image; half of what the API gets is
// written.
TEST_F(ClientTest, ClassesOfRequestsAreDrawnByWeight) {
  begin(1000s);
  evenly(10);
  shape.classes = {
      {{"", "/"}, 6, {}}, {{"api.example.com", "/v1"}, 3, 0.5}, {{"", "/a.png"}, 1, {}}};
  std::map<std::string, double> asked, written;
  web->script = [&](const sim::Call& call) {
    const sim::RequestClass& what = sim->request_class(call.request_class);
    ++asked[what.host + what.path];
    written[what.host + what.path] += call.operation == Operation::write;
    return Outcome::ok;
  };
  run();
  const auto within = [](double count, double n, double p) {
    EXPECT_NEAR(count, n * p, 4.5 * std::sqrt(n * p * (1 - p)));
  };
  within(asked["/"], 10'000, 0.6);
  within(asked["api.example.com/v1"], 10'000, 0.3);
  within(asked["/a.png"], 10'000, 0.1);
  within(written["api.example.com/v1"], asked["api.example.com/v1"], 0.5);
  EXPECT_EQ(written["/"] + written["/a.png"], 0);
}

// ---- attempts

// One request at 30 s. Each attempt is given up after 1 s and answered after 3 s.
TEST_F(ClientTest, ATimeoutIsTriedAgainUntilTheAttemptsAreUsedUp) {
  begin(1min);
  evenly(1.0 / 60);
  shape.max_attempts = 3;
  web->service_time = 3s;
  auto& users = run();
  EXPECT_THAT(sent(), ElementsAre(30s, 31s, 32s));
  EXPECT_EQ(users.metric.attempts.value(), 3u);
  EXPECT_EQ(users.metric.timeouts.value(), 3u);
  EXPECT_EQ(users.metric.failed.value(), 1u);
  EXPECT_EQ(users.metric.late.value(), 3u);  // the answers at 33, 34 and 35 s
  EXPECT_NEAR(users.metric.latency.mean(), 3, 1e-9);
}

TEST_F(ClientTest, TheFirstSuccessEndsARequest) {
  begin(1min);
  evenly(1.0 / 60);
  shape.max_attempts = 5;
  web->script = [&](const sim::Call&) {
    return web->requests.size() < 3 ? Outcome::error : Outcome::ok;
  };
  auto& users = run();
  EXPECT_EQ(users.metric.attempts.value(), 3u);
  EXPECT_EQ(users.metric.succeeded.value(), 1u);
  EXPECT_EQ(users.metric.failed.value(), 0u);
}

// Pauses of 1 s and 2 s after errors at once.
TEST_F(ClientTest, RetriesPauseForTheirBackoff) {
  begin(1min);
  evenly(1.0 / 60);
  shape.max_attempts = 3;
  shape.backoff = {Backoff::Jitter::exponential, 1s, 20s};
  web->outcome = Outcome::error;
  run();
  EXPECT_THAT(sent(), ElementsAre(30s, 31s, 33s));
}

// A retry after a timeout takes 10 of the 15 tokens: there is one.
TEST_F(ClientTest, AnEmptyTokenBucketFailsARequestAtOnce) {
  begin(1min);
  evenly(1.0 / 60);
  shape.max_attempts = 5;
  shape.token_bucket = RetryTokenBucket{.capacity = 15, .tokens = 15};
  web->silent = true;
  auto& users = run();
  EXPECT_THAT(sent(), ElementsAre(30s, 31s));
  EXPECT_EQ(users.metric.retries_denied.value(), 1u);
  EXPECT_NEAR(users.metric.latency.mean(), 2, 1e-9);
}

TEST_F(ClientTest, ABreakerStopsRetriesAboveItsShareOfFailures) {
  begin(10s);
  evenly(1);
  shape.max_attempts = 3;
  shape.breaker = CircuitBreaker::Settings{.failure_share = 0.5};
  web->outcome = Outcome::error;
  auto& users = run();
  EXPECT_EQ(users.metric.attempts.value(), 10u);  // 1 failure of 1 is above already
  EXPECT_EQ(users.metric.retries_denied.value(), 10u);
}

// Requests at 0.5, 1.5, ... s. The first fails and opens the breaker for 5 s; then one trial each.
TEST_F(ClientTest, AnOpenBreakerLetsOneTrialThrough) {
  begin(20s);
  evenly(1);
  shape.breaker = CircuitBreaker::Settings{.blocks_first_attempts = true, .open_for = 5s};
  web->outcome = Outcome::error;
  auto& users = run();
  EXPECT_THAT(sent(), ElementsAre(500ms, 5500ms, 10500ms, 15500ms));
  EXPECT_EQ(users.metric.failed.value(), 20u);
}

TEST_F(ClientTest, UsersWithoutThoughtsBeforeAnOpenBreakerDoNotStopTheClock) {
  begin(10s);
  closed(1, 0s);
  shape.breaker = CircuitBreaker::Settings{.blocks_first_attempts = true, .open_for = 5s};
  web->outcome = Outcome::error;
  EXPECT_LE(run().metric.requests.value(), 10'001u);  // one a millisecond
  EXPECT_THAT(sent(), ElementsAre(0s, 5s));
}

// ---- the breaker's trial

class Trial : public testing::Test {
 protected:
  // A request that is slow and one that fails at once; then the trial at 5 s.
  void SetUp() override {
    breaker.on_first_attempt(time_zero);
    old_era = breaker.era();
    breaker.on_first_attempt(time_zero);
    breaker.on_result(false, time_zero, old_era);
    ASSERT_TRUE(breaker.allows_first_attempt(time_zero + 5s));
    breaker.on_first_attempt(time_zero + 5s);
    trial_era = breaker.era();
  }
  CircuitBreaker breaker{{.failure_share = 0.1, .blocks_first_attempts = true, .open_for = 5s}};
  std::uint32_t old_era = 0, trial_era = 0;
};

TEST_F(Trial, AnOlderRequestsLateSuccessDoesNotCloseTheBreaker) {
  breaker.on_result(true, time_zero + 6s, old_era);
  EXPECT_FALSE(breaker.allows_first_attempt(time_zero + 6s));
  EXPECT_FALSE(breaker.allows_retry(time_zero + 6s));
}

TEST_F(Trial, AnOlderRequestsLateFailureDoesNotFailIt) {
  breaker.on_result(false, time_zero + 6s, old_era);
  breaker.on_result(true, time_zero + 7s, trial_era);
  EXPECT_TRUE(breaker.allows_first_attempt(time_zero + 7s));
}

TEST_F(Trial, AnOlderRequestsFailureAfterItsSuccessDoesNotOpenTheBreakerAgain) {
  breaker.on_result(true, time_zero + 6s, trial_era);
  breaker.on_result(false, time_zero + 7s, old_era);
  EXPECT_TRUE(breaker.allows_first_attempt(time_zero + 7s));
  EXPECT_TRUE(breaker.allows_retry(time_zero + 7s));
}

TEST_F(Trial, WithoutAResultItIsFollowedByAnotherAfterTheSameTime) {
  EXPECT_FALSE(breaker.allows_first_attempt(time_zero + 9999ms));
  EXPECT_TRUE(breaker.allows_first_attempt(time_zero + 10s));
  breaker.on_result(true, time_zero + 11s, trial_era);  // the first of the two, late
  EXPECT_TRUE(breaker.allows_first_attempt(time_zero + 11s));
}

// ---- connections

TEST_F(ClientTest, ASilentAddressCostsAConnectTimeoutWithinTheSameAttempt) {
  begin(1min, 2);
  evenly(1.0 / 60);
  shape.timeout = 5s;
  script->operate_at(1s, [&] { web->lose_host(0); });
  auto& users = run();
  EXPECT_EQ(users.metric.attempts.value(), 1u);
  EXPECT_THAT(sent(), ElementsAre(31s));
  EXPECT_NEAR(users.metric.success_latency.mean(), 1, 1e-9);
}

TEST_F(ClientTest, ItSaysWhenItsMachinesReachSomethingElse) {
  begin(1min, 2);
  evenly(1);
  shape.timeout = 900ms;
  script->operate_at(10s, [&] { web->lose_host(0); });
  auto& users = run();
  // The call of 10.5 s is given up at 11.4 s, that of 11.5 s takes the next address.
  EXPECT_EQ(users.metric.reconnects.value(), 1u);
  const auto& events = sim->log().events;
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].milestone, sim::Milestone::clients_moved);
  EXPECT_EQ(events[0].at, time_zero + 11500ms);
}

// The call of 15 s is given up at 15.9 s, and that is when the user is hit, though the request has
// another attempt; the one on the next address is answered at 16.1 s.
TEST_F(ClientTest, AUserIsHitWhoCannotConnectAndServedWithTheNextSuccess) {
  begin(1min, 2);
  evenly(0.1);
  shape.timeout = 900ms;
  shape.max_attempts = 2;
  shape.backoff = {Backoff::Jitter::exponential, 200ms, 200ms};
  script->operate_at(10s, [&] { web->lose_host(0); });
  auto& users = run();
  EXPECT_EQ(users.metric.failed.value(), 0u);
  EXPECT_EQ(users.metric.users_hit.max(), 1);
  EXPECT_NEAR(users.metric.users_hit.integral(time_zero + 1min), 0.2, 1e-9);
}

TEST_F(ClientTest, InAnOpenLoadAMachineStandsForItsUser) {
  begin(1min);
  evenly(10);
  shape.hosts = 4;
  web->script = [](const sim::Call& call) {
    return call.caller_node == 0 ? Outcome::error : Outcome::ok;
  };
  auto& users = run();
  EXPECT_EQ(users.metric.users.value(), 4);
  EXPECT_EQ(users.metric.users_hit.value(), 1);  // and stays so
}

TEST_F(ClientTest, InAClosedLoadAUserIsHitFromAFailedRequestToTheNextGoodOne) {
  begin(1min);
  closed(3, 5s);
  shape.hosts = 1;
  web->script = [&](const sim::Call&) {
    return sim->now() == time_zero + 5s ? Outcome::error : Outcome::ok;
  };
  auto& users = run();
  EXPECT_EQ(users.metric.users.value(), 3);
  EXPECT_EQ(users.metric.users_hit.max(), 3);
  EXPECT_NEAR(users.metric.users_hit.integral(time_zero + 1min), 3 * 5, 1e-9);  // from 5 to 10 s
}

TEST_F(ClientTest, AWriteRefusedByAReaderClosesItsConnection) {
  begin(10s, 2);
  evenly(1);
  shape.writes = 1;
  web->script = [](const sim::Call& call) {
    return call.callee_node == 0 ? Outcome::read_only : Outcome::ok;
  };
  auto& users = run();
  EXPECT_EQ(users.metric.failed.value(), 1u);
  EXPECT_EQ(users.metric.succeeded.value(), 9u);
}

// The call of 8 s and those of 10 s and later go out on connections to one and the same address;
// the late failure of the first says nothing about the second.
TEST_F(ClientTest, ALateFailureOnAnOldConnectionDoesNotCloseTheNewOneToTheSameAddress) {
  begin(30s, 1);
  shape.timeout = 5s;
  web->ttl = 0s;
  shape.arrivals = Arrivals::evenly(0.5, sim::Stream(1));  // 1, 3, 5, ... s
  script->operate_at(2s, [&] { web->lose_host(0); });
  script->operate_at(7500ms, [&] { web->restore_host(0); });
  run();
  // 3, 5 and 7 s are lost. 3 s fails at 8 s and closes; 9 s connects anew; 5 s and 7 s fail at 10 s
  // and 12 s: without effect.
  EXPECT_EQ(web->lookups.size(), 2u);
}

TEST_F(ClientTest, UsersOfAClosedLoadBeginWhenTheyAreTold) {
  begin(10s);
  closed(2, 1s);
  shape.users_from = 5s;
  web->service_time = 1s;
  run();
  EXPECT_THAT(sent(), ElementsAre(6s, 6s, 8s, 8s));
}

// ---- what the log learns

// Deadlines are 2 s after arrival: those of 0.5 ... 7.5 s lie before the horizon at 10 s.
TEST_F(ClientTest, RequestsAreDecidedIfTheirDeadlineLiesBeforeTheHorizon) {
  begin(10s);
  evenly(1);
  shape.timeout = 2s;
  web->service_time = 1s;
  run();
  EXPECT_EQ(total().arrived, 8u);
  EXPECT_EQ(total().good, 8u);
  EXPECT_EQ(total().undecided, 2u);  // 8.5 s has its answer, 9.5 s is still open
}

// 2 s, a pause of 1 s, 2 s: 5 s. Arrivals up to 4.5 s are decided.
TEST_F(ClientTest, TheLastDeadlineCountsAllAttemptsAndPauses) {
  begin(10s);
  evenly(1);
  shape.timeout = 2s;
  shape.max_attempts = 2;
  shape.backoff = {Backoff::Jitter::exponential, 1s, 20s};
  run();
  EXPECT_EQ(total().arrived, 5u);
  EXPECT_EQ(total().undecided, 5u);
}

TEST_F(ClientTest, WithoutATimeoutARequestIsDecidedWhenItEnds) {
  begin(10s);
  evenly(1);
  shape.timeout = 0s;
  web->service_time = 1s;
  run();
  EXPECT_EQ(total().good, 9u);
  EXPECT_EQ(total().undecided, 1u);
}

}  // namespace
}  // namespace windtunnel::test
