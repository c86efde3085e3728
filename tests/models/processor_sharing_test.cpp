#include "models/mechanisms/processor_sharing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tests/support/scripted.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Handle;

class ProcessorSharingTest : public testing::Test, public ProcessorSharing::Owner {
 protected:
  void share(std::int64_t processors) {
    sharing = std::make_unique<ProcessorSharing>(script, *this, processors);
  }
  void add_at(Duration date, std::uint32_t job, Duration work) {
    script.at(date, [=, this] { sharing->add({job, 0}, work); });
  }
  void on_job_done(ProcessorSharing& from, Handle job) override {
    EXPECT_EQ(&from, sharing.get());
    done.emplace_back(job.slot(), sim.now() - sim::time_zero);
    if (then) then(job.slot());
  }
  using Done = std::vector<std::pair<std::uint32_t, Duration>>;

  sim::Simulation sim{{.horizon = 1000h}};
  test::Script& script = test::add_script(sim);
  std::unique_ptr<ProcessorSharing> sharing;
  Done done;
  std::function<void(std::uint32_t)> then;
};

TEST_F(ProcessorSharingTest, OneJobRunsAtFullSpeedHoweverManyProcessors) {
  share(4);
  add_at(2s, 0, 3s);
  sim.run();
  EXPECT_EQ(done, (Done{{0, 5s}}));
}

// 0..5 s: A alone, 5 s left. 5..15 s: both at half speed, A is done, B has 5 s left. 15..20 s: B
// alone.
TEST_F(ProcessorSharingTest, TwoJobsShareOneProcessor) {
  share(1);
  add_at(0s, 0, 10s);
  add_at(5s, 1, 10s);
  sim.run();
  EXPECT_EQ(done, (Done{{0, 15s}, {1, 20s}}));
}

// Speed 2/3 until A's 2 s are done at 3 s; then both at full speed: B has 2 s left, C 4 s.
TEST_F(ProcessorSharingTest, ThreeJobsShareTwoProcessors) {
  share(2);
  add_at(0s, 0, 2s);
  add_at(0s, 1, 4s);
  add_at(0s, 2, 6s);
  sim.run();
  EXPECT_EQ(done, (Done{{0, 3s}, {1, 5s}, {2, 7s}}));
}

// A short job overtakes: at 2 s A has 8 s left; they share until B's 1 s is done at 4 s, A's last 7
// s end at 11 s.
TEST_F(ProcessorSharingTest, AShortJobOvertakesALongOne) {
  share(1);
  add_at(0s, 0, 10s);
  add_at(2s, 1, 1s);
  sim.run();
  EXPECT_EQ(done, (Done{{1, 4s}, {0, 11s}}));
}

TEST_F(ProcessorSharingTest, EqualJobsEndTogetherInOrderOfArrival) {
  share(1);
  for (std::uint32_t job = 0; job < 5; ++job) add_at(0s, job, 1s);
  sim.run();
  EXPECT_EQ(done, (Done{{0, 5s}, {1, 5s}, {2, 5s}, {3, 5s}, {4, 5s}}));
}

TEST_F(ProcessorSharingTest, AJobWithoutWorkEndsAtOnce) {
  share(1);
  add_at(0s, 0, 10s);
  add_at(1s, 1, 0s);
  sim.run();
  EXPECT_EQ(done, (Done{{1, 1s}, {0, 10s}}));
}

TEST_F(ProcessorSharingTest, AJobAddedAtTheEndOfAnotherStartsAfresh) {
  share(1);
  add_at(1s, 0, 1s);
  then = [this](std::uint32_t job) {
    if (job < 3) sharing->add({job + 1, 0}, 1s);
  };
  sim.run();
  EXPECT_EQ(done, (Done{{0, 2s}, {1, 3s}, {2, 4s}, {3, 5s}}));
}

TEST_F(ProcessorSharingTest, ClearedJobsNeverEnd) {
  share(1);
  add_at(0s, 0, 10s);
  script.at(5s, [this] { sharing->clear(); });
  add_at(6s, 1, 10s);
  sim.run();
  EXPECT_EQ(done, (Done{{1, 16s}}));
}

