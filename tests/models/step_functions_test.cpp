#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/integration/step_functions_state_machine.hpp"
#include "tests/support/checked.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Outcome;
using test::Machine;
using test::SmallRun;
using testing::HasSubstr;

std::string machine(const std::string& states, const std::string& settings = "") {
  return "flow: {step_functions_state_machine: {start_time: 0s, transition_time: 10ms, states: [" +
         states + "]" + (settings.empty() ? "" : ", " + settings) +
         "}}, work: {station: {servers: 1000000, service_time: 100ms}}, "
         "broken: {station: {servers: 1000, service_time: 100ms, failure_share: 1}}";
}

struct World : SmallRun {
  explicit World(const std::string& components, const std::string& horizon = "1h")
      : SmallRun(test::small_experiment(components, "horizon: " + horizon)) {}
  double of(const std::string& metric, const std::string& statistic = "sum") const {
    return this->metric("flow", metric, statistic);
  }
  Machine& burst(sim::Duration at, int calls) {
    Machine& made = SmallRun::machine("flow", {});
    script.at(at, [&made, calls] {
      for (int i = 0; i < calls; ++i) made.call();
    });
    return made;
  }
};

std::string complaints(const std::string& components) {
  Diagnostics diagnostics;
  read_experiment(test::small_experiment(components, "horizon: 1s"), "test.yaml", {}, diagnostics);
  return diagnostics.print();
}

TEST(StepFunctions, StatesFollowEachOtherAndEachEntryIsATransition) {
  World world(machine("{task: work}, {wait: 1min}, {task: work}"));
  Machine& client = world.SmallRun::machine("flow", {0s});
  world.sim.run();
  EXPECT_EQ(client.ended[0].at, 0s);  // StartExecution does not wait
  EXPECT_EQ(world.of("StateTransitions"), 3);
  EXPECT_EQ(world.of("ExecutionsSucceeded"), 1);
  EXPECT_NEAR(world.of("ExecutionTime", "mean"), 60.23, 1e-6);
}

TEST(StepFunctions, ASynchronousExpressExecutionAnswersAtItsEnd) {
  World world(machine("{task: work}", "type: express, synchronous: true"));
  Machine& client = world.SmallRun::machine("flow", {0s});
  world.sim.run();
  EXPECT_EQ(client.ended[0], (Machine::End{110ms, Outcome::ok, 0}));
}

// Rule 28
TEST(StepFunctions, Rule28StepFunctionsHasNoRetryUnlessDeclaredAndRetriesConsumeStateTransitions) {
  World without(machine("{task: broken}"));
  without.SmallRun::machine("flow", {0s});
  without.sim.run();
  EXPECT_EQ(without.of("StateTransitions"), 1);
  EXPECT_EQ(without.of("ExecutionsFailed"), 1);

  World with(machine("{task: {to: broken, retry: {}}}"));
  with.SmallRun::machine("flow", {0s});
  with.sim.run();
  EXPECT_EQ(with.of("TaskRetries"), 3);
  EXPECT_EQ(with.of("StateTransitions"), 4);
  // 1 s, 2 s, 4 s between four attempts.
  EXPECT_NEAR(with.of("ExecutionTime", "mean"), 7 + 4 * 0.11, 1e-6);
}

TEST(StepFunctions, ARetrierForTaskFailedDoesNotMatchATimeout) {
  const auto retries = [](const std::string& errors) {
    World world(machine("{task: {to: slow, timeout: 1s, retry: {error_equals: " + errors + "}}}") +
                ", slow: {station: {service_time: 1min, servers: 100}}");
    world.SmallRun::machine("flow", {0s});
    world.sim.run();
    return world.of("TaskRetries");
  };
  EXPECT_EQ(retries("task_failed"), 0);
  EXPECT_EQ(retries("timeout"), 3);
  EXPECT_EQ(retries("all"), 3);
}

TEST(StepFunctions, ACatchLeadsOnAfterAnError) {
  World world(machine("{task: broken, catch: mend}, {name: mend, task: work}"));
  world.SmallRun::machine("flow", {0s});
  world.sim.run();
  EXPECT_EQ(world.of("ExecutionsSucceeded"), 1);
}

