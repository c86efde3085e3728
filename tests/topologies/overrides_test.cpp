#include "topologies/overrides.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/topologies/reading.hpp"

namespace windtunnel {
namespace {

std::string web() {
  return experiment_of(web_components(), "[{at: 10min, az_power_loss: us-east-1a}]");
}

std::optional<LoadedExperiment> read(const Sets& sets) {
  Diagnostics diagnostics;
  auto experiment = read_experiment(web(), "web.yaml", sets, diagnostics);
  EXPECT_EQ(diagnostics.print(), "");
  return experiment;
}

TEST(Overrides, ReplaceAValueOfAComponentByAnyOfItsPaths) {
  for (const std::string path :
       {"components.web.workers", "components.web.ec2_service.workers",
        "topology.components.web.workers", "topology.components.web.ec2_service.workers"}) {
    const auto experiment = read({path + "=7"});
    ASSERT_TRUE(experiment);
    EXPECT_THAT(settings_of(experiment->topology, "web"), testing::HasSubstr("workers: 7")) << path;
  }
}

TEST(Overrides, ReplaceAnItemOfAList) {
  const auto experiment = read({"faults.0.at=5min"});
  ASSERT_TRUE(experiment);
  EXPECT_EQ(experiment->settings.faults(0).at(), 300'000'000'000);
}

TEST(Overrides, ReplaceAValueOfTheExperiment) {
  const auto experiment = read({"horizon=2h", "service_level={p99: 1s}"});
  ASSERT_TRUE(experiment);
  EXPECT_EQ(experiment->settings.horizon(), 7'200'000'000'000);
  EXPECT_EQ(experiment->settings.service_level().p99(), 1'000'000'000);
}

TEST(Overrides, AddSettingsThatTheFileDoesNotHave) {
  const auto experiment = read({"components.web-alb.health_check.interval=10s"});
  ASSERT_TRUE(experiment);
  EXPECT_THAT(settings_of(experiment->topology, "web-alb"),
              testing::HasSubstr("interval: 10000000000"));
}

TEST(Overrides, AreAppliedInOrder) {
  const auto experiment = read({"horizon=2h", "horizon=3h"});
  ASSERT_TRUE(experiment);
  EXPECT_EQ(experiment->settings.horizon(), 10'800'000'000'000);
}

TEST(Overrides, ReplaceAShorthandByTheWholeMessage) {
  const auto experiment = read({"components.web.service_time.exponential=10ms"});
  ASSERT_TRUE(experiment);
  EXPECT_THAT(settings_of(experiment->topology, "web"),
              testing::HasSubstr("service_time { exponential { mean: 10000000 } }"));
}

TEST(Overrides, ReachABareTopologyWithOrWithoutItsPrefix) {
  for (const std::string path : {"components.q.servers", "topology.components.q.station.servers"}) {
    Diagnostics diagnostics;
    const auto topology = read_topology("components: {q: {station: {service_time: 1ms}}}\n",
                                        "q.yaml", {path + "=3"}, diagnostics);
    ASSERT_TRUE(topology) << diagnostics.print();
    EXPECT_THAT(settings_of(*topology, "q"), testing::HasSubstr("servers: 3"));
  }
}

TEST(Overrides, AreKeptWithTheInput) {
  const auto experiment = read({"horizon=2h"});
  ASSERT_TRUE(experiment);
  EXPECT_THAT(experiment->input_text, testing::EndsWith("\n# --set horizon=2h\n"));
}

TEST(Overrides, TellWrongValuesAtTheirOption) {
  EXPECT_EQ(said(web(), {"components.web.workers=0"}),
            "--set components.web.workers:1:1: web.workers: 0 is below 1\n");
}

TEST(Overrides, TellUnknownFieldsAtTheirOption) {
  EXPECT_EQ(said(web(), {"components.web.wrokers=4"}),
            "--set components.web.wrokers:1:1: unknown field 'wrokers' of ec2_service, did you "
            "mean 'workers'?\n");
  EXPECT_EQ(said(web(), {"horizn=1h"}),
            "--set horizn:1:1: unknown field 'horizn' of experiment, did you mean 'horizon'?\n");
}

TEST(Overrides, TellUnknownComponents) {
  EXPECT_EQ(said(web(), {"components.wbe.workers=4"}),
            "--set components.wbe.workers:1:1: no component 'wbe', did you mean 'web'?\n");
}

TEST(Overrides, TellItemsThatAreNotThere) {
  EXPECT_EQ(said(web(), {"faults.1.at=5min"}),
            "--set faults.1.at:1:1: no item '1' in a list of 1, counted from 0\n");
  EXPECT_EQ(said(web(), {"faults.first.at=5min"}),
            "--set faults.first.at:1:1: no item 'first' in a list of 1, counted from 0\n");
}

TEST(Overrides, NeedAPathAndAValue) {
  const std::string why = ":1:1: write PATH=VALUE, such as components.web.workers=4\n";
  EXPECT_EQ(said(web(), {"horizon"}), "--set horizon" + why);
  EXPECT_EQ(said(web(), {"horizon="}), "--set horizon" + why);
  EXPECT_EQ(said(web(), {"=5"}), "--set " + why);
  EXPECT_EQ(said(web(), {"faults..at=5"}), "--set faults..at" + why);
}

TEST(Overrides, TellSyntaxErrorsOfTheValue) {
  EXPECT_EQ(said(web(), {"objectives={rto: ["}),
            "--set objectives:1:1: a key must be plain text, or a bracket here is not closed\n");
}

// Found by fuzzing: the bytes reached the terminal as they were.
TEST(Overrides, ShowAPathThatIsNoTextSafely) {
  EXPECT_EQ(said(web(), {"components.\x8d\x1b.workers=4"}),
            "--set components.\\x8d\\x1b.workers:1:1: no component '\\x8d\\x1b'\n");
}

}  // namespace
}  // namespace windtunnel