TEST_F(ProcessorSharingTest, ClearingWhileJobsEndStopsTheOthersOfTheInstant) {
  share(1);
  for (std::uint32_t job = 0; job < 3; ++job) add_at(0s, job, 1s);
  then = [this](std::uint32_t) { sharing->clear(); };
  sim.run();
  EXPECT_EQ(done, (Done{{0, 3s}}));
  EXPECT_EQ(sharing->jobs(), 0);
}

TEST_F(ProcessorSharingTest, AnEndlessJobOnlySlowsTheOthers) {
  share(1);
  add_at(0s, 0, sim::forever);
  add_at(0s, 1, sim::forever);
  add_at(1s, 2, 1s);
  sim.run();
  EXPECT_EQ(done, (Done{{2, 4s}}));
}

// 30 days of one busy period: the last job ends when all work is done.
TEST_F(ProcessorSharingTest, ALongBusyPeriodConservesWork) {
  share(1);
  add_at(0s, 0, 720h);
  for (std::uint32_t job = 1; job <= 1000; ++job) add_at(job * 1min, job, 100'000'001ns);
  sim.run();
  EXPECT_EQ(done.size(), 1001u);
  const Duration all = 720h + 1000 * 100'000'001ns;
  EXPECT_NEAR(static_cast<double>((done.back().second - all).count()), 0, 1000);  // 1 ns a job
}

// One event for the next end; one that comes too early posts another. So at most two a job,
// whatever the number present.
TEST_F(ProcessorSharingTest, EventsAreFew) {
  share(4);
  sim::Stream chance{1};
  constexpr std::uint32_t jobs = 10'000;
  for (std::uint32_t job = 0; job < jobs; ++job) {
    add_at(job * 1ms, job,
           sim::from_seconds(0.008 * chance.uniform()));  // load 1: many are present
  }
  sim.run();
  EXPECT_EQ(done.size(), jobs);
  EXPECT_LE(sim.events_handled() - jobs, 2 * jobs + 1);
}

// The stupid one: goes from change to change and moves every job.
std::map<std::uint32_t, double> plain_sharing(std::vector<std::pair<double, double>> jobs,
                                              double c) {
  std::map<std::uint32_t, double> left, ends;
  double now = 0;
  for (std::size_t next = 0; next < jobs.size() || !left.empty();) {
    const double speed =
        std::min(1.0, c / static_cast<double>(std::max<std::size_t>(left.size(), 1)));
    double step = next < jobs.size() ? jobs[next].first - now : 1e300;
    for (const auto& [job, work] : left) step = std::min(step, work / speed);
    now += step;
    for (auto& [job, work] : left) work -= step * speed;
    std::erase_if(left, [&](const auto& job) {
      return job.second <= 1e-11 && (ends[job.first] = now, true);
    });
    while (next < jobs.size() && jobs[next].first <= now + 1e-12) {
      left[static_cast<std::uint32_t>(next)] = jobs[next].second;
      ++next;
    }
  }
  return ends;
}

TEST_F(ProcessorSharingTest, AgreesWithMovingEveryJobAtEveryChange) {
  share(3);
  sim::Stream chance{2};
  std::vector<std::pair<double, double>> jobs;
  double date = 0;
  for (std::uint32_t job = 0; job < 2000; ++job) {
    date += 0.4 * std::floor(1000 * chance.uniform()) * 1e-3;
    jobs.emplace_back(date, std::floor(1e6 * chance.uniform()) * 1e-6);
    add_at(sim::from_seconds(date), job, sim::from_seconds(jobs.back().second));
  }
  sim.run();
  const auto expected = plain_sharing(jobs, 3);
  ASSERT_EQ(done.size(), jobs.size());
  for (const auto& [job, end] : done) {
    ASSERT_NEAR(sim::seconds(end), expected.at(job), 1e-7) << job;
  }
}

}  // namespace
}  // namespace windtunnel
