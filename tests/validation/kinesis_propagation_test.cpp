// M28: AWS's published propagation delays of Kinesis (Kinesis Data Streams guide, Enhanced fan-out
// consumers): about 200 ms with one consumer that polls, 1,000 ms with five, 70 ms with enhanced
// fan-out however many. Five reads a second and shard are all there are, so that five consumers
// poll once a second; a poller waits half its interval and the call in the mean, which the table of
// measurements accepts as 0.1 to 0.2 s and 0.5 to 1.0 s.
#include <gtest/gtest.h>

#include "tests/support/small_run.hpp"

namespace windtunnel {
namespace {

// Mean from a record's arrival at its producer to its effect at `consumers` applications.
double propagation(int consumers, const std::string& settings) {
  std::string components = test::client("stream", "open: {poisson: 20/s}, idle_timeout: 1h") +
                           ", stream: {kinesis_data_stream: {shards: 1, empty_reads: 0%, put_time: "
                           "0s}}, fleet: {auto_scaling_group: {size: 1}}";
  for (int i = 0; i < consumers; ++i) {
    components +=
        ", app" + std::to_string(i) +
        ": {kcl_application: {stream: stream, on: fleet, batch_time: 0s, record_time: 0s, " +
        settings + "}}";
  }
  test::SmallRun run(test::small_experiment(components, "horizon: 10min, warm_up: 1min"));
  run.sim.run();
  return run.metric("app0", "ProducerToEffect", "mean");
}

TEST(KinesisPropagation, M28_OneConsumerThatPollsFiveTimesASecondSeesRecordsAfter100To200Ms) {
  const double delay = propagation(1, "idle_time_between_reads: 200ms");
  EXPECT_GE(delay, 0.1);
  EXPECT_LE(delay, 0.2);
}
TEST(KinesisPropagation, M28_FiveThatShareTheReadsSeeThemAfterHalfASecondToASecond) {
  const double delay = propagation(5, "idle_time_between_reads: 1s");
  EXPECT_GE(delay, 0.5);
  EXPECT_LE(delay, 1.0);
}
TEST(KinesisPropagation, M28_EnhancedFanOutTakes70MsHoweverManyConsumersThereAre) {
  EXPECT_NEAR(propagation(1, "retrieval: enhanced_fan_out"), 0.070, 0.003);
  EXPECT_NEAR(propagation(10, "retrieval: enhanced_fan_out"), 0.070, 0.003);
}

}  // namespace
}  // namespace windtunnel
