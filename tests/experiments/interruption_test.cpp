// kill -9 of the parent and of a child, SIGINT: what is done is kept, and --resume ends as if
// nothing had happened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/journal.hpp"
#include "tests/support/program.hpp"

namespace windtunnel::experiments {
namespace {

using nlohmann::json;
using test::comes_true;
using test::Ended;
using test::Program;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Eight replications of about a tenth of a second, one after the other.
class Interruption : public ::testing::Test {
 protected:
  Interruption() { program.write("small.yaml", test::small_experiment); }

  std::vector<std::string> command(std::vector<std::string> more = {}) const {
    std::vector<std::string> words{
        "run", "small.yaml", "--jobs", "1",     "--replications",
        "8",   "--format",   "json",   "--set", "components.users.open.poisson=370/s"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::size_t kept() const {
    try {
      return analysis::read_journal(journal.string()).records.size();
    } catch (const analysis::FileError&) {
      return 0;
    }
  }
  pid_t start_and_wait_for(std::size_t replications) {
    const pid_t child = program.start(command());
    EXPECT_TRUE(comes_true([&] { return kept() >= replications; }));
    return child;
  }
  // What does not depend on the clock on the wall.
  static json essence(json verdict) {
    verdict.erase("cpu_seconds");
    verdict.erase("memory_bytes_max");
    return verdict;
  }
  void expect_resume_completes() {
    const Ended resumed = program.run(command({"--resume"}));
    EXPECT_EQ(resumed.code, 0) << resumed.messages;
    EXPECT_FALSE(std::filesystem::exists(journal));
    const Ended whole = program.run(command());
    EXPECT_EQ(essence(resumed.json()), essence(whole.json()));
    EXPECT_EQ(resumed.json()["fingerprints"].size(), 8u);
  }

  Program program;
  const std::filesystem::path journal = program.path("results/small.h5.journal");
};

TEST_F(Interruption, AKilledParentLeavesAJournalThatResumes) {
  const pid_t parent = start_and_wait_for(2);
  kill(parent, SIGKILL);
  EXPECT_EQ(program.end(parent).code, -SIGKILL);
  const auto contents = analysis::read_journal(journal.string());
  EXPECT_GE(contents.records.size(), 2u);
  EXPECT_LT(contents.records.size(), 8u);
  const Ended shown = program.run({"show", "results/small.h5", "replications"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_THAT(shown.messages, HasSubstr("an unfinished run"));
  expect_resume_completes();
}

TEST_F(Interruption, AKilledChildIsReportedAndOnlyItsReplicationIsRunAgain) {
  const pid_t parent = start_and_wait_for(1);
  const std::string children =
      "/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) + "/children";
  ASSERT_TRUE(comes_true([&] {
    const std::string child = test::bytes_of(children);
    return !child.empty() && kill(std::stoi(child), SIGKILL) == 0;
  }));
  const Ended ended = program.end(parent);
  EXPECT_EQ(ended.code, 4);
  EXPECT_TRUE(ended.out.empty());
  EXPECT_THAT(ended.messages, HasSubstr("killed by signal 9"));
  EXPECT_THAT(ended.messages, HasSubstr("--resume goes on from there"));
  EXPECT_EQ(kept(), 7u);
  expect_resume_completes();
}

TEST_F(Interruption, ControlCKeepsWhatIsDone) {
  const pid_t parent = start_and_wait_for(1);
  kill(parent, SIGINT);
  const Ended ended = program.end(parent);
  EXPECT_EQ(ended.code, 130);
  EXPECT_TRUE(ended.out.empty());
  EXPECT_GE(kept(), 1u);
  expect_resume_completes();
}

TEST_F(Interruption, AnUnfinishedRunAsksWhatToDo) {
  const pid_t parent = start_and_wait_for(1);
  kill(parent, SIGKILL);
  program.end(parent);
  const std::string before = test::bytes_of(journal);
  const Ended asked = program.run(command());
  EXPECT_EQ(asked.code, 2);
  EXPECT_THAT(asked.messages,
              StartsWith("results/small.h5.journal:1:1: an unfinished run is here; say --resume"));
  const Ended other_seed = program.run(command({"--resume", "--seed", "2"}));
  EXPECT_EQ(other_seed.code, 2);
  EXPECT_THAT(other_seed.messages,
              StartsWith("results/small.h5.journal:1:1: can't be resumed: its seed was 1, not 2"));
  const Ended other_input =
      program.run(command({"--resume", "--set", "components.desk.servers=5"}));
  EXPECT_EQ(other_input.code, 2);
  EXPECT_THAT(other_input.messages, HasSubstr("can't be resumed: its input was another one"));
  EXPECT_EQ(test::bytes_of(journal), before);
  EXPECT_EQ(program.run(command({"--restart", "--seed", "2", "--replications=2"})).code,
            2);  // twice
  EXPECT_EQ(program.run({"run", "small.yaml", "--restart"}).code, 0);
  EXPECT_FALSE(std::filesystem::exists(journal));
}

TEST_F(Interruption, ResumeWithoutAJournalStartsAnew) {
  EXPECT_EQ(program.run({"run", "small.yaml", "--resume"}).code, 0);
  EXPECT_TRUE(program.exists("results/small.h5"));
}

}  // namespace
}  // namespace windtunnel::experiments
