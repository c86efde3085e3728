// The report, whatever the file holds.
#include "analysis/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "tests/analysis/samples.hpp"

namespace windtunnel::analysis {
namespace {

using namespace samples;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

Variant variant(std::uint32_t replications = 3) {
  Variant variant{"results/x.h5", {header(), {}}, {}};
  for (std::uint32_t i = 0; i < replications; ++i) {
    variant.results.records.push_back(record(i, 100s + i * 50s));
  }
  return variant;
}

// What stands in the page as data.
json data_of(const std::string& page) {
  const std::string begin = "id=\"data\">";
  const std::size_t at = page.find(begin) + begin.size();
  return json::parse(page.substr(at, page.find("</script>", at) - at));
}

constexpr const char* hostile = "</script><script>alert(1)</script><b onclick=\"x\">ä€\U0001D11E";

TEST(Report, NothingThatAFileHoldsBecomesMarkup) {
  auto with = variant();
  auto& header = with.results.header;
  header.set_experiment(hostile);
  header.set_question(hostile);
  header.add_components()->set_name(hostile);
  header.mutable_assumptions(0)->set_value(hostile);
  for (auto& record : with.results.records) {
    record.mutable_events(0)->set_text(hostile);
    record.mutable_events(0)->set_component("\xff\xfe no UTF-8");
  }
  with.file = hostile;
  const std::string page = report_html({with});
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("<b onclick")));
  EXPECT_EQ(data_of(page)["variants"][0]["verdict"]["question"], hostile);
  EXPECT_THAT(report_markdown({with}), Not(HasSubstr("<script>")));
  EXPECT_THAT(report_junit({with}), Not(HasSubstr("<script>")));
}

TEST(Report, HoldsTheNumbersOfTheVerdict) {
  const json of = data_of(report_html({variant()}))["variants"][0];
  EXPECT_EQ(of["verdict"]["measures"]["rto"]["mean"], 150.0);
  EXPECT_EQ(of["runs"].size(), 3u);
  EXPECT_EQ(of["runs"][2]["measures"]["rto"], 200.0);
  EXPECT_EQ(of["stories"]["worst"]["replication"], 3);
}

TEST(Report, VariantsStandSideBySideAndAreComparedWithTheFirst) {
  auto other = variant();
  for (auto& record : other.results.records) record.mutable_measures()->set_rto(1'000'000'000);
  const json all = data_of(report_html({variant(), other}))["variants"];
  EXPECT_TRUE(all[0]["changes"].is_null());
  EXPECT_EQ(all[1]["changes"][0]["name"], "rto");
  other.results.header.set_seed(2);
  EXPECT_TRUE(data_of(report_html({variant(), other}))["variants"][1]["changes"].is_null());
}

TEST(Report, AnExperimentWithoutReplicationsIsShownAsSuch) {
  const json of = data_of(report_html({variant(0)}))["variants"][0];
  EXPECT_EQ(of["verdict"]["replications"], 0);
  EXPECT_TRUE(of["runs"].empty());
  EXPECT_TRUE(of["windows"].is_null());
  EXPECT_THAT(report_markdown({variant(0)}), HasSubstr("0 of 3 replications"));
}

TEST(Report, AThousandComponentsWithSeriesStayUnderThreeMegabytes) {
  auto with = variant(2);
  auto& header = with.results.header;
  header.mutable_recording()->set_interval(10'000'000'000);
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "component-" + std::to_string(i);
    header.add_components()->set_name(name);
    for (auto& record : with.results.records) {
      auto& series = *record.add_series();
      series.set_component(name);
      series.set_metric("RequestCount");
      series.set_statistic("Sum");
      for (int t = 0; t < 360; ++t) series.add_values(static_cast<float>(t * i % 977) / 7);
    }
  }
  const std::string page = report_html({with});
  EXPECT_LT(page.size(), 3'000'000u);
  const json time = data_of(page)["variants"][0]["time"];
  EXPECT_GT(time["series"].size(), 100u);
  EXPECT_EQ(time["series"].size() + time["left_out"].get<std::size_t>(), 1000u);
}

TEST(Report, ABandIsTheTenthFiftiethAndNinetiethOfAHundredReplicationsAndSumsAreRates) {
  auto with = variant(10);
  with.results.header.mutable_recording()->set_interval(10'000'000'000);
  for (std::uint32_t i = 0; i < 10; ++i) {
    auto& series = *with.results.records[i].add_series();
    series.set_component("web");
    series.set_metric("RequestCount");
    series.set_statistic("Sum");
    series.add_values(static_cast<float>(10 * (i + 1)));
    series.add_values(0);
  }
  const json one = data_of(report_html({with}))["variants"][0]["time"]["series"][0];
  EXPECT_EQ(one["p10"][0], 1);
  EXPECT_EQ(one["p50"][0], 5);
  EXPECT_EQ(one["p90"][0], 9);
  EXPECT_EQ(one["unit"], "1/s");
}

TEST(Report, MarkdownIsATableOfTheObjectives) {
  const std::string text = report_markdown({variant()});
  EXPECT_THAT(text, HasSubstr("### az\\_loss\\_web"));
  EXPECT_THAT(text, HasSubstr("| rto | at most 5 min | 2 min 30 s"));
  EXPECT_THAT(text, HasSubstr("✅ holds"));
}

TEST(Report, JUnitHasATestCaseAnObjective) {
  auto with = variant();
  with.results.header.mutable_objectives(0)->set_limit(1);
  const std::string text = report_junit({with});
  EXPECT_THAT(text, HasSubstr("tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\""));
  EXPECT_THAT(text, HasSubstr("name=\"rto at most 1 s\""));
  EXPECT_THAT(text, HasSubstr("<failure message=\"2 min 30 s"));
}

TEST(Report, ThePageNeedsNothingElse) {
  const std::string page = report_html({variant()});
  EXPECT_FALSE(std::regex_search(page, std::regex("(src|href)=\"?(https?:)?//")));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_NE(report_has_pictures(), page.find("was built without npm") != std::string::npos);
}

}  // namespace
}  // namespace windtunnel::analysis
