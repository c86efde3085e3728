#include "analysis/measures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/analysis/samples.hpp"

namespace windtunnel::analysis {
namespace {

using namespace samples;
using ::testing::ElementsAre;

ReplicationRecord measure(const sim::RunLog& log, const ServiceLevel& level = service_level()) {
  ReplicationRecord record;
  record_run(log, level, record);
  return record;
}

sim::RunLog log_with_fault(const std::string& windows, Duration fault) {
  auto log = log_of(windows);
  log.note(date(fault), Milestone::fault, "us-east-1a", "loses power");
  return log;
}

std::vector<Duration> lengths(const google::protobuf::RepeatedPtrField<Part>& parts) {
  std::vector<Duration> result;
  for (const auto& part : parts) result.emplace_back(part.length());
  return result;
}

Duration sum(const google::protobuf::RepeatedPtrField<Part>& parts) {
  Duration total{0};
  for (const auto& part : parts) total += Duration(part.length());
  return total;
}

// ---- windows

TEST(Windows, OneIsGoodAtExactlyTheLevel) {
  auto log = log_of("+");
  log.windows[0].good = 99;
  EXPECT_TRUE(judged_windows(log, service_level()).front().good);
  log.windows[0].good = 98;
  EXPECT_FALSE(judged_windows(log, service_level()).front().good);
}

TEST(Windows, TheyLengthenUntilTheyHoldTheMinimum) {
  auto log = log_of("....");
  for (auto& window : log.windows) window = {.arrived = 10, .good = 10, .fast = 10, .undecided = 0};
  log.windows[2].good = 9;  // 19 of 20
  const auto windows = judged_windows(log, service_level());
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0].end, date(20s));
  EXPECT_TRUE(windows[0].good);
  EXPECT_EQ(windows[1].start, date(20s));
  EXPECT_EQ(windows[1].end, date(40s));
  EXPECT_FALSE(windows[1].good);
}

TEST(Windows, WithoutRequestsTheyAreNeitherGoodNorBad) {
  const auto windows = judged_windows(log_of("..+.."), service_level());
  ASSERT_EQ(windows.size(), 1u);
  EXPECT_EQ(windows[0].start, date(0s));
  EXPECT_EQ(windows[0].end, date(30s));
}

TEST(Windows, TheLastOneEndsAtTheHorizon) {
  auto log = log_of("++");
  log.horizon = date(15s);
  EXPECT_EQ(judged_windows(log, service_level()).back().end, date(15s));
}

TEST(Windows, WithALatencyBoundTheP99CountsToo) {
  auto level = service_level();
  level.set_success(0.5);
  level.set_p99(Duration(1s).count());
  auto log = log_of("+");
  log.windows[0] = {.arrived = 100, .good = 60, .fast = 99, .undecided = 0};
  EXPECT_TRUE(judged_windows(log, level).front().good);
  log.windows[0].fast = 98;
  EXPECT_FALSE(judged_windows(log, level).front().good);
}

TEST(Windows, TheWarmUpIsNoPartOfThem) {
  auto log = log_of("-+++");
  log.warm_up = date(10s);
  EXPECT_EQ(judged_windows(log, service_level()).front().start, date(10s));
}

// ---- RTO

TEST(Rto, IsFromTheFaultToTheStartOfTheSustainedRun) {
  // fault 15 s; 10-20 s is bad, 30-40 s is good but alone, from 50 s on 3 x 10 s are good.
  const auto record = measure(log_with_fault("+--+-+++", 15s));
  EXPECT_EQ(Duration(record.measures().rto()), 35s);
  EXPECT_EQ(Duration(record.measures().breach()), 15s);
  EXPECT_EQ(Duration(record.measures().recovered()), 50s);
}

TEST(Rto, WithoutABreachIsZeroAndSoAreItsParts) {
  auto log = log_with_fault("++++", 15s);
  log.note(date(20s), Milestone::detection, "alb", "marks a target unhealthy");
  const auto record = measure(log);
  EXPECT_TRUE(record.measures().has_rto());
  EXPECT_EQ(record.measures().rto(), 0);
  EXPECT_EQ(sum(record.rto_parts()), 0s);
  EXPECT_FALSE(record.measures().has_breach());
}

