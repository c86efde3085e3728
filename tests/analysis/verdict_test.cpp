#include "analysis/verdict.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "analysis/text.hpp"
#include "tests/analysis/samples.hpp"

namespace windtunnel::analysis {
namespace {

using namespace samples;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

Results results() {
  Results results{header(), {record(0, 130s), record(1, 134s), record(2, 138s)}};
  return results;
}

void censor(ReplicationRecord& record) {
  record.mutable_measures()->clear_rto();
  record.mutable_measures()->clear_recovered();
  record.mutable_measures()->set_rto_censored(true);
  record.mutable_measures()->set_rto_at_least(Duration(50min).count());
}

std::string text_of(const Results& results) {
  return verdict_text(results, summarise(results.header, results.records),
                      {.results_path = "results/az_loss_web.h5", .wall_seconds = 15});
}

nlohmann::json json_of(const Results& results) {
  return verdict_json(results, summarise(results.header, results.records),
                      {.results_path = "results/az_loss_web.h5", .wall_seconds = 15});
}

std::string line_of(const std::string& text, const std::string& start) {
  const auto from = text.find("\n" + start);
  if (from == std::string::npos) return {};
  return text.substr(from + 1, text.find('\n', from + 1) - from - 1);
}

TEST(Text, NumbersReadLikeSpeech) {
  EXPECT_EQ(duration_text(0), "0 s");
  EXPECT_EQ(duration_text(0.34), "340 ms");
  EXPECT_EQ(duration_text(2.14), "2.1 s");
  EXPECT_EQ(duration_text(9.97), "10 s");
  EXPECT_EQ(duration_text(59.6), "1 min");
  EXPECT_EQ(duration_text(134), "2 min 14 s");
  EXPECT_EQ(duration_text(3600), "1 h");
  EXPECT_EQ(duration_text(90061), "1 d 1 h");
  EXPECT_EQ(clock_text(126), "2:06");
  EXPECT_EQ(clock_text(3726), "1:02:06");
  EXPECT_EQ(date_text(600'190'000'000), "10:00.1");
  EXPECT_EQ(share_text(0.9971), "99.71 %");
  EXPECT_EQ(share_text(1), "100 %");
  EXPECT_EQ(share_text(0.999999), "99.9999 %");
  EXPECT_EQ(count_text(288000), "288,000");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(short_count_text(28'800'000), "28.8 M");
}

TEST(VerdictText, SaysWhatWasMeasuredAndWhatWasClaimed) {
  const std::string text = text_of(results());
  EXPECT_THAT(text,
              HasSubstr("az_loss_web    seed 1    3 replications    4.32 M requests in 15 s"));
  EXPECT_THAT(line_of(text, "fault"), HasSubstr("10:00  us-east-1a loses power for 30 min"));
  // 130, 134, 138 s: s = 4, half width 4.303 x 4 / sqrt(3) = 9.94.
  EXPECT_THAT(line_of(text, "RTO"), HasSubstr("2 min 14 s"));
  EXPECT_THAT(line_of(text, "RTO"), HasSubstr("[2:04, 2:24]"));
  EXPECT_THAT(line_of(text, "RTO"), HasSubstr("p95 2:18"));
  EXPECT_THAT(line_of(text, "RTO"),
              HasSubstr("detect 57 s | decide 19 s | act 19 s | clients 38 s"));
  EXPECT_THAT(line_of(text, "RTO"), HasSubstr("objective 5 min"));
  EXPECT_THAT(line_of(text, "RTO"), HasSubstr("holds"));
  EXPECT_THAT(line_of(text, "RPO"), HasSubstr("0 of 43,200 acknowledged writes lost, 6 unknown"));
  EXPECT_THAT(line_of(text, "availability"), HasSubstr("99.71 %"));
  EXPECT_THAT(line_of(text, "users hit"), HasSubstr("66.00 %"));
  EXPECT_THAT(line_of(text, "users hit"),
              HasSubstr("at the worst; a user for 20 s, 100 user-minutes"));
  EXPECT_THAT(line_of(text, "median replication (seed 1/2)"), HasSubstr("12:14.0 recovered"));
  EXPECT_THAT(line_of(text, "worst replication (seed 1/3)"), HasSubstr("12:18.0 recovered"));
  EXPECT_THAT(
      line_of(text, "assumptions"),
      HasSubstr("1 value at AWS defaults, 1 of them unsourced: web-alb.elb_dns_removal 30s"));
  EXPECT_THAT(line_of(text, "results"), HasSubstr("results/az_loss_web.h5"));
}

TEST(VerdictText, SaysHowManyDidNotRecover) {
  auto censored = results();
  censor(censored.records[0]);
  const std::string text = text_of(censored);
  EXPECT_THAT(line_of(text, "RTO"), HasSubstr("1 of 3 not recovered within 1 h"));
  EXPECT_THAT(line_of(text, "RTO"), HasSubstr("66.7 % within it [9, 99] undecided"));
  EXPECT_THAT(line_of(text, "worst replication (seed 1/1)"),
              HasSubstr("not recovered by the horizon"));
}

TEST(VerdictText, SaysNoneWhereThereIsNone) {
  auto calm = results();
  for (auto& record : calm.records) {
    record.mutable_measures()->clear_fault();
    record.mutable_measures()->clear_rto();
    record.clear_events();
  }
  const std::string text = text_of(calm);
  EXPECT_THAT(line_of(text, "RTO"), HasSubstr("none, there was no fault"));
  EXPECT_THAT(line_of(text, "RTO"), HasSubstr("undecided (nothing was measured)"));
  EXPECT_THAT(text, Not(HasSubstr("median")));
}

TEST(VerdictText, SaysHowManyReplicationsAQuantileNeeds) {
  auto quantile = results();
  quantile.header.mutable_objectives(0)->set_statistic("p95");
  EXPECT_THAT(line_of(text_of(quantile), "RTO"), HasSubstr("needs 72 replications or more"));
}

TEST(Story, TellsEqualEventsOnceAndCountsTheRest) {
  ReplicationRecord told;
  told.mutable_measures()->set_fault(Duration(60s).count());
  told.mutable_measures()->set_recovered(Duration(120s).count());
  const auto happens = [&](Duration at, const char* milestone, const std::string& text) {
    auto& event = *told.add_events();
    event.set_at(at.count());
    event.set_milestone(milestone);
    event.set_component("web");
    event.set_text(text);
  };
  happens(30s, "none", "serves");  // before the fault
  happens(60s, "fault", "loses power");
  happens(65s, "detection", "misses a check");
  happens(65500ms, "detection", "misses a check");
  happens(67s, "detection", "misses a check");
  happens(70s, "detection", "target web-1 is unhealthy");
  happens(75s, "detection", "target web-2 is unhealthy");
  EXPECT_EQ(
      story_text(told, 12),
      "1:00.0 web loses power | 1:05.0 web misses a check (3 times) | 1:10.0 web: 2 targets are "
      "unhealthy | 2:00.0 recovered");
  for (int i = 0; i < 20; ++i) happens(70s + 2s * i, "none", "boots");
  EXPECT_THAT(story_text(told, 4), Not(HasSubstr("boots")));
  EXPECT_THAT(story_text(told, 4), HasSubstr("2:00.0 recovered (and 1 more events)"));
  for (int i = 0; i < 20; ++i) happens(112s, "detection", std::string(i + 1u, 'x') + " is lost");
  EXPECT_THAT(story_text(told, 12),
              HasSubstr("xx is lost | 2:00.0 recovered (and 13 more events)"));
}

TEST(Story, ThingsOfOneKindAreCountedWhereTheSentenceAllowsIt) {
  ReplicationRecord told;
  told.mutable_measures()->set_fault(0);
  const auto happens = [&](const std::string& text) {
    auto& event = *told.add_events();
    event.set_at(Duration(5s).count());
    event.set_milestone("none");
    event.set_component("db");
    event.set_text(text);
  };
  happens("DB instance db-1 is not reachable");
  happens("DB instance db-2 is not reachable");
  happens("db-3 (us-east-1a) restarted");
  happens("db-4 (us-east-1b) restarted");
  EXPECT_EQ(
      story_text(told, 12),
      "0:05.0 db: 2 DB instances are not reachable | 0:05.0 db db-3 (us-east-1a) restarted (and 1 "
      "more like it)");
}

TEST(VerdictJson, HasTheKeysThatProgramsRead) {
  const auto json = json_of(results());
  EXPECT_EQ(json["experiment"], "az_loss_web");
  EXPECT_EQ(json["seed"], 1);
  EXPECT_EQ(json["replications"], 3);
  EXPECT_EQ(json["horizon"], 3600.0);
  EXPECT_EQ(json["fingerprints"][0], "f000000000000001");
  EXPECT_EQ(json["fingerprints"].size(), 3u);
  const auto& rto = json["measures"]["rto"];
  EXPECT_EQ(rto["mean"], 134.0);
  EXPECT_NEAR(rto["ci95"][0].get<double>(), 134 - 9.94, 0.01);
  EXPECT_EQ(rto["p50"], 134.0);
  EXPECT_EQ(rto["p95"], 138.0);
  EXPECT_EQ(rto["worst"], 138.0);
  EXPECT_EQ(rto["censored"], 0);
  EXPECT_EQ(rto["n"], 3);
  EXPECT_EQ(rto["parts"].size(), 7u);
  EXPECT_EQ(rto["parts"][0]["name"], "first_failed_request");
  EXPECT_EQ(json["measures"]["availability"]["undecided_requests"], 3000);
  EXPECT_EQ(json["objectives"][0]["verdict"], "holds");
  EXPECT_EQ(json["objectives"][0]["limit"], 300.0);
  EXPECT_EQ(json["components"]["web-alb"]["RequestCount"], 1e6 + 1);
  EXPECT_EQ(json["components"]["web-alb"]["ActiveConnectionCount"]["max"], 80.0);
  EXPECT_EQ(json["assumptions"][0]["path"], "web-alb.elb_dns_removal");
  EXPECT_EQ(json["results"], "results/az_loss_web.h5");
}

TEST(VerdictJson, SaysNullWhereNothingIsKnown) {
  auto one = results();
  one.records.resize(1);
  censor(one.records[0]);
  one.header.mutable_objectives(0)->set_statistic("p95");
  const auto json = json_of(one);
  EXPECT_TRUE(json["measures"]["rto"]["mean"].is_null());
  EXPECT_TRUE(json["measures"]["rto"]["ci95"].is_null());
  EXPECT_TRUE(json["measures"]["rto"]["values"][0].is_null());
  EXPECT_EQ(json["measures"]["rto"]["censored"], 1);
  EXPECT_TRUE(json["measures"]["replacement_lag"]["mean"].is_null());
  EXPECT_TRUE(json["objectives"][0]["ci95"][1].is_null());
}

TEST(Show, ListsEventsAndAssumptions) {
  EXPECT_EQ(events_text(record(0)),
            "   10:00.0  fault            us-east-1a loses power for 30 min\n");
  EXPECT_THAT(assumptions_text(header()), MatchesRegex("web-alb.elb_dns_removal +30s +default   "
                                                       "until the address is gone .UNSOURCED.\n"));
}

TEST(VerdictText, SaysWhoWasThrottledByWhomAndWhy) {
  Results throttled = results();
  EXPECT_EQ(line_of(text_of(throttled), "throttl"), "");
  for (const auto& [caller, reason] : {std::pair{"", ""}, {"users", ""}, {"users", "Burst"}}) {
    auto& row = *throttled.records[0].add_throttling();
    row.set_component("api");
    row.set_offers("requests");
    row.set_caller(caller);
    row.set_reason(reason);
    row.set_offered(4000);
    row.set_refused(1000);
    row.set_longest_spell(Duration(90s).count());
  }
  EXPECT_EQ(line_of(text_of(throttled), "throttling"),
            "throttling    api: 1,000 of 4,000 requests refused, longest spell 1 min 30 s; 25.00 % "
            "of users: Burst");
  EXPECT_EQ(json_of(throttled)["throttling"][2]["share"], 0.25);
}

}  // namespace
}  // namespace windtunnel::analysis
