// Series of counts and rates: CSV in all its dresses, CloudWatch, Azure Functions, k6.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/traces/reading.hpp"

namespace windtunnel::traces {
namespace {

using namespace std::chrono_literals;
using test::format_of;
using test::rows_of;
using test::wrong_with;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<double> counts_of(const std::string& text, const Options& options = {}) {
  std::vector<double> counts;
  for (const auto& row : rows_of(text, options)) counts.push_back(row.row.count);
  return counts;
}

TEST(RateCsv, HasAnyDelimiterDateAndHeaderOrNone) {
  for (const char* text : {"timestamp,value\n2014-04-10 00:04:00,94.0\n2014-04-10 00:09:00,56\n",
                           "2014-04-10 00:04:00,94\n2014-04-10 00:09:00,56\n",
                           "time;requests\n10.04.2014 00:04;94,0\n10.04.2014 00:09;56,0\n",
                           "count\tdate\n94\t10/Apr/2014:00:04:00\n56\t10/Apr/2014:00:09:00\n",
                           "\"Date\", \"Count\"\n\"4/10/2014 12:04:00 AM\", \"94\"\n\"4/10/2014 "
                           "12:09:00 AM\",\"56\"\n",
                           "1397088240,94\n1397088540,56\n", "1397088240 94\n1397088540 56\n",
                           "epoch,host,requests\n1397088240000,a,94\n1397088540000,b,56\n",
                           "day|hits|extra\n2014-04-10T00:04Z|94|1\n2014-04-10T00:09Z|56|1\n"}) {
    const auto rows = rows_of(text);
    ASSERT_EQ(rows.size(), 2u) << text;
    EXPECT_EQ(format_of(text), "rate_csv");
    EXPECT_EQ(rows[0].at(), "2014-04-10 00:04:00") << text;
    EXPECT_EQ(rows[1].at(), "2014-04-10 00:09:00") << text;
    EXPECT_EQ(rows[0].row.count, 94) << text;
    EXPECT_EQ(rows[1].row.count, 56) << text;
    EXPECT_FALSE(rows[0].row.is_rate);
  }
}

TEST(RateCsv, NumbersCountInTheUnitThatTheColumnNames) {
  EXPECT_EQ(rows_of("minute,count\n0,5\n1,7\n")[1].at(), "1970-01-01 00:01:00");
  EXPECT_EQ(rows_of("elapsed_ms,count\n0,5\n500,7\n").size(), 2u);
  EXPECT_EQ(rows_of("time_ms,count\n0,5\n500,7\n")[1].at(), "1970-01-01 00:00:00.5");
}

TEST(RateCsv, RatesAreToldByTheColumnsNameOrTheUser) {
  const auto first = [](const std::string& text, const Options& options = {}) {
    return rows_of(text, options)[0].row;
  };
  EXPECT_TRUE(first("time,rps\n2014-04-10 00:04,3\n").is_rate);
  EXPECT_EQ(first("time,requests_per_minute\n2014-04-10 00:04,120\n").count, 2);
  EXPECT_TRUE(first("time,value\n2014-04-10 00:04,3\n", {.values = Values::per_second}).is_rate);
  EXPECT_FALSE(first("time,rate\n2014-04-10 00:04,3\n", {.values = Values::counts}).is_rate);
}

TEST(RateCsv, AColumnIsChosenByItsNameOrByTheUser) {
  const std::string text =
      "time,errors,requests,latency\n2014-04-10 00:04,1,50,0.2\n2014-04-10 00:09,0,60,0.3\n";
  EXPECT_THAT(counts_of(text), ElementsAre(50, 60));
  EXPECT_THAT(counts_of(text, {.series = "errors"}), ElementsAre(1, 0));
  EXPECT_THAT(counts_of(text, {.series = "4"}), ElementsAre(0.2, 0.3));
  EXPECT_EQ(
      wrong_with(text, {.series = "hits"}),
      "2:1: there is no column 'hits' of numbers; there are: 'errors', 'requests', 'latency'");
  EXPECT_EQ(wrong_with("time,a,b\n2014-04-10 00:04,1,50\n"),
            "2:1: several columns have numbers: 'a', 'b'; say which one by `series`");
}

TEST(RateCsv, ValuesThatAreNotThereLeaveAGap) {
  EXPECT_THAT(counts_of("time,count\n2014-04-10 00:04,1\n2014-04-10 00:09,\n2014-04-10 "
                        "00:14,NaN\n2014-04-10 00:19,4\n"),
              ElementsAre(1, 4));
}

TEST(RateCsv, WhatIsWrongIsToldWithItsPlace) {
  const std::string good = "time,count\n2014-04-10 00:04,1\n";
  EXPECT_EQ(wrong_with(good + "soon,2\n"), "3:1: 'soon' is not a date");
  EXPECT_EQ(wrong_with(good + "2014-04-10 00:09\n"), "3:17: a count is missing after the date");
  EXPECT_EQ(wrong_with(good + "2014-04-10 00:09,many\n"), "3:18: 'many' is not a count");
  EXPECT_EQ(wrong_with(good + "2014-04-10 00:09,-2\n"),
            "3:18: count -2 is not within 0 and 1000000000000");
  EXPECT_EQ(wrong_with("date,count\n12/4/2014 00:04,1\n13/4/2014 00:04,1\n"),
            "3:1: '13/4/2014 00:04' is not a date; the day stands first? say so by `dates`");
}

TEST(RateCsv, CloudWatchsExportBeginsWithLinesOfLabels) {
  EXPECT_THAT(counts_of("Id,m1\nLabel,RequestCount\nStatistic,Sum\n,\n2021/03/10 00:00:00,120\n"
                        "2021/03/10 00:05:00,80\n"),
              ElementsAre(120, 80));
}

const std::string metric_data = R"({
  "MetricDataResults": [
    {"Id": "cpu", "Label": "CPUUtilization", "Timestamps": ["2021-03-10T00:05:00+00:00"],
     "Values": [17.5], "StatusCode": "Complete"},
    {"Id": "r", "Label": "RequestCount",
     "Timestamps": ["2021-03-10T00:10:00+00:00", "2021-03-10T00:05:00+00:00", "2021-03-10T00:00:00+00:00"],
     "Values": [30.0, 20.0, 10], "StatusCode": "PartialData"}],
  "Messages": [], "NextToken": "x"})";

