// The rules of the house that a compiler does not check: who includes whom, what is never called,
// how long a file may be. A rule's exceptions stand beside it, each with its reason.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <regex>

#include "experiments/experiment.pb.h"
#include "models/registry.hpp"
#include "models/schema.pb.h"
#include "tests/style/source.hpp"

namespace windtunnel {
namespace {

using test::Source;
using test::sources;

const std::set<std::string> layers = {"sim", "models", "topologies", "experiments", "analysis"};

bool is_product(const Source& source) {
  return source.is_code() && layers.contains(source.folder());
}

// Files of the tree that a folder may include, by the beginnings or ends of their paths.
struct Allowed {
  std::vector<std::string> starts, whole;
};
const std::map<std::string, Allowed> may_include = {
    {"sim", {{"sim/"}, {}}},
    {"models", {{"sim/", "models/"}, {}}},  // and not each other, see below
    {"analysis", {{"analysis/", "sim/"}, {}}},
    {"topologies",
     {{"topologies/", "sim/"},
      {"models/registry.hpp", "models/schema.pb.h", "models/settings_check.hpp",
       "models/mechanisms/settings.hpp",
       "models/traces/utf8.hpp",           // what users wrote is shown safely
       "models/mechanisms/geography.hpp",  // which regions there are, and how far they are
       "experiments/experiment.pb.h"}}},   // the message of the file that a topology may stand in
    {"experiments",
     {{"experiments/", "analysis/", "topologies/", "sim/", "models/traces/"},
      {"models/registry.hpp", "models/left_out.hpp", "models/mechanisms/rates.hpp",
       "models/mechanisms/control_plane.hpp",  // hit by a fault; no component is
       "models/mechanisms/geography.hpp",      // edges, and places to be cut off from
       "models/load/client_load.hpp"}}},       // --trace is read before the first fork
};

TEST(Style, NoFolderIncludesWhatIsAboveIt) {
  for (const Source& source : sources()) {
    if (!is_product(source)) continue;
    const Allowed& allowed = may_include.at(source.folder());
    for (const std::string& name : includes_of(source)) {
      if (!layers.contains(name.substr(0, name.find('/')))) continue;
      const bool starts =
          std::any_of(allowed.starts.begin(), allowed.starts.end(),
                      [&](const std::string& start) { return name.starts_with(start); });
      const bool whole =
          std::find(allowed.whole.begin(), allowed.whole.end(), name) != allowed.whole.end();
      const bool message = source.folder() == "experiments" && name.ends_with(".pb.h");
      EXPECT_TRUE(starts || whole || message) << source.path << " includes " << name;
    }
  }
}

// "aurora" of models/database/aurora_control_plane.hpp.
std::string first_word(const std::string& path) {
  const std::string stem = path.substr(path.rfind('/') + 1);
  return stem.substr(0, stem.find_first_of("_."));
}

// Traces are no service but what clients read their load from.
TEST(Style, AModelIncludesMechanismsAndItsOwnFilesButNoOtherService) {
  const std::set<std::string> for_all = {"models/registry.hpp", "models/schema.pb.h",
                                         "models/settings_check.hpp"};
  for (const Source& source : sources()) {
    if (!source.is_code() || source.folder() != "models") continue;
    for (const std::string& name : includes_of(source)) {
      if (!name.starts_with("models/") || name.starts_with("models/mechanisms/") ||
          name.starts_with("models/traces/") || for_all.contains(name))
        continue;
      const bool own_folder =
          source.path.substr(0, source.path.rfind('/')) == name.substr(0, name.rfind('/'));
      EXPECT_TRUE(own_folder && first_word(name) == first_word(source.path))
          << source.path << " includes " << name;
    }
  }
}

TEST(Style, LibrariesStayBehindTheirDoors) {
  const std::map<std::string, std::set<std::string>> doors = {
      {"simgrid/", {"sim/simgrid_platform.cpp"}},
      {"xbt/", {"sim/simgrid_platform.cpp"}},
      {"H5",
       {"analysis/results_file.cpp", "analysis/hdf5_columns.hpp", "analysis/hdf5_columns.cpp"}},
      {"hdf5", {"analysis/hdf5_columns.cpp"}},
      {"boost/graph/", {"topologies/graph.cpp"}},
      {"yaml-cpp/", {"topologies/document.cpp"}},
      {"muParser", {"models/mechanisms/metric_math.cpp", "models/mechanisms/alarm_rule.cpp"}},
  };
  for (const Source& source : sources()) {
    if (!is_product(source)) continue;
    for (const std::string& name : includes_of(source)) {
      for (const auto& [library, allowed] : doors) {
        EXPECT_TRUE(!name.starts_with(library) || allowed.contains(source.path))
            << source.path << " includes " << name;
      }
    }
  }
}

struct Ban {
  std::regex pattern;
  std::string why;
  std::vector<std::string> folders;            // empty: all but tests/
  std::map<std::string, std::string> allowed;  // file and reason
};

const std::vector<Ban>& bans() {
  static const std::map<std::string, std::string> shared_plan = {
      {"models/mechanisms/arrivals.hpp", "a plan of arrivals is shared by all copies of it"},
      {"models/mechanisms/arrivals.cpp", "the same"},
      {"models/load/client_load.hpp", "the same"},
      {"models/load/client_load.cpp", "the same"}};
  static const std::map<std::string, std::string> wall_clock = {
      {"experiments/run_command.cpp", "says how long the batch took"},
      {"experiments/header.cpp", "says when the results were made"},
      {"experiments/replications.cpp", "looks after processes"}};
  static const std::vector<Ban> all = {
      {std::regex(R"(\b(s?rand|random|drand48)\s*\()"), "chance comes from sim::Stream", {}, {}},
      {std::regex(R"(\bstd::(random_device|mt19937|minstd_rand|default_random_engine))"),
       "chance comes from sim::Stream",
       {},
       {}},
      {std::regex(R"(\bstd::\w+_distribution\b)"),
       "std's distributions differ between libraries",
       {},
       {}},
      {std::regex(R"(\b(std::shuffle|random_shuffle|std::sample)\b)"),
       "its order differs between libraries",
       {},
       {}},
      {std::regex(R"((\bstd::time|[^\w:>.]::time|\btime)\s*\(\s*(NULL|nullptr|0)?\s*\))"),
       "sim.now() is the only clock",
       {},
       {}},
      {std::regex(R"(\b(gettimeofday|clock_gettime|localtime|gmtime|clock)\s*\()"),
       "sim.now() is the only clock",
       {},
       {}},
      {std::regex(R"(\b(system_clock|steady_clock|high_resolution_clock)\b)"),
       "sim.now() is the only clock",
       {},
       wall_clock},
      {std::regex(R"(\bunordered_\w+)"), "its order could reach an event", {"sim", "models"}, {}},
      {std::regex(R"(\bstd::hash\b)"), "it differs between libraries", {"sim", "models"}, {}},
      {std::regex(R"(\bshared_ptr\b)"), "owners are plain", {"sim", "models"}, shared_plan},
      {std::regex(R"(\bstd::function\b)"),
       "an event is 32 bytes and allocates nothing",
       {"sim", "models"},
       {}},
      {std::regex(R"(\bco_(await|yield|return)\b)"),
       "state in frames cannot be seen by a crash",
       {},
       {}},
      {std::regex(R"(\brun_until\s*\()"),
       "it stops early, and not at all without actors",
       {"sim"},
       {}},
  };
  return all;
}

TEST(Style, NothingThatIsBannedIsCalled) {
  for (const Source& source : sources()) {
    if (!is_product(source)) continue;
    std::istringstream lines(test::bare_code(source.text));
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      for (const Ban& ban : bans()) {
        const auto& in = ban.folders;
        if (!in.empty() && std::find(in.begin(), in.end(), source.folder()) == in.end()) continue;
        if (ban.allowed.contains(source.path) || !std::regex_search(line, ban.pattern)) continue;
        ADD_FAILURE() << source.path << ":" << number << ": " << line << "\n  " << ban.why;
      }
    }
  }
}

TEST(Style, ExceptionsAreOfFilesThatAreThere) {
  for (const Ban& ban : bans()) {
    for (const auto& [path, why] : ban.allowed) {
      EXPECT_TRUE(std::any_of(sources().begin(), sources().end(), [&](const Source& s) {
        return s.path == path;
      })) << path;
    }
  }
}

TEST(Style, NoFileIsLongerThanFiveHundredLines) {
  const std::set<std::string> kinds = {".cpp", ".hpp",   ".proto", ".py", ".sh",
                                       ".txt", ".cmake", ".yaml",  ".md"};
  for (const Source& source : sources()) {
    if (!kinds.contains(source.extension())) continue;
    EXPECT_LE(std::count(source.text.begin(), source.text.end(), '\n'), 500) << source.path;
  }
}

// The words are put together here so that this file is not one that has them.
TEST(Style, NoFileKnowsTheMachineItWasWrittenOn) {
  const std::vector<std::string> words = {
      std::string("/wo") + "rk/",         std::string("/ro") + "ot/",
      std::string("/tmp/ba") + "sh_jobs", std::string("pypi") + ".org",
      std::string("registry.npm") + "js", std::string("proxy.gol") + "ang.org",
      std::string("deb.deb") + "ian.org", std::string("crates") + ".io",
      std::string("index-") + "url"};
  for (const Source& source : sources()) {
    for (const std::string& word : words) {
      EXPECT_EQ(source.text.find(word), std::string::npos) << source.path << " has " << word;
    }
  }
}

TEST(Style, HeadersAreIncludedOnceAndEveryFileOpensWithWhatItIs) {
  for (const Source& source : sources()) {
    if (!is_product(source) || source.extension() != ".hpp") continue;
    EXPECT_NE(source.text.find("#pragma once"), std::string::npos) << source.path;
    EXPECT_TRUE(source.text.starts_with("//")) << source.path;
  }
}

void expect_sentences(const google::protobuf::Descriptor& message,
                      std::set<const google::protobuf::Descriptor*>& seen) {
  if (!seen.insert(&message).second) return;
  for (int i = 0; i < message.field_count(); ++i) {
    const auto& field = *message.field(i);
    const bool of_a_map = message.options().map_entry();
    EXPECT_TRUE(of_a_map || !field.options().GetExtension(schema::field).sentence().empty())
        << field.full_name();
    if (field.message_type() != nullptr) expect_sentences(*field.message_type(), seen);
  }
}

TEST(Style, EveryFieldOfEveryModelAndOfAnExperimentHasASentence) {
  std::set<const google::protobuf::Descriptor*> seen;
  for (const auto& [name, model] : models()) {
    EXPECT_FALSE(model.descriptor()->options().GetExtension(schema::model).sentence().empty())
        << name;
    expect_sentences(*model.descriptor(), seen);
  }
  expect_sentences(*settings::Experiment::descriptor(), seen);
  EXPECT_GE(seen.size(), 20u);
}

TEST(Style, CommentsAndQuotesAreNoCode) {
  EXPECT_EQ(test::bare_code("a // rand()\nb \"rand() \\\" x\" c /* rand() */ d\n1'000 'x' e"),
            "a \nb  c  d\n1'000  e");
}

}  // namespace
}  // namespace windtunnel
