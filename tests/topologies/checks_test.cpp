#include "topologies/checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/topologies/reading.hpp"

namespace windtunnel {
namespace {

using testing::AllOf, testing::EndsWith, testing::StartsWith;

TEST(References, MustNameAComponentOfTheFile) {
  EXPECT_EQ(said(experiment_of("    users: {client: {target: wbe, open: {poisson: 1/s}}}\n"
                               "    web: {station: {service_time: 1ms}}\n")),
            "web.yaml:7:22: users.target: no component 'wbe', did you mean 'web'?\n");
}

TEST(References, AreToldAtTheirPlaceInAList) {
  EXPECT_THAT(
      said(experiment_of("    users: {client: {target: web, open: {poisson: 1/s}}}\n"
                         "    group: {auto_scaling_group: {size: 3}}\n"
                         "    web: {ec2_service: {on: group, service_time: 1ms, calls: [\n"
                         "      {to: users},\n"
                         "      {to: nobody}]}}\n")),
      AllOf(StartsWith("web.yaml:10:8: web.calls.0.to: users (client) does not provide 'callable'; "
                       "such is api_gateway, application_load_balancer, aurora_cluster, "),
            EndsWith("\nweb.yaml:11:8: web.calls.1.to: no component 'nobody'\n")));
}

TEST(References, ToAComponentOfAnUnknownModelAreNotToldTwice) {
  EXPECT_EQ(said(experiment_of("    users: {client: {target: web, open: {poisson: 1/s}}}\n"
                               "    web: {nothing_known: {}}\n")),
            "web.yaml:8:11: web: unknown model 'nothing_known'\n");
}

// What is said about a database with these settings, in two regions.
std::string database(const std::string& settings) {
  return said_of_topology(
      "regions: {us-east-1: {}, eu-west-1: {availability_zones: 2}}\n"
      "components:\n"
      "  db: {aurora_cluster: {" +
      settings + "}}\n");
}

TEST(Zones, MustExistInTheRegion) {
  EXPECT_EQ(database("region: us-east-1, availability_zones: [us-east-1a, us-east-1d]"),
            "web.yaml:3:77: db.availability_zones.1: no availability zone 'us-east-1d' in "
            "us-east-1, which has us-east-1a, us-east-1b and us-east-1c, did you mean "
            "'us-east-1a'?\n");
}

TEST(Zones, MustBelongToTheRegion) {
  EXPECT_EQ(database("region: eu-west-1, writer_az: us-east-1a"),
            "web.yaml:3:44: db.writer_az: no availability zone 'us-east-1a' of db, which has "
            "eu-west-1a and eu-west-1b\n");
}

TEST(Zones, OfAWriterMustBeAmongThoseOfTheComponent) {
  EXPECT_EQ(database("region: us-east-1, availability_zones: [us-east-1a, us-east-1b], "
                     "writer_az: us-east-1c"),
            "web.yaml:3:90: db.writer_az: no availability zone 'us-east-1c' of db, which has "
            "us-east-1a and us-east-1b, did you mean 'us-east-1a'?\n");
}

TEST(Zones, AreNamedOnce) {
  EXPECT_EQ(database("region: us-east-1, availability_zones: [us-east-1a, us-east-1a]"),
            "web.yaml:3:77: db.availability_zones.1: 'us-east-1a' stands twice\n");
}

TEST(Regions, MustExist) {
  EXPECT_EQ(database("region: us-west-1"),
            "web.yaml:3:25: db.region: no region 'us-west-1' in this topology, did you mean "
            "'us-east-1'?\n");
}

TEST(Regions, MustBeNamedWhereThereAreSeveral) {
  EXPECT_EQ(database(""),
            "web.yaml:3:3: db: region is missing: the topology has us-east-1 and eu-west-1\n");
}

TEST(Regions, AreNeededByWhatLivesInZones) {
  EXPECT_EQ(said_of_topology("components: {db: {aurora_cluster: {}}}\n"),
            "web.yaml:1:14: db: lives in availability zones, but the topology has no regions\n");
}

// What is said about these faults of the web topology; they stand in line 3 from column 9.
std::string faults(const std::string& list) { return said(experiment_of(web_components(), list)); }

TEST(Faults, HitWhatIsThere) {
  EXPECT_EQ(faults("[{at: 1min, az_power_loss: us-east-1c}, {at: 1min, slow: {target: us-east-1, "
                   "factor: 2}}, {at: 1min, instance_stop: {target: web, count: 2, az: "
                   "us-east-1a}}, {at: 0s, errors: {target: db, share: 5%}}, {at: 1s, "
                   "network_partition: us-east-1}, {at: 1s, instance_crash: web-asg}]"),
            "");
}

TEST(Faults, NameTheZoneThatWasMeant) {
  EXPECT_EQ(faults("[{at: 1min, az_power_loss: us-east-1d}]"),
            "web.yaml:3:21: faults.0.az_power_loss: no 'us-east-1d' is there; this fault hits an "
            "availability zone, did you mean 'us-east-1a'?\n");
}

TEST(Faults, OfZonesDoNotHitComponentsOrRegions) {
  EXPECT_EQ(faults("[{at: 1s, az_power_loss: web}, {at: 1s, az_power_loss: us-east-1}]"),
            "web.yaml:3:19: faults.0.az_power_loss: web is ec2_service; this fault hits an "
            "availability zone\n"
            "web.yaml:3:49: faults.1.az_power_loss: us-east-1 is a region; this fault hits an "
            "availability zone\n");
}

TEST(Faults, OfInstancesNeedAComponentThatHasSome) {
  EXPECT_EQ(faults("[{at: 1s, instance_stop: users}, {at: 1s, instance_stop: us-east-1a}]"),
            "web.yaml:3:19: faults.0.instance_stop: users is client; this fault hits a component "
            "that provides fleet, targets or store\n"
            "web.yaml:3:51: faults.1.instance_stop: us-east-1a is an availability zone; this fault "
            "hits a component that provides fleet, targets or store\n");
}

TEST(Faults, OfAnswersNeedAComponentThatIsCalled) {
  EXPECT_EQ(faults("[{at: 1s, errors: {target: web-asg, share: 5%}}]"),
            "web.yaml:3:19: faults.0.errors: web-asg is auto_scaling_group; this fault hits a "
            "component that provides callable\n");
}

TEST(Faults, OfEdgesNeedACityThatHasOneAndAServiceThatUsesIt) {
  EXPECT_EQ(faults("[{at: 1s, edge_loss: Lodnon}]"),
            "web.yaml:3:19: faults.0.edge_loss: AWS has no edge in 'Lodnon', did you mean "
            "'London'?\n");
  EXPECT_EQ(faults("[{at: 1s, edge_loss: London}]"),
            "web.yaml:3:19: faults.0.edge_loss: nothing here has edges, as "
            "cloudfront_distribution or global_accelerator has\n");
}

TEST(Faults, OfPartitionsMayNamePlacesOnBothSides) {
  EXPECT_EQ(faults("[{at: 1s, network_partition: {target: us-east-1, from: [DE, sa-east-1, "
                   "us-east-1a]}}]"),
            "");
  EXPECT_EQ(faults("[{at: 1s, network_partition: {target: us-east-1a, from: [us-east-2x]}}]"),
            "web.yaml:3:66: faults.0.network_partition.from.0: no place 'us-east-2x': a zone, a "
            "region, a country, a city with edges, did you mean 'us-east-1'?\n");
}

TEST(Faults, ChooseInstancesByShareOrByCount) {
  EXPECT_EQ(faults("[{at: 1s, instance_stop: {target: web, share: 50%, count: 2}}]"),
            "web.yaml:3:19: faults.0.instance_stop: share and count exclude each other\n");
}

TEST(Faults, ChooseInstancesOnlyOfComponents) {
  EXPECT_EQ(faults("[{at: 1s, az_power_loss: {target: us-east-1a, share: 50%}}]"),
            "web.yaml:3:19: faults.0.az_power_loss: share, count and az choose instances of a "
            "component\n");
}

TEST(Faults, ChooseInstancesOfAZoneThatExists) {
  EXPECT_EQ(faults("[{at: 1s, instance_stop: {target: web, az: us-east-1z}}]"),
            "web.yaml:3:48: faults.0.instance_stop.az: no availability zone 'us-east-1z', did you "
            "mean 'us-east-1a'?\n");
}

TEST(Faults, ComeBeforeTheHorizon) {
  EXPECT_EQ(faults("[{at: 60min, az_power_loss: us-east-1a}]"),
            "web.yaml:3:11: faults.0.at: 1h is not before the horizon, 1h\n");
}

TEST(Faults, OfOneTargetMayOverlapWhereTheyCompose) {
  EXPECT_EQ(faults("[{at: 1s, az_power_loss: us-east-1a}, {at: 2s, az_power_loss: us-east-1a}, "
                   "{at: 1s, slow: {target: db, factor: 2}}, {at: 1s, slow: {target: db, factor: "
                   "3}}]"),
            "");
}

TEST(Faults, OfOneTargetDoNotContradictEachOther) {
  EXPECT_EQ(faults("[{at: 1min, errors: {target: db, share: 5%}}, {at: 2min, errors: {target: db, "
                   "share: 9%}}]"),
            "web.yaml:3:55: faults.1: contradicts faults.0: another share of errors of db at the "
            "same time\n");
  EXPECT_EQ(faults("[{at: 1min, lasting: 1min, errors: {target: db, share: 5%}}, {at: 2min, "
                   "errors: {target: db, share: 9%}}]"),
            "");
}

TEST(Faults, HaveAKind) {
  EXPECT_EQ(faults("[{at: 1min}]"),
            "web.yaml:3:10: faults.0: kind is missing: az_power_loss, instance_stop, "
            "instance_crash, network_partition, slow, errors, region_power_loss, edge_loss, "
            "control_plane or "
            "packet_loss\n");
}

TEST(Faults, HaveOneKind) {
  EXPECT_EQ(faults("[{at: 1min, az_power_loss: us-east-1a, instance_stop: web}]"),
            "web.yaml:3:48: faults.0: az_power_loss and instance_stop exclude each other\n");
}

// A hint repeats a name of the file, which may be anything.
TEST(References, ShowANameThatIsMeantSafely) {
  EXPECT_THAT(said(experiment_of("    users: {client: {target: desk, open: {poisson: 1/s}}}\n"
                                 "    \"desk\\e\": {station: {service_time: 1ms}}\n")),
              testing::HasSubstr("no component 'desk', did you mean 'desk\\x1b'?"));
}

}  // namespace
}  // namespace windtunnel