TEST(CloudWatchJson, AnswersOfGetMetricDataAreSortedAndPagesAppended) {
  EXPECT_EQ(format_of(metric_data), "cloudwatch_json");
  const auto rows = rows_of(metric_data);
  EXPECT_THAT(counts_of(metric_data), ElementsAre(10, 20, 30));
  EXPECT_EQ(rows[0].at(), "2021-03-10 00:00:00");
  const std::string page =
      R"({"MetricDataResults": [{"Id": "r", "Values": [5], "Timestamps": [1615335300]}]})";
  EXPECT_THAT(counts_of(metric_data + "\n" + page), ElementsAre(10, 20, 30, 5));
}

TEST(CloudWatchJson, OneOfSeveralMetricsIsChosenByIdOrLabel) {
  EXPECT_THAT(counts_of(metric_data, {.series = "cpu"}), ElementsAre(17.5));
  EXPECT_THAT(counts_of(metric_data, {.series = "CPUUtilization"}), ElementsAre(17.5));
  EXPECT_THAT(wrong_with(metric_data, {.series = "x"}), HasSubstr("there are: 'cpu', 'r'"));
}

TEST(CloudWatchJson, GetMetricStatisticsComesInAnyOrder) {
  const std::string text = R"({"Label": "RequestCount", "Datapoints": [
    {"Timestamp": "2021-03-10T00:05:00Z", "Sum": 20.0, "Average": 1.0, "Unit": "Count"},
    {"Timestamp": "2021-03-10T00:00:00Z", "Sum": 10.0, "Average": 1.5, "Unit": "Count"}]})";
  EXPECT_THAT(counts_of(text), ElementsAre(10, 20));
  EXPECT_THAT(counts_of(text, {.series = "Average"}), ElementsAre(1.5, 1));
}

TEST(CloudWatchJson, WhatIsWrongIsTold) {
  EXPECT_THAT(wrong_with(R"({"MetricDataResults": []})"), HasSubstr("holds no data points"));
  EXPECT_THAT(
      wrong_with(R"({"MetricDataResults": [{"Id": "a", "Timestamps": [1], "Values": []}]})"),
      HasSubstr("metric 'a' has 1 timestamps and 0 values"));
  EXPECT_THAT(wrong_with("{\"Datapoints\": [\n{\"Timestamp\": \"soon\", \"Sum\": 1}]}"),
              HasSubstr("2:20: 'soon' is not a date"));
}

