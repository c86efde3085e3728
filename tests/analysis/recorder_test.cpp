// What is recorded of a run while it goes.
#include "analysis/recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/yaml_run.hpp"

namespace windtunnel::analysis {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

// A request every second, answered in 100 ms; errors from 10 s to 20 s.
const std::string experiment =
    "{experiment: small, question: what, topology: {network: {intra_az_rtt: 0s, inter_az_rtt: 0s, "
    "jitter_p90: 1}, components: {users: {client: {target: desk, hosts: 1, network: 0s, "
    "dns_lookup: 0s, open: {deterministic: 1/s}, timeout: 1s}}, desk: {station: {servers: 1, "
    "service_time: 100ms}}}}, faults: [{at: 10s, lasting: 10s, errors: {target: desk, share: "
    "100%}}], horizon: 40s}";

Recording recording(const std::string& level, std::uint32_t one_request_in = 1000) {
  Recording recording;
  recording.set_level(level);
  recording.set_interval(10'000'000'000);
  recording.set_one_request_in(one_request_in);
  return recording;
}

ReplicationRecord record_of(const Recording& recording) {
  const auto sim = test::simulation_of(experiment);
  Recorder recorder(*sim, recording);
  sim->run();
  ReplicationRecord record;
  recorder.fill(record);
  return record;
}

std::vector<float> series(const ReplicationRecord& record, const std::string& component,
                          const std::string& metric, const std::string& statistic) {
  for (const auto& one : record.series()) {
    if (one.component() == component && one.metric() == metric && one.statistic() == statistic) {
      return {one.values().begin(), one.values().end()};
    }
  }
  return {};
}

TEST(Recorder, KeepsWhatACounterGrewByInEachInterval) {
  const auto record = record_of(recording("series"));
  // The last value holds for the rest.
  EXPECT_THAT(series(record, "users", "Failed", "Sum"), ElementsAre(0, 10, 0));
}

TEST(Recorder, KeepsALevelsMeanOverEachInterval) {
  const auto record = record_of(recording("series"));
  const auto busy = series(record, "desk", "BusyServers", "Average");
  ASSERT_FALSE(busy.empty());
  EXPECT_NEAR(busy.front(), 0.1, 0.011);  // ten requests of 100 ms in 10 s
}

TEST(Recorder, KeepsQuantilesOfWhatWasRecordedInTheIntervalAlone) {
  const auto record = record_of(recording("series"));
  const auto p50 = series(record, "users", "SuccessLatency", "p50");
  ASSERT_GE(p50.size(), 2u);
  EXPECT_NEAR(p50[0], 0.1, 0.001);
  EXPECT_TRUE(std::isnan(p50[1]));  // no success, no latency of one
}

TEST(Recorder, TellsWhatUsersFelt) {
  const auto record = record_of(recording("series"));
  EXPECT_THAT(series(record, "", "SuccessRatio", "Average"), ElementsAre(1, 0, 1));
  EXPECT_EQ(series(record, "", "RequestLatency", "p99").size(), 1u);  // always the same
}

// The request of 10.5 s is the first to fail, that of 20.5 s is answered at 20.6 s.
TEST(Recorder, TellsTheShareOfUsersHitOverTime) {
  const auto hit = series(record_of(recording("series")), "", "UsersHit", "Average");
  ASSERT_EQ(hit.size(), 4u);
  EXPECT_EQ(hit[0], 0);
  EXPECT_NEAR(hit[1], 0.95, 0.011);
  EXPECT_NEAR(hit[2], 0.06, 1e-6);
  EXPECT_EQ(hit[3], 0);
}

TEST(Recorder, AHistogramHoldsEveryRecordInBinsOfAnEighthOfAnOctave) {
  const auto record = record_of(recording("series"));
  for (const auto& bins : record.histograms()) {
    if (bins.component() != "users" || bins.metric() != "SuccessLatency") continue;
    ASSERT_EQ(bins.counts_size(), 1);
    EXPECT_EQ(bins.counts(0), 30u);
    EXPECT_LE(lower_end_of_bin(bins.first()), 0.1);
    EXPECT_GT(lower_end_of_bin(bins.first() + 1), 0.1);
    EXPECT_NEAR(lower_end_of_bin(bins.first() + 8) / lower_end_of_bin(bins.first()), 2, 1e-9);
    return;
  }
  FAIL() << "no histogram";
}

TEST(Recorder, FollowsTheCallsOfAShareOfTheRequests) {
  EXPECT_EQ(record_of(recording("series")).request_calls_size(), 0);
  const auto record = record_of(recording("requests", 10));
  ASSERT_EQ(record.request_calls_size(), 4);  // of the 10th, 20th, 30th and 40th request
  const Span& call = record.request_calls(0);
  EXPECT_EQ(call.client(), "users");
  EXPECT_EQ(call.request(), 10u);
  EXPECT_EQ(call.callee(), "desk");
  EXPECT_EQ(call.ended() - call.opened(), 100'000'000);
  EXPECT_EQ(call.outcome(), "ok");  // it was sent at 9 s
  EXPECT_EQ(record.request_calls(1).outcome(), "error");
}

TEST(Recorder, AStoppedSeriesKeepsItsLastValueOnce) {
  const auto record = record_of(recording("series"));
  for (const auto& one : record.series()) {
    const int n = one.values_size();
    EXPECT_FALSE(n > 1 && one.values(n - 1) == one.values(n - 2)) << one.metric();
  }
}

}  // namespace
}  // namespace windtunnel::analysis
