#include "topologies/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/topologies/reading.hpp"

namespace windtunnel {
namespace {

using testing::HasSubstr;

// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::path(testing::TempDir()) /
            (std::string("wt_load_") + test->name() + std::to_string(getpid()));
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

const std::string bare_topology =
    "regions: {us-east-1: {}}\n"
    "components:\n"
    "  users: {client: {target: db, open: {poisson: 400/s}}}\n"
    "  db: {aurora_cluster: {}}\n";

TEST(Load, ReadsTheFlagshipWithoutADiagnostic) {
  const std::string path = std::string(WINDTUNNEL_SOURCE) + "/experiments/library/az_loss_web.yaml";
  Diagnostics diagnostics;
  const auto experiment = load_experiment(path, {}, diagnostics);
  EXPECT_EQ(diagnostics.print(), "");
  ASSERT_TRUE(experiment);
  EXPECT_EQ(experiment->file, path);
  EXPECT_EQ(experiment->settings.experiment(), "az_loss_web");
  EXPECT_EQ(experiment->settings.faults(0).az_power_loss().target(), "us-east-1a");
  EXPECT_EQ(experiment->settings.objectives().availability().mean(), 0.995);
  EXPECT_EQ(experiment->topology.component_names(),
            (std::vector<std::string>{"users", "www", "web-alb", "web", "web-asg", "db"}));
  EXPECT_THAT(settings_of(experiment->topology, "web-asg"), HasSubstr("health_check_type: ELB"));
  EXPECT_THAT(experiment->input_text, testing::StartsWith("experiment: az_loss_web\n"));
}

TEST(Load, ReadsJson) {
  EXPECT_EQ(said(R"({"experiment": "j", "horizon": "1h", "seed": 18446744073709551615,
    "topology": {"components": {
      "users": {"client": {"target": "q", "closed": {"users": 5, "think_time": "1s"}}},
      "q": {"station": {"service_time": {"exponential": {"mean": "10ms"}}}}}}})"),
            "");
}

TEST(Load, NamesTheFileTheMessageAndThePlaceInJson) {
  EXPECT_EQ(said("{\"experiment\": \"j\", \"horizon\": 60,\n \"topolgy\": {}}"),
            "web.yaml:1:1: topology is missing: inline, or the path of a topology file\n"
            "web.yaml:1:21: horizon: '60' has no unit; a duration is written as 30s or 5min\n"
            "web.yaml:2:2: unknown field 'topolgy' of experiment, did you mean 'topology'?\n");
}

TEST(Load, KeepsRegionsAndComponentsInTheOrderOfTheFile) {
  Diagnostics diagnostics;
  const auto topology = read_topology(
      "regions: {us-west-2: {availability_zones: 4}, eu-west-1: {}}\n"
      "components:\n"
      "  zebra: {station: {service_time: 1ms}}\n"
      "  ant: {station: {service_time: 1ms}}\n",
      "a.yaml", {}, diagnostics);
  ASSERT_TRUE(topology) << diagnostics.print();
  EXPECT_EQ(topology->region_names(), (std::vector<std::string>{"us-west-2", "eu-west-1"}));
  EXPECT_EQ(topology->regions[0].zones(),
            (std::vector<std::string>{"us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d"}));
  EXPECT_EQ(topology->component_names(), (std::vector<std::string>{"zebra", "ant"}));
}

TEST(Load, ReadsATopologyFileRelativeToTheExperiment) {
  const Folder folder;
  folder.write("topology.yaml", bare_topology);
  const std::string path =
      folder.write("web.yaml", "experiment: e\nhorizon: 1h\ntopology: topology.yaml\n");
  Diagnostics diagnostics;
  const auto experiment = load_experiment(path, {"components.db.readers=3"}, diagnostics);
  EXPECT_EQ(diagnostics.print(), "");
  ASSERT_TRUE(experiment);
  EXPECT_THAT(settings_of(experiment->topology, "db"), HasSubstr("readers: 3"));
  EXPECT_THAT(experiment->input_text, HasSubstr("topology: topology.yaml\n"));
  EXPECT_THAT(experiment->input_text, HasSubstr(bare_topology));
}

TEST(Load, TellsErrorsOfATopologyFileInThatFile) {
  const Folder folder;
  const std::string topology = folder.write("topology.yaml", "components: {db: {aurora: {}}}\n");
  const std::string path =
      folder.write("web.yaml", "experiment: e\nhorizon: 1h\ntopology: topology.yaml\n");
  Diagnostics diagnostics;
  EXPECT_FALSE(load_experiment(path, {}, diagnostics));
  EXPECT_EQ(diagnostics.print(), topology + ":1:19: db: unknown model 'aurora'\n");
}

TEST(Load, TellsAMissingTopologyFileWhereItIsNamed) {
  EXPECT_EQ(said("experiment: e\nhorizon: 1h\ntopology: nowhere.yaml\n"),
            "web.yaml:3:1: topology: 'nowhere.yaml': no such file\n");
}

TEST(Load, TakesAnotherTopologyFromTheCommandLine) {
  const Folder folder;
  const std::string other = folder.write("other.yaml", bare_topology);
  Diagnostics diagnostics;
  const auto experiment = read_experiment("experiment: e\nhorizon: 1h\ntopology: nowhere.yaml\n",
                                          "web.yaml", {"topology=" + other}, diagnostics);
  EXPECT_EQ(diagnostics.print(), "");
  EXPECT_TRUE(experiment);
}

TEST(Load, TellsMissingFilesDirectoriesAndBinariesAtTheirStart) {
  const Folder folder;
  const std::string binary = folder.write("binary.yaml",
                                          "\x7f"
                                          "ELF\x02\x01");
  const std::string empty = folder.write("empty.yaml", "");
  for (const auto& [path, why] : std::vector<std::pair<std::string, std::string>>{
           {"/nowhere.yaml", "no such file"},
           {"/tmp", "is a directory, not a file"},
           {binary, "not text: control character 0x7f"},
           {empty, "the file is empty"}}) {
    Diagnostics diagnostics;
    EXPECT_FALSE(load_experiment(path, {}, diagnostics));
    EXPECT_FALSE(check_file(path, {}, diagnostics));
    EXPECT_EQ(diagnostics.print(), path + ":1:1: " + why + "\n" + path + ":1:1: " + why + "\n");
  }
}

TEST(Load, RefusesAFileThatIsNoMap) {
  EXPECT_EQ(said("- a\n- b\n"), "web.yaml:1:1: a list instead of settings\n");
  EXPECT_EQ(said("~\n"), "web.yaml:1:1: the file is empty\n");
}

TEST(Load, RefusesATopologyThatIsAList) {
  EXPECT_EQ(said("experiment: e\nhorizon: 1h\ntopology: []\n"),
            "web.yaml:3:1: topology: a list is neither a topology nor a path\n");
}

TEST(Load, TellsAnUnknownRegionAndTheOneThatWasMeant) {
  EXPECT_EQ(said_of_topology("regions: {us-esat-1: {}}\ncomponents: {q: {station: {service_time: "
                             "1ms}}}\n"),
            "web.yaml:1:11: unknown AWS region 'us-esat-1', did you mean 'us-east-1'?\n");
}

TEST(Load, TellsAnUnknownModelAndTheOneThatWasMeant) {
  EXPECT_EQ(said_of_topology("components: {q: {sation: {service_time: 1ms}}}\n"),
            "web.yaml:1:18: q: unknown model 'sation', did you mean 'station'?\n");
}

TEST(Load, TellsAPartOfATopologyThatIsNotKnown) {
  EXPECT_EQ(said_of_topology("component: {}\n"),
            "web.yaml:1:1: unknown field 'component' of topology, did you mean 'components'?\n"
            "web.yaml:1:1: components is missing: by name: one model and its settings\n");
}

TEST(Load, RefusesComponentsWithoutOneModel) {
  EXPECT_EQ(said_of_topology("components:\n"
                             "  a: {station: {service_time: 1ms}, client: {}}\n"
                             "  b: station\n"
                             "  c: {}\n"
                             "  d: {station: }\n"),
            "web.yaml:2:3: a: names 2 models, 'station' and 'client'; a component has one\n"
            "web.yaml:3:3: b: names no model; write {MODEL: {settings}}\n"
            "web.yaml:4:3: c: names no model; write {MODEL: {settings}}\n"
            "web.yaml:5:3: d: has no value; {} stands for all defaults\n");
}

TEST(Load, RefusesNamesThatAreNone) {
  EXPECT_EQ(said_of_topology("regions: {us-east-1: {}}\n"
                             "components:\n"
                             "  a.b: {station: {service_time: 1ms}}\n"
                             "  us-east-1a: {station: {service_time: 1ms}}\n"),
            "web.yaml:3:3: component 'a.b': a name has 1 to 64 letters, digits, _ and -, the first "
            "a letter or digit\n"
            "web.yaml:4:3: us-east-1a: is the name of a region or an availability zone\n");
}

TEST(Load, RefusesAnExperimentWithoutAName) {
  EXPECT_EQ(said("experiment: a b\n" + experiment_of(web_components()).substr(17)),
            "web.yaml:1:1: experiment: 'a b': a name has 1 to 64 letters, digits, _ and -, the "
            "first a letter or digit\n");
}

TEST(Load, RefusesAnExperimentWithoutClients) {
  EXPECT_EQ(said(experiment_of("    q: {station: {service_time: 1ms}}\n")),
            "web.yaml:5:3: no client: nothing would happen\n");
}

TEST(Load, ReplacesTheLoadOfAClientByTheWorkload) {
  Diagnostics diagnostics;
  const auto experiment =
      read_experiment(experiment_of(web_components()) + "workload: {users: {closed: {users: 7}}}\n",
                      "web.yaml", {}, diagnostics);
  ASSERT_TRUE(experiment) << diagnostics.print();
  const std::string users = settings_of(experiment->topology, "users");
  EXPECT_THAT(users, HasSubstr("closed { users: 7"));
  EXPECT_THAT(users, testing::Not(HasSubstr("open")));
}

TEST(Load, GivesAClientWithoutLoadThatOfTheWorkload) {
  EXPECT_EQ(said(experiment_of("    users: {client: {target: q}}\n"
                               "    q: {station: {service_time: 1ms}}\n") +
                 "workload: {users: {open: {poisson: 5/s}}}\n"),
            "");
}

TEST(Load, RefusesAWorkloadOfWhatTakesNone) {
  EXPECT_EQ(said(experiment_of(web_components()) +
                 "workload: {user: {open: {poisson: 5/s}}, db: {closed: {users: 5}}, users: {}}\n"),
            "web.yaml:12:12: workload.user: no such component, did you mean 'users'?\n"
            "web.yaml:12:42: workload.db: aurora_cluster takes no load\n"
            "web.yaml:12:68: workload.users: load is missing: open or closed\n");
}

TEST(Load, RefusesAWarmUpThatOutlastsTheRun) {
  EXPECT_EQ(said(experiment_of(web_components()) + "warm_up: 1h\n"),
            "web.yaml:12:1: warm_up: 1h is not below horizon, 1h\n");
}

TEST(Load, WarnsOfRecoveryObjectivesWithoutAFault) {
  const std::string text = experiment_of(web_components()) + "objectives: {rto: 5min, rpo: 1s}\n";
  EXPECT_EQ(said(text),
            "web.yaml:12:14: warning: objectives.rto: without a fault it is always 0\n"
            "web.yaml:12:25: warning: objectives.rpo: without a fault it is always 0\n");
  Diagnostics diagnostics;
  EXPECT_TRUE(read_experiment(text, "web.yaml", {}, diagnostics));
}

TEST(Load, ChecksABareTopologyToo) {
  const Folder folder;
  Diagnostics diagnostics;
  EXPECT_TRUE(check_file(folder.write("topology.yaml", bare_topology), {}, diagnostics))
      << diagnostics.print();
}

TEST(Load, NeverThrowsOnDamagedText) {
  const std::string text = experiment_of(web_components(), "[{at: 1min, instance_stop: web}]");
  std::uint64_t state = 7;
  for (int i = 0; i < 500; ++i) {
    std::string damaged = text;
    for (int edit = 0; edit < 3; ++edit) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      const std::size_t at = (state >> 33) % damaged.size();
      static const std::string marks = "{}[]:,-&*!|>'\"%@`#\n\t 0";
      damaged[at] = marks[(state >> 20) % marks.size()];
    }
    Diagnostics diagnostics;
    const auto experiment = read_experiment(damaged, "web.yaml", {}, diagnostics);
    EXPECT_EQ(experiment.has_value(), !diagnostics.has_errors()) << damaged;
  }
}

}  // namespace
}  // namespace windtunnel
