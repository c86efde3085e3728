#include "models/compute/ec2_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/small_run.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Outcome;
using testing::Each;
using testing::ElementsAre;
using testing::Field;

// One instance that serves in a second, with two stores behind it that take 2 s and 3 s.
std::string world(const std::string& settings, const std::string& rest = "horizon: 5min") {
  return small_experiment("web: {ec2_service: {on: asg, service_time: 1s, " + settings + "}}, " +
                              group("size: 1") +
                              ", two: {station: {servers: 100, service_time: 2s}}"
                              ", three: {station: {servers: 100, service_time: 3s}}",
                          rest, 1);
}

std::vector<Duration> ends(const Machine& machine) {
  std::vector<Duration> dates;
  for (const auto& end : machine.ended) dates.push_back(end.at);
  return dates;
}
std::vector<Outcome> outcomes(const Machine& machine) {
  std::vector<Outcome> found;
  for (const auto& end : machine.ended) found.push_back(end.outcome);
  return found;
}

// ---- workers and their queue

TEST(Ec2Service, AFullQueueRefusesAtOnce) {
  SmallRun run(world("workers: 1, queue: 2"));
  Machine& client = run.machine("web", {10s, 10s, 10s, 10s});
  run.sim.run();
  EXPECT_THAT(ends(client), ElementsAre(10s, 11s, 12s, 13s));
  EXPECT_THAT(outcomes(client),
              ElementsAre(Outcome::overloaded, Outcome::ok, Outcome::ok, Outcome::ok));
  EXPECT_EQ(run.metric("web", "Overloaded"), 1);
  EXPECT_EQ(run.metric("web", "QueueLength", "max"), 2);
  EXPECT_NEAR(run.metric("web", "QueueTime", "mean"), (0 + 1 + 2) / 3.0, 1e-9);
}

// The one worker computes for 1 s and waits for 3 s, twice.
TEST(Ec2Service, AWorkerIsHeldWhileItsRequestWaitsForCalls) {
  SmallRun run(world("workers: 1, calls: [{to: three}]"));
  Machine& client = run.machine("web", {10s, 10s});
  run.sim.run();
  EXPECT_THAT(ends(client), ElementsAre(14s, 18s));
}

// It computes for the second request while the first waits.
TEST(Ec2Service, AnAsynchronousProgramFreesItsWorkerMeanwhile) {
  SmallRun run(world("workers: 1, asynchronous: true, calls: [{to: three}]"));
  Machine& client = run.machine("web", {10s, 10s});
  run.sim.run();
  EXPECT_THAT(ends(client), ElementsAre(14s, 15s));
}

// Why it matters: a database that stalls for the 5 s of the call's timeout holds both workers, and
// the third request, which only computes elsewhere, waits for one of them.
TEST(Ec2Service, AStalledDependencyTakesTheTierDownUnlessItIsAsynchronous) {
  for (const bool asynchronous : {false, true}) {
    SmallRun run(world(fmt::format("workers: 2, asynchronous: {}, calls: [{{to: three, timeout: "
                                   "5s}}]",
                                   asynchronous),
                       "horizon: 5min, faults: [{at: 0s, slow: {target: three, factor: 100}}]"));
    Machine& client = run.machine("web", {10s, 10s, 11500ms});
    run.sim.run();
    // 10 + 1 + 5; the third from 16 s or from 11.5 s on.
    EXPECT_THAT(ends(client), ElementsAre(16s, 16s, asynchronous ? 17500ms : 22s));
    EXPECT_THAT(outcomes(client), Each(Outcome::error));
  }
}

// ---- calls

TEST(Ec2Service, CallsAreMadeOneAfterTheOther) {
  SmallRun run(world("calls: [{to: two}, {to: three}]"));
  Machine& client = run.machine("web", {10s});
  run.sim.run();
  EXPECT_THAT(ends(client), ElementsAre(16s));  // 1 + 2 + 3
}

TEST(Ec2Service, CallsInParallelTakeAsLongAsTheSlowest) {
  SmallRun run(world("parallel: true, calls: [{to: two}, {to: three}]"));
  Machine& client = run.machine("web", {10s});
  run.sim.run();
  EXPECT_THAT(ends(client), ElementsAre(14s));  // 1 + max(2, 3)
}

TEST(Ec2Service, ACallOfProbabilityZeroIsNotMade) {
  SmallRun run(world("calls: [{to: two, probability: 0%}, {to: three}]"));
  Machine& client = run.machine("web", {10s});
  run.sim.run();
  EXPECT_THAT(ends(client), ElementsAre(14s));
  EXPECT_EQ(run.metric("two", "Arrivals"), 0);
}

TEST(Ec2Service, ACallThatFailsOrTimesOutFailsItsRequestAtOnce) {
  SmallRun run(world("calls: [{to: two, timeout: 500ms}, {to: three}]"));
  Machine& client = run.machine("web", {10s});
  run.sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{11500ms, Outcome::error, 0}));
  EXPECT_EQ(run.metric("three", "Arrivals"), 0);
  EXPECT_EQ(run.metric("web", "WastedWork"), 1);  // the answer at 13 s
}

// ---- processors

// Four compute at once on two vCPUs, each at half speed; the queue sees none of it.
TEST(Ec2Service, MoreRequestsThanVcpusShareThemEvenly) {
  SmallRun run(world("workers: 4, vcpus: 2"));
  Machine& client = run.machine("web", {10s, 10s, 10s, 10s});
  run.sim.run();
  EXPECT_THAT(ends(client), ElementsAre(12s, 12s, 12s, 12s));
  EXPECT_EQ(run.metric("web", "BusyCpuUnits", "max"), 2 * 1024);
}