TEST(StepFunctions, ParallelBranchesRunAtOnceAndOneThatFailsFailsTheState) {
  World world(machine("{parallel: {branches: [work, work, work]}}"));
  world.SmallRun::machine("flow", {0s});
  world.sim.run();
  EXPECT_NEAR(world.of("ExecutionTime", "mean"), 0.12, 1e-6);
  EXPECT_EQ(world.of("StateTransitions"), 4);

  World failing(machine("{parallel: {branches: [work, broken]}}"));
  failing.SmallRun::machine("flow", {0s});
  failing.sim.run();
  EXPECT_EQ(failing.of("ExecutionsFailed"), 1);
  EXPECT_EQ(failing.of("RunningTasks", "max"), 2);
}

TEST(StepFunctions, AMapWorksOnSoManyItemsAtOnce) {
  World world(machine("{map: {items: 100, task: work, max_concurrency: 10}}"));
  world.SmallRun::machine("flow", {0s});
  world.sim.run();
  EXPECT_EQ(world.of("RunningTasks", "max"), 10);
  EXPECT_NEAR(world.of("ExecutionTime", "mean"), 0.01 + 10 * 0.11, 1e-6);
  EXPECT_EQ(world.metric("work", "Completions"), 100);
}

TEST(StepFunctions, ABranchsTasksFollowEachOtherAndEachIsATransition) {
  World world(machine("{parallel: {branches: [{tasks: [work, work, work]}, work]}}"));
  world.SmallRun::machine("flow", {0s});
  world.sim.run();
  EXPECT_EQ(world.of("StateTransitions"), 5);
  EXPECT_EQ(world.of("RunningTasks", "max"), 2);
  EXPECT_NEAR(world.of("ExecutionTime", "mean"), 0.01 + 3 * 0.11, 1e-6);
}

TEST(StepFunctions, AMapsItemsHaveTasksInSequenceAndWaitForThePlaceOfAnItemThatIsDone) {
  World world(machine("{map: {items: 100, tasks: [work, work], max_concurrency: 10}}"));
  world.SmallRun::machine("flow", {0s});
  world.sim.run();
  EXPECT_EQ(world.of("RunningTasks", "max"), 10);
  EXPECT_EQ(world.of("StateTransitions"), 201);
  EXPECT_NEAR(world.of("ExecutionTime", "mean"), 0.01 + 10 * 0.22, 1e-6);
}

TEST(StepFunctions, ATaskInABranchHasARetrierOfItsOwnAndWhatFailsForGoodIsCaughtByTheState) {
  World world(
      machine("{parallel: {branches: [{tasks: [work, {to: broken, retry: {max_attempts: "
              "2}}, work]}]}, catch: mend}, {wait: 1min, end: true}, {name: mend, wait: "
              "1h, end: true}",
              "timeout: 10min"));
  world.SmallRun::machine("flow", {0s});
  world.sim.run();
  EXPECT_EQ(world.of("TaskRetries"), 2);
  EXPECT_EQ(world.metric("work", "Completions"), 1);  // the third task never begins
  // The state, its two tasks, two retries, the state that catches.
  EXPECT_EQ(world.of("StateTransitions"), 6);
  EXPECT_EQ(world.of("ExecutionsTimedOut"), 1);  // in `mend`
}

TEST(StepFunctions, TransitionsWithinBranchesWaitAtTheQuotaToo) {
  World world(
      "quotas: {service_quotas: {step_functions: {state_transitions: {rate: 100/s, burst: "
      "10}}}}, " +
      machine("{map: {items: 100, tasks: [work, work, work], max_concurrency: 100}}"));
  world.SmallRun::machine("flow", {0s});
  world.sim.run();
  EXPECT_NEAR(world.of("ExecutionTime", "mean"), (301 - 10) / 100.0, 0.3);
}

TEST(StepFunctions, AMapOfTooManyEventsFillsTheHistory) {
  const std::string flow = machine("{map: {items: 300, tasks: [work, work]}}", "history: 2000");
  World world(flow);
  world.SmallRun::machine("flow", {0s});
  world.sim.run();
  EXPECT_EQ(world.of("ExecutionsFailed"), 1);
  EXPECT_LT(world.metric("work", "Completions"), 450);
}