TEST(AzureFunctions, InvocationsAMinuteAddUpOrAreOnesOwn) {
  const std::string text =
      "HashOwner,HashApp,HashFunction,Trigger,1,2,3\no,a,f,queue,0,5,1\no,a,g,timer,2,0,1\n";
  EXPECT_THAT(counts_of(text), ElementsAre(2, 5, 2));
  EXPECT_THAT(counts_of(text, {.series = "g"}), ElementsAre(2, 0, 1));
  EXPECT_THAT(counts_of(text, {.series = "queue"}), ElementsAre(0, 5, 1));
  EXPECT_EQ(rows_of(text)[1].row.width, 1min);
  EXPECT_EQ(wrong_with(text + "o,a,h,timer,2\n"), "4:14: the row has 5 fields, the header 7");
  EXPECT_EQ(wrong_with(text + "o,a,h,timer,2,x,1\n"), "4:15: 'x' is not a number of invocations");
}

TEST(AzureFunctions, DurationsHaveNoDates) {
  const auto opened = open_trace(open_bytes(
      "HashOwner,HashApp,HashFunction,Average,Count,Minimum,Maximum\no,a,f,100.5,57,99,101\n"));
  EXPECT_EQ(opened.reader->kind, Kind::durations);
  Row row;
  ASSERT_TRUE(opened.reader->next(row));
  EXPECT_EQ(row.count, 57);
  EXPECT_EQ(row.service, 100'500us);
}

TEST(AzureFunctions, AnInvocationOf2021CameItsDurationBeforeItsEnd) {
  const auto rows = rows_of("app,func,end_timestamp,duration\na,f,10.5,9.0\na,g,0.25,0.5\n");
  EXPECT_EQ(rows[0].at(), "1970-01-01 00:00:01.5");
  EXPECT_EQ(rows[0].row.service, 9s);
  EXPECT_EQ(rows[0].path, "f");
  EXPECT_EQ(rows[1].at(), "1969-12-31 23:59:59.75");
}

TEST(K6, ASummaryIsTheRequestsOfAWholeTest) {
  const auto rows = rows_of(
      R"({"state": {"testRunDurationMs": 24425.5}, "metrics": {"http_reqs": {"type": "counter",
         "values": {"count": 878, "rate": 35.9}}}})");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].row.count, 878);
  EXPECT_EQ(rows[0].row.width, 24425500us);
  EXPECT_EQ(rows_of(R"({"metrics": {"http_reqs": {"count": 100, "rate": 4}}})")[0].row.width, 25s);
}

TEST(K6, APointOfDurationIsARequestThatCameThatMuchBefore) {
  const std::string json =
      R"({"type":"Metric","data":{"type":"trend","contains":"time","submetrics":null},"metric":"http_req_duration"}
{"type":"Point","data":{"time":"2017-05-09T14:34:45.5+02:00","value":5,"tags":null},"metric":"vus"}
{"metric":"http_req_duration","type":"Point","data":{"time":"2017-05-09T14:34:45.5+02:00","value":459.5,"tags":{"method":"GET","status":"201","url":"https://a.test/x/y?z"}}}
)";
  EXPECT_EQ(format_of(json), "k6_json");
  const auto rows = rows_of(json);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].at(), "2017-05-09 12:34:45.0405");
  EXPECT_EQ(rows[0].row.status, 201);
  EXPECT_EQ(rows[0].path, "/x/y");
  EXPECT_EQ(rows_of(json, {.series = "vus"}).size(), 1u);

  const std::string csv =
      "metric_name,timestamp,metric_value,check,error,error_code,group,method,name,proto,scenario,"
      "status,subproto,tls_version,url,extra_tags\n"
      "http_reqs,1595325560,1.000000,,,,,GET,http://a/x,HTTP/1.1,default,200,,,http://a/x,\n"
      "http_req_duration,1595325560,221.899000,,,,,GET,http://a/x,HTTP/1.1,default,200,,,http://a/"
      "x,\n";
  EXPECT_EQ(format_of(csv), "k6_csv");
  ASSERT_EQ(rows_of(csv).size(), 1u);
  EXPECT_EQ(rows_of(csv)[0].row.service, 221'899us);
  EXPECT_EQ(rows_of(csv)[0].path, "/x");
  EXPECT_THAT(wrong_with(csv, {.series = "iterations"}), HasSubstr("no points of 'iterations'"));
}

}  // namespace
}  // namespace windtunnel::traces