TEST(Rto, IsNoneWithoutAFault) {
  const auto record = measure(log_of("+--+++"));
  EXPECT_FALSE(record.measures().has_rto());
  EXPECT_FALSE(record.measures().rto_censored());
}

TEST(Rto, IsCensoredIfTheHorizonCutsTheGoodRun) {
  const auto record = measure(log_with_fault("+-++", 10s));  // 20 s good, 30 s are asked for
  EXPECT_FALSE(record.measures().has_rto());
  EXPECT_TRUE(record.measures().rto_censored());
  EXPECT_EQ(Duration(record.measures().rto_at_least()), 10s);
  EXPECT_EQ(Duration(record.measures().time_out_of_service()), 30s);
  EXPECT_TRUE(record.rto_parts().empty());
}

TEST(Rto, IsNotCensoredIfTheGoodRunEndsWithTheHorizon) {
  EXPECT_EQ(Duration(measure(log_with_fault("+-+++", 10s)).measures().rto()), 10s);
}

TEST(Rto, DoesNotCountWhatWasBadBeforeTheFault) {
  EXPECT_EQ(measure(log_with_fault("-++++++", 20s)).measures().rto(), 0);
}

TEST(Rto, CountsFromAFaultAtTheVeryStart) {
  EXPECT_EQ(Duration(measure(log_with_fault("--+++", 0s)).measures().rto()), 20s);
}

TEST(Rto, CountsFromTheFirstOfSeveralFaults) {
  auto log = log_with_fault("+--+++", 10s);
  log.note(date(20s), Milestone::fault, "us-east-1b", "loses power");
  EXPECT_EQ(Duration(measure(log).measures().rto()), 20s);
}

TEST(Rto, LaterBreachesAreListedAndAddToTheTimeOutOfService) {
  const auto record = measure(log_with_fault("+-+++--+++-", 10s));
  EXPECT_EQ(Duration(record.measures().rto()), 10s);
  ASSERT_EQ(record.outages_size(), 3);
  EXPECT_EQ(Duration(record.outages(1).start()), 50s);
  EXPECT_EQ(Duration(record.outages(1).end()), 70s);
  EXPECT_FALSE(record.outages(2).has_end());
  EXPECT_EQ(Duration(record.measures().time_out_of_service()), 10s + 20s + 10s);
}

TEST(RtoParts, AreTheDifferencesOfItsMilestones) {
  auto log = log_with_fault("+-----+++", 10s);
  log.first_failed = date(10s + 1ns);
  log.note(date(20s), Milestone::detection, "alb", "marks a target unhealthy");
  log.note(date(25s), Milestone::detection, "www", "marks an address unhealthy");
  log.note(date(27s), Milestone::action_started, "asg", "launches an instance");
  log.note(date(45s), Milestone::action_finished, "asg", "puts it in service");
  log.note(date(49s), Milestone::caches_expired, "users", "have the other address");
  log.note(date(52s), Milestone::clients_moved, "users", "reach the other address");
  log.note(date(70s), Milestone::detection, "alb", "marks a target healthy again");  // too late
  const auto record = measure(log);
  EXPECT_EQ(Duration(record.measures().rto()), 50s);
  EXPECT_THAT(lengths(record.rto_parts()), ElementsAre(1ns, 10s - 1ns, 5s, 2s, 18s, 4s, 3s, 8s));
  EXPECT_EQ(sum(record.rto_parts()), 50s);
  EXPECT_EQ(record.milestones_size(), 9);
}

TEST(RtoParts, OfMissingAndEarlyMilestonesAreZero) {
  auto log = log_with_fault("+-----+++", 10s);
  log.note(date(12s), Milestone::action_started, "db", "promotes a reader");  // before the detector
  log.note(date(30s), Milestone::detection, "alb", "marks a target unhealthy");
  log.note(date(20s), Milestone::action_finished, "db", "has a new writer");
  const auto record = measure(log);
  EXPECT_THAT(lengths(record.rto_parts()), ElementsAre(0s, 20s, 0s, 0s, 0s, 0s, 0s, 30s));
  EXPECT_EQ(sum(record.rto_parts()), Duration(record.measures().rto()));
}