TEST(StepFunctions, ChoicesAreMadeByTheirWeights) {
  World world("users: {client: {target: flow, open: {poisson: 10/s}}}, " +
                  machine("{choice: {branches: [{weight: 1, next: a}, {weight: 3, next: b}]}}, "
                          "{name: a, task: work, end: true}, {name: b, wait: 1s, end: true}"),
              "5min");
  world.sim.run();
  const double started = world.of("ExecutionsStarted");
  EXPECT_NEAR(world.metric("work", "Arrivals") / started, 0.25, 3.5 * 0.43 / std::sqrt(started));
}

TEST(StepFunctions, StartExecutionIsRefusedAtItsBucketTransitionsOnlyWait) {
  World world(machine("{task: work}, {task: work}, {task: work}"));
  Machine& client = world.burst(0s, 2000);
  world.sim.run();
  EXPECT_EQ(std::ranges::count(client.ended, Outcome::throttled, &Machine::End::outcome), 700);
  EXPECT_EQ(world.of("ExecutionsSucceeded"), 1300);

  // 4 transitions each, at 1,000 a second after a burst of 100.
  World slow(
      "quotas: {service_quotas: {step_functions: {state_transitions: {rate: 1000/s, burst: "
      "100}}}}, " +
      machine("{task: work}, {task: work}, {task: work}, {task: work}"));
  slow.burst(0s, 1300);
  slow.sim.run();
  EXPECT_EQ(slow.of("ExecutionsSucceeded"), 1300);
  EXPECT_NEAR(slow.of("ExecutionTime", "max"), (4 * 1300 - 100) / 1000.0, 0.3);
}

TEST(StepFunctions, AnExpressExecutionEndsAfterFiveMinutes) {
  World world(machine("{wait: 10min}", "type: express"));
  world.SmallRun::machine("flow", {0s});
  world.sim.run();
  EXPECT_EQ(world.of("ExecutionsTimedOut"), 1);
  EXPECT_EQ(world.of("ExecutionTime", "max"), 300);
}

TEST(StepFunctions, ALoopEndsWhenTheHistoryIsFull) {
  World world(machine("{name: again, wait: 100ms, next: again}", "history: 1000"));
  world.SmallRun::machine("flow", {0s});
  world.sim.run();
  EXPECT_EQ(world.of("ExecutionsFailed"), 1);
  EXPECT_NEAR(world.of("StateTransitions"), 500, 2);
}

TEST(StepFunctions, BadSettingsAreRefused) {
  EXPECT_THAT(complaints(machine("{task: work, next: nowhere}, {name: noware, wait: 1s}")),
              HasSubstr("flow.states.0.next: no state 'nowhere', did you mean 'noware'"));
  EXPECT_THAT(complaints(machine("{wait: 1s}", "synchronous: true")),
              HasSubstr("is of express state machines"));
  EXPECT_THAT(complaints(machine("{wait: 1s}", "type: express, timeout: 6min")),
              HasSubstr("is above 5min"));
  EXPECT_THAT(complaints(machine("{map: {items: 2}}")), HasSubstr("needs task or tasks"));
  EXPECT_THAT(complaints(machine("{map: {items: 2, task: work, tasks: [work]}}")),
              HasSubstr("task and tasks"));
  EXPECT_THAT(complaints(machine("{parallel: {branches: [{tasks: []}]}}")),
              HasSubstr("branches.0.tasks: is empty"));
  EXPECT_THAT(complaints(machine("")), HasSubstr("states is missing"));
}

TEST(StepFunctions, AMapThatFillsTheHistoryIsWarnedOf) {
  const auto warning = [](const std::string& states, const std::string& settings) {
    return test::checked(test::small_experiment(machine(states, settings), "horizon: 1s"));
  };
  const std::string map = "{map: {items: 6000, task: work}}";
  EXPECT_THAT(warning(map, ""), HasSubstr("flow.states.0.map: its 6000 items make 30000 events"));
  EXPECT_THAT(warning(map, "type: express"), testing::Not(HasSubstr("30000 events")));
}

}  // namespace
}  // namespace windtunnel
