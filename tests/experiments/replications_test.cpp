#include "experiments/replications.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <thread>

#include "analysis/journal.hpp"
#include "tests/analysis/messages.hpp"
#include "tests/analysis/samples.hpp"

namespace windtunnel::experiments {
namespace {

using namespace std::chrono_literals;
using analysis::Journal;
using analysis::ReplicationRecord;
using analysis::samples::difference;
using analysis::samples::Directory;
using analysis::samples::header;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ReplicationRecord simulate(int replication) {
  return analysis::samples::record(static_cast<std::uint32_t>(replication));
}

// What this test's processes share.
struct Shared {
  std::atomic<int> started{0};
  std::atomic<int> kept{0};
  std::atomic<int> running{0};
  std::atomic<int> running_max{0};
  std::atomic<pid_t> last_child{0};
};

class ReplicationsTest : public ::testing::Test {
 protected:
  ReplicationsTest()
      : shared_(*new (::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Shared) {}
  ~ReplicationsTest() override { ::munmap(&shared_, sizeof(Shared)); }

  Shared& shared_;
};

std::vector<std::uint32_t> numbers(const std::vector<ReplicationRecord>& records) {
  std::vector<std::uint32_t> result;
  for (const auto& record : records) result.push_back(record.replication());
  return result;
}

void wait_until(const auto& condition) {
  for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(5ms);
  ASSERT_TRUE(condition());
}

TEST_F(ReplicationsTest, AllRunAndComeBackInOrder) {
  std::vector<std::uint32_t> kept;
  std::vector<int> progress;
  const auto result = run_replications(
      {.replications = 5,
       .jobs = 2,
       .run =
           [](int replication) {
             std::this_thread::sleep_for(replication == 0 ? 100ms : 0ms);  // it ends later
             return simulate(replication);
           },
       .keep = [&](const ReplicationRecord& record) { kept.push_back(record.replication()); },
       .progress = [&](int finished, int) { progress.push_back(finished); }});
  EXPECT_EQ(result.exit_code(), 0);
  EXPECT_THAT(numbers(result.records), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_NE(kept.front(), 0u);
  EXPECT_EQ(kept.size(), 5u);
  EXPECT_THAT(progress, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_GT(result.records[0].memory_bytes_max(), 0u);
}

TEST_F(ReplicationsTest, NotMoreThanJobsRunAtATime) {
  run_replications({.replications = 12,
                    .jobs = 3,
                    .run =
                        [&](int replication) {
                          const int now = ++shared_.running;
                          int seen = shared_.running_max;
                          while (now > seen &&
                                 !shared_.running_max.compare_exchange_weak(seen, now)) {
                          }
                          std::this_thread::sleep_for(20ms);
                          --shared_.running;
                          return simulate(replication);
                        },
                    .keep = {},
                    .progress = {}});
  EXPECT_EQ(shared_.running_max, 3);
}

TEST_F(ReplicationsTest, ARecordLargerThanAPipeArrivesWhole) {
  const auto large = [](int replication) {
    auto record = simulate(replication);
    for (int i = 0; i < 1'000'000; ++i) record.mutable_windows()->add_arrived(1000);
    return record;
  };
  const auto result =
      run_replications({.replications = 2, .jobs = 2, .run = large, .keep = {}, .progress = {}});
  ASSERT_EQ(result.records.size(), 2u);
  EXPECT_EQ(result.records[1].windows().arrived_size(), 1'000'002);
}

TEST_F(ReplicationsTest, AKilledChildIsNamedAndTheOthersAreKept) {
  const auto result = run_replications({.replications = 4,
                                        .jobs = 2,
                                        .run =
                                            [](int replication) {
                                              if (replication == 2) ::kill(::getpid(), SIGKILL);
                                              return simulate(replication);
                                            },
                                        .keep = {},
                                        .progress = {}});
  EXPECT_EQ(result.exit_code(), 4);
  EXPECT_THAT(result.failures, ElementsAre("replication 3: killed by signal 9 (Killed)"));
  EXPECT_THAT(numbers(result.records), ElementsAre(0, 1, 3));
}

TEST_F(ReplicationsTest, AnExceptionOfAChildIsReported) {
  const auto result = run_replications({.replications = 1,
                                        .jobs = 1,
                                        .run = [](int) -> ReplicationRecord {
                                          throw std::runtime_error("the trace ends too early");
                                        },
                                        .keep = {},
                                        .progress = {}});
  EXPECT_EQ(result.exit_code(), 4);
  EXPECT_THAT(result.failures, ElementsAre("replication 1: the trace ends too early"));
}

TEST_F(ReplicationsTest, AChildThatLeavesWithoutAResultIsReported) {
  const auto result = run_replications({.replications = 1,
                                        .jobs = 1,
                                        .run = [](int) -> ReplicationRecord { ::_exit(0); },
                                        .keep = {},
                                        .progress = {}});
  EXPECT_THAT(result.failures, ElementsAre(HasSubstr("without a result")));
}

TEST_F(ReplicationsTest, ThoseDoneAreNotRunAgain) {
  const auto result = run_replications({.replications = 4,
                                        .jobs = 2,
                                        .run =
                                            [&](int replication) {
                                              ++shared_.started;
                                              return simulate(replication);
                                            },
                                        .keep = {},
                                        .progress = {}},
                                       {simulate(3), simulate(0)});
  EXPECT_EQ(shared_.started, 2);
  EXPECT_THAT(numbers(result.records), ElementsAre(0, 1, 2, 3));
}

TEST_F(ReplicationsTest, AFailureToKeepARecordEndsTheBatch) {
  EXPECT_THROW(
      run_replications(
          {.replications = 3,
           .jobs = 2,
           .run = simulate,
           .keep = [](const ReplicationRecord&) { throw analysis::FileError("the disk is full"); },
           .progress = {}}),
      analysis::FileError);
  EXPECT_LT(::waitpid(-1, nullptr, WNOHANG), 0);  // no child is left
}

// A batch in a process of its own: two replications come through, the others never end.
pid_t start_batch(const std::string& journal_path, Shared& shared) {
  const pid_t parent = ::fork();
  if (parent != 0) return parent;
  Journal journal = Journal::begin(journal_path, header());
  const auto result = run_replications({.replications = 6,
                                        .jobs = 2,
                                        .run =
                                            [&](int replication) {
                                              shared.last_child = ::getpid();
                                              ++shared.started;
                                              if (replication >= 2) std::this_thread::sleep_for(1h);
                                              return simulate(replication);
                                            },
                                        .keep =
                                            [&](const ReplicationRecord& record) {
                                              journal.append(record);
                                              ++shared.kept;
                                            },
                                        .progress = {}});
  ::_exit(result.exit_code());
}

bool is_running(pid_t process) { return ::kill(process, 0) == 0; }

void expect_resume_completes(const std::string& journal_path) {
  auto six = header();
  six.set_replications(6);
  std::vector<ReplicationRecord> done;
  Journal journal = Journal::resume(journal_path, six, done);
  EXPECT_EQ(done.size(), 2u);
  const auto result =
      run_replications({.replications = 6,
                        .jobs = 2,
                        .run = simulate,
                        .keep = [&](const ReplicationRecord& record) { journal.append(record); },
                        .progress = {}},
                       std::move(done));
  ASSERT_EQ(result.records.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) {
    // All but what the machine had to do with it.
    auto record = result.records[i];
    const auto expected = simulate(static_cast<int>(i));
    record.set_cpu_seconds(expected.cpu_seconds());
    record.set_memory_bytes_max(expected.memory_bytes_max());
    EXPECT_EQ(difference(record, expected), "");
  }
  EXPECT_EQ(analysis::read_journal(journal_path).records.size(), 6u);
}

TEST_F(ReplicationsTest, AKilledParentLeavesAJournalAndNoOrphansAndCanBeResumed) {
  const Directory directory;
  const std::string path = directory / "out.journal";
  const pid_t parent = start_batch(path, shared_);
  wait_until([&] { return shared_.kept == 2 && shared_.started == 4; });
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_EQ(analysis::read_journal(path).records.size(), 2u);
  wait_until([&] { return !is_running(shared_.last_child); });
  expect_resume_completes(path);
}

TEST_F(ReplicationsTest, AnInterruptKillsTheChildrenAndKeepsTheJournal) {
  for (const int signal : {SIGINT, SIGTERM}) {
    shared_.kept = shared_.started = 0;
    const Directory directory;
    const std::string path = directory / "out.journal";
    const pid_t parent = start_batch(path, shared_);
    wait_until([&] { return shared_.kept == 2 && shared_.started == 4; });
    ::kill(parent, signal);
    int status = 0;
    ::waitpid(parent, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 130);
    EXPECT_FALSE(is_running(shared_.last_child));
    expect_resume_completes(path);
  }
}

TEST_F(ReplicationsTest, ChildrenDieOfAnInterruptAsAnyProgram) {
  const auto result = run_replications({.replications = 3,
                                        .jobs = 1,
                                        .run =
                                            [](int replication) {
                                              if (replication == 1) ::raise(SIGINT);
                                              return simulate(replication);
                                            },
                                        .keep = {},
                                        .progress = {}});
  EXPECT_EQ(result.exit_code(), 130);
  EXPECT_THAT(result.failures, IsEmpty());
  EXPECT_THAT(numbers(result.records), ElementsAre(0));
}

}  // namespace
}  // namespace windtunnel::experiments