TEST(RtoParts, SumToItWhateverHappened) {
  std::uint64_t state = 1;
  const auto draw = [&](std::uint64_t below) {  // Knuth's MMIX generator
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
  };
  int recovered = 0;
  for (int run = 0; run < 2000; ++run) {
    std::string windows(30, '+');
    for (char& window : windows) window = "+++-."[draw(5)];
    auto log = log_with_fault(windows, Duration(draw(100'000'000'000)));
    if (draw(2) == 0) log.first_failed = log.first_fault + Duration(draw(50'000'000'000));
    for (std::uint64_t i = draw(12); i > 0; --i) {
      log.note(date(Duration(draw(300'000'000'000))), static_cast<Milestone>(draw(9)), "c", "t");
    }
    const auto record = measure(log);
    if (!record.measures().has_rto()) continue;
    recovered += record.measures().rto() > 0;
    ASSERT_EQ(sum(record.rto_parts()), Duration(record.measures().rto())) << windows;
    for (const auto& part : record.rto_parts()) ASSERT_GE(part.length(), 0);
  }
  EXPECT_GT(recovered, 500);
}

// ---- RPO

sim::WriteOutcome store(std::uint64_t lost) {
  sim::WriteOutcome outcome;
  outcome.component = "db";
  outcome.acknowledged = 1000;
  outcome.lost = lost;
  outcome.unknown = 3;
  return outcome;
}

TEST(Rpo, IsZeroIfNoAcknowledgedWriteIsLost) {
  auto log = log_with_fault("++++", 10s);
  log.writes.push_back(store(0));
  const auto measures = measure(log).measures();
  EXPECT_TRUE(measures.has_rpo());
  EXPECT_EQ(measures.rpo(), 0);
  EXPECT_EQ(measures.writes_unknown(), 3u);  // unknown is not lost
}

TEST(Rpo, IsTheAgeOfTheOldestLostWriteAtTheFault) {
  auto log = log_with_fault("++++", 20s);
  log.writes.push_back(store(2));
  log.writes.back().oldest_lost = date(17500ms);
  log.writes.back().last_acknowledged = date(19s);
  const auto measures = measure(log).measures();
  EXPECT_EQ(Duration(measures.rpo()), 2500ms);
  EXPECT_EQ(measures.writes_lost(), 2u);
}

TEST(Rpo, CountsToTheLastAcknowledgementIfThatCameAfterTheFault) {
  auto log = log_with_fault("++++", 20s);
  log.writes.push_back(store(2));
  log.writes.back().oldest_lost = date(17s);
  log.writes.back().last_acknowledged = date(21s);  // a partition: it went on for a second
  EXPECT_EQ(Duration(measure(log).measures().rpo()), 4s);
}

TEST(Rpo, IsCensoredIfAStoreHasNotRecovered) {
  auto log = log_with_fault("++++", 20s);
  log.writes.push_back(store(0));
  log.writes.push_back(store(0));
  log.writes.back().recovered = false;
  const auto measures = measure(log).measures();
  EXPECT_FALSE(measures.has_rpo());
  EXPECT_TRUE(measures.rpo_censored());
}

TEST(Rpo, IsTheWorstOfSeveralStores) {
  auto log = log_with_fault("++++", 20s);
  for (const Duration oldest : {18s, 12s, 15s}) {
    log.writes.push_back(store(1));
    log.writes.back().oldest_lost = date(oldest);
  }
  const auto measures = measure(log).measures();
  EXPECT_EQ(Duration(measures.rpo()), 8s);
  EXPECT_EQ(measures.writes_acknowledged(), 3000u);
}

// ---- availability

TEST(Availability, CountsDecidedRequestsAfterTheWarmUpOnly) {
  sim::RunLog log;
  log.configure(10s, sim::forever, date(10s), date(40s));
  log.request_ended(date(9s), date(11s), false, 1s, date(10s));   // in the warm-up
  log.request_ended(date(12s), date(14s), true, 1s, date(13s));   // good
  log.request_ended(date(12s), date(14s), false, 2s, date(14s));  // failed
  log.request_ended(date(39s), date(41s), true, 500ms,
                    date(39500ms));  // deadline beyond the horizon
  log.request_open(date(39s));
  const auto measures = measure(log).measures();
  EXPECT_EQ(measures.requests_decided(), 2u);
  EXPECT_EQ(measures.requests_undecided(), 2u);
  EXPECT_EQ(measures.availability(), 0.5);
}

TEST(Availability, IsNoneWithoutRequests) {
  EXPECT_FALSE(measure(log_of("...")).measures().has_availability());
}

// ---- replacement lag

sim::LagSpell spell(const char* kind, Duration start, std::optional<Duration> end) {
  sim::LagSpell spell;
  spell.component = "web-asg";
  spell.kind = kind;
  spell.start = date(start);
  if (end) {
    spell.end = date(*end);
    spell.parts = {{"health check", *end - start - 1s}, {"launch", 1s}};
  }
  return spell;
}

// ---- users hit

TEST(UsersHit, IsTheLargestShareAtOnceAndTheMeanTimeOfAUserFromTheFaultOn) {
  auto log = log_of("++++++");
  log.users_hit.join(3);  // of two clients
  log.users_hit.join(1);
  const auto hit = [&](Duration at, int change) { log.users_hit.add(date(at), change); };
  for (int i = 0; i < 4; ++i) hit(2s, +1);  // before the fault, so it does not count
  for (int i = 0; i < 3; ++i) hit(4s, -1);
  log.note(date(10s), Milestone::fault, "us-east-1a", "loses power");
  hit(12s, +1);
  hit(20s, -1);
  hit(30s, -1);
  hit(50s, +1);  // to the end, at 60 s
  const auto measures = measure(log).measures();
  EXPECT_EQ(measures.users(), 4u);
  EXPECT_EQ(measures.users_hit(), 0.5);
  // One is hit from 10 to 30 s, one from 12 to 20 s, one from 50 to 60 s.
  EXPECT_EQ(Duration(measures.user_time_hit()), (20s + 8s + 10s) / 4.0);
}

TEST(UsersHit, IsNoneWithoutAFaultAndWithoutUsers) {
  EXPECT_FALSE(measure(log_of("++-")).measures().has_users_hit());
  EXPECT_FALSE(measure(log_with_fault("++-", 5s)).measures().has_users_hit());
}

TEST(ReplacementLag, IsTheLongestSpellWithItsParts) {
  auto log = log_of("++++++");
  log.spells = {spell("replacement", 5s, 10s), spell("replacement", 20s, 35s),
                spell("scaling", 0s, 50s)};
  const auto record = measure(log);
  EXPECT_EQ(Duration(record.measures().replacement_lag()), 15s);
  EXPECT_THAT(lengths(record.replacement_lag_parts()), ElementsAre(14s, 1s));
  EXPECT_EQ(record.spells_size(), 3);
}

TEST(ReplacementLag, IsNoneWithoutASpell) {
  const auto measures = measure(log_of("++")).measures();
  EXPECT_FALSE(measures.has_replacement_lag());
  EXPECT_FALSE(measures.replacement_lag_censored());
}

TEST(ScalingLag, IsTheLongestSpellOfItsKindWithItsParts) {
  auto log = log_of("++++++");
  log.spells = {spell("scaling", 5s, 10s), spell("scaling", 20s, 35s),
                spell("replacement", 0s, 50s)};
  const auto record = measure(log);
  EXPECT_EQ(Duration(record.measures().scaling_lag()), 15s);
  EXPECT_THAT(lengths(record.scaling_lag_parts()), ElementsAre(14s, 1s));
}

TEST(ScalingLag, IsNoneWithoutASpellAndCensoredWhileOneIsOpen) {
  auto log = log_of("++++++");
  EXPECT_FALSE(measure(log).measures().has_scaling_lag());
  log.spells = {spell("scaling", 20s, std::nullopt)};
  const auto measures = measure(log).measures();
  EXPECT_FALSE(measures.has_scaling_lag());
  EXPECT_TRUE(measures.scaling_lag_censored());
  EXPECT_EQ(Duration(measures.scaling_lag_at_least()), 40s);
}

TEST(ReplacementLag, IsCensoredWhileASpellIsOpen) {
  auto log = log_of("++++++");
  log.spells = {spell("replacement", 5s, 50s), spell("replacement", 20s, std::nullopt)};
  const auto measures = measure(log).measures();
  EXPECT_FALSE(measures.has_replacement_lag());
  EXPECT_TRUE(measures.replacement_lag_censored());
  EXPECT_EQ(Duration(measures.replacement_lag_at_least()), 45s);
}

}  // namespace
}  // namespace windtunnel::analysis