// 10 s: one alone. From 10.5 s on three on two vCPUs: the first has 0.5 s left and needs 0.75 s;
// the others then have 0.5 s left each and a vCPU each.
TEST(Ec2Service, ASharedRequestSpeedsUpWhenAnotherEnds) {
  SmallRun run(world("workers: 4, vcpus: 2"));
  Machine& client = run.machine("web", {10s, 10500ms, 10500ms});
  run.sim.run();
  EXPECT_THAT(ends(client), ElementsAre(11250ms, 11750ms, 11750ms));
}

TEST(Ec2Service, UtilizationIsTheShareOfVcpusThatCompute) {
  SmallRun run(world("vcpus: 4", "horizon: 100s"));
  run.machine("web", {10s, 10s});
  run.sim.run();
  EXPECT_NEAR(run.metric("web", "CPUUtilization", "mean"), 100 * 2.0 / 400, 1e-9);
}

// ---- instances that are lost

TEST(Ec2Service, ACrashedInstanceFallsSilent) {
  SmallRun run(world("workers: 1", "horizon: 5min, faults: [{at: 10500ms, instance_crash: asg}]"));
  Machine& client = run.machine("web", {10s, 10s}, 5s);
  run.sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{15s, Outcome::timeout, 0},
                                        Machine::End{15s, Outcome::timeout, 0}));
  EXPECT_EQ(run.metric("web", "LostRequests"), 2);
  EXPECT_EQ(run.metric("web", "BusyWorkers", "max"), 1);
}

TEST(Ec2Service, AStoppedInstanceResetsItsConnections) {
  SmallRun run(world("workers: 1", "horizon: 5min, faults: [{at: 10500ms, instance_stop: asg}]"));
  Machine& client = run.machine("web", {10s, 10s}, 5s);
  run.sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{10500ms, Outcome::connection_reset, 0},
                                        Machine::End{10500ms, Outcome::connection_reset, 0}));
}

// The call is under way from 11 s to 14 s; the instance that made it is gone at 12 s.
TEST(Ec2Service, CallsOfALostInstanceGoOnAndTheirAnswersAreWastedWork) {
  SmallRun run(
      world("calls: [{to: three}]", "horizon: 5min, faults: [{at: 12s, instance_crash: asg}]"));
  run.machine("web", {10s}, 5s);
  run.sim.run();
  EXPECT_EQ(run.metric("three", "Completions"), 1);
  EXPECT_EQ(run.metric("web", "WastedWork"), 1);
}

TEST(Ec2Service, AnAnswerAfterTheCallsTimeoutIsCountedAsWastedOnce) {
  SmallRun run(world("calls: [{to: three, timeout: 2s}]",
                     "horizon: 5min, faults: [{at: 12s, instance_crash: asg}]"));
  run.machine("web", {10s}, 5s);
  run.sim.run();
  EXPECT_EQ(run.metric("web", "WastedWork"), 1);
}

TEST(Ec2Service, WorkForACallerThatGaveUpIsDoneAndCountedAsWasted) {
  SmallRun run(world("workers: 1"));
  Machine& client = run.machine("web", {10s, 10s}, 1500ms);
  run.sim.run();
  EXPECT_THAT(outcomes(client), ElementsAre(Outcome::ok, Outcome::timeout));
  EXPECT_EQ(run.metric("web", "ResponseTime", "count"), 2);
  EXPECT_EQ(run.metric("web", "WastedWork"), 1);
}

// Nothing of its former life is left: workers, queue and vCPUs are free.
TEST(Ec2Service, AnInstanceThatBootsAgainBeginsAfresh) {
  SmallRun run(world("workers: 1, queue: 0",
                     "horizon: 5min, faults: [{at: 10500ms, lasting: 1s, instance_crash: asg}]"));
  Machine& client = run.machine("web", {10s, 20s}, 5s);
  run.sim.run();  // power at 11.5 s, 3 + 4 s of boot
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{15s, Outcome::timeout, 0},
                                        Machine::End{21s, Outcome::ok, 0}));
}

TEST(Ec2Service, ABootingInstanceDoesNotServe) {
  SmallRun run(world("workers: 1",
                     "horizon: 5min, faults: [{at: 10500ms, lasting: 1s, instance_crash: asg}]"));
  Machine& client = run.machine("web", {18s}, 5s);
  run.sim.run();
  EXPECT_THAT(outcomes(client), ElementsAre(Outcome::connect_timeout));
}

// ---- faults of programs

TEST(Ec2Service, SlowMultipliesItsServiceTimes) {
  SmallRun run(world("workers: 1",
                     "horizon: 5min, faults: [{at: 0s, slow: {target: web, factor: "
                     "3}}]"));
  Machine& client = run.machine("web", {10s});
  run.sim.run();
  EXPECT_THAT(ends(client), ElementsAre(13s));
}

TEST(Ec2Service, ErrorsAreAnsweredAfterComputingAndBeforeCalls) {
  SmallRun run(world("calls: [{to: three}]",
                     "horizon: 5min, faults: [{at: 0s, errors: {target: web, share: 100%}}]"));
  Machine& client = run.machine("web", {10s});
  run.sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{11s, Outcome::error, 0}));
  EXPECT_EQ(run.metric("web", "Errors"), 1);
}

}  // namespace
}  // namespace windtunnel::test
