// Cuts of files as loads: ends, gaps, scales, order.
#include "models/traces/cut.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/traces/summary.hpp"
#include "tests/support/program.hpp"

namespace windtunnel::traces {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using windtunnel::test::Program;

class Cuts : public ::testing::Test {
 protected:
  Cut cut(const std::string& text) {
    folder.write("trace", text);
    Cut made;
    made.file = folder.path("trace").string();
    return made;
  }
  static std::vector<RatePiece> pieces_of(const Cut& cut) {
    const auto rates = open_cut(cut, sim::Stream(1)).rates;
    std::vector<RatePiece> pieces;
    for (RatePiece piece; rates->next(piece);) pieces.push_back(piece);
    return pieces;
  }
  // "0-60:5" in seconds.
  static std::vector<std::string> shown(const Cut& cut) {
    std::vector<std::string> all;
    for (const RatePiece& piece : pieces_of(cut)) {
      char text[80];
      std::snprintf(text, sizeof text, "%g-%g:%g", sim::seconds(piece.start),
                    sim::seconds(piece.end), piece.expected);
      all.emplace_back(text);
    }
    return all;
  }
  static std::vector<Request> requests_of(const Cut& cut) {
    const auto source = open_cut(cut, sim::Stream(1)).requests;
    std::vector<Request> requests;
    for (Request request; source->next(request);) requests.push_back(request);
    return requests;
  }
  static std::string wrong_with(const Cut& cut) {
    try {
      auto opened = open_cut(cut, sim::Stream(1));
      RatePiece piece;
      Request request;
      while (opened.rates ? opened.rates->next(piece) : opened.requests->next(request)) {
      }
    } catch (const Bad& bad) {
      EXPECT_EQ(bad.file, cut.file);
      return std::to_string(bad.line) + ": " + bad.text;
    }
    return "nothing";
  }
  Program folder;
};

const std::string minutes =
    "time,count\n2020-01-01 00:00,6\n2020-01-01 00:01,12\n2020-01-01 00:02,18\n"
    "2020-01-01 00:05,60\n2020-01-01 00:06,6\n";

TEST_F(Cuts, BinsAreAsWideAsMostDistancesAndGapsStayGaps) {
  EXPECT_THAT(shown(cut(minutes)),
              ElementsAre("0-60:6", "60-120:12", "120-180:18", "300-360:60", "360-420:6"));
}

TEST_F(Cuts, BinsAreAsWideAsTheUserSays) {
  Cut halves = cut(minutes);
  halves.options.bin = 30s;
  EXPECT_EQ(shown(halves)[0], "0-30:6");
}

TEST_F(Cuts, GapsAreFilledAsAsked) {
  Cut filled = cut(minutes);
  filled.gaps = Gaps::hold;
  EXPECT_EQ(shown(filled)[3], "180-300:36");
  filled.gaps = Gaps::interpolate;
  EXPECT_EQ(shown(filled)[3], "180-300:78");  // from 18 to 60 a minute: 39 in the mean
  const RatePiece gap = pieces_of(filled)[3];
  EXPECT_NEAR(gap.rate(0), 18.0 / 60, 1e-12);
  EXPECT_NEAR(gap.rate(120), 60.0 / 60, 1e-12);
}

TEST_F(Cuts, EndsFallWithinBinsAndTimeZeroIsTheFirst) {
  Cut part = cut(minutes);
  part.from = "2020-01-01T00:00:30";
  part.to = "2020-01-01T00:05:30";
  EXPECT_THAT(shown(part), ElementsAre("0-30:3", "30-90:12", "90-150:18", "270-300:30"));
  const auto rates = open_cut(part, sim::Stream(1)).rates;
  for (RatePiece piece; rates->next(piece);) {
  }
  EXPECT_EQ(rates->length(), 5min);
  part.to = part.from;
  EXPECT_THAT(wrong_with(part), HasSubstr("is empty"));
  part.to = "";
  part.from = "2021-01-01T00:00";
  EXPECT_EQ(wrong_with(part), "1: there is no row within the cut");
}

TEST_F(Cuts, EndsAreOnTheClockOfTheFile) {
  Cut part = cut("time,count\n2020-01-01T00:00:00+02:00,6\n2020-01-01T00:01:00+02:00,12\n");
  part.from = "2020-01-01T00:01";
  EXPECT_THAT(shown(part), ElementsAre("0-60:12"));
}

TEST_F(Cuts, ScaleAndRatesMultiply) {
  Cut rates = cut("time,rps\n2020-01-01 00:00,2\n2020-01-01 00:01,3\n2020-01-01 00:02,0\n");
  rates.scale = 0.5;
  EXPECT_THAT(shown(rates), ElementsAre("0-60:60", "60-120:90", "120-180:0"));
}

TEST_F(Cuts, AreCountedAnewInOtherBins) {
  auto rates = resampled(open_cut(cut(minutes), sim::Stream(1)).rates, 150s);
  RatePiece piece;
  double counts[3] = {};
  for (double& count : counts) {
    ASSERT_TRUE(rates->next(piece));
    count = piece.expected;
  }
  EXPECT_DOUBLE_EQ(counts[0], 6 + 12 + 9);
  EXPECT_DOUBLE_EQ(counts[1], 9);
  EXPECT_DOUBLE_EQ(counts[2], 66);
  EXPECT_FALSE(rates->next(piece));
}

TEST_F(Cuts, UnsortedAndRepeatedDatesAreToldAndRepeatedOnesAddUpIfAsked) {
  const std::string again = minutes + "2020-01-01 00:06,4\n2020-01-01 00:07,1\n";
  EXPECT_EQ(wrong_with(cut(again)),
            "7: date '2020-01-01 00:06:00' is not after the one before, '2020-01-01 00:06:00'; "
            "repeated_dates: add would add their counts up");
  Cut added = cut(again);
  added.options.add_repeated = true;
  EXPECT_EQ(shown(added)[4], "360-420:10");
  EXPECT_THAT(wrong_with(cut(minutes + "2020-01-01 00:03,4\n")),
              HasSubstr("rows are not sorted, or times overlap"));
}

TEST_F(Cuts, OfOneRowNeedAWidth) {
  EXPECT_THAT(wrong_with(cut("2020-01-01 00:00,6\n")), HasSubstr("has 1 rows of date and count"));
  Cut one = cut("2020-01-01 00:00,6\n");
  one.options.bin = 60s;
  EXPECT_THAT(shown(one), ElementsAre("0-60:6"));
}

// The first bin is a nanosecond long, the others a year: nothing may count in nanoseconds.
TEST_F(Cuts, OfHostileDistancesAreNoWork) {
  const std::string years =
      "time,count\n1990-01-01T00:00:00.000000001,1\n1990-01-01T00:00:00.000000002,1\n"
      "1991-01-01T00:00:00,1\n1992-01-01T00:00:00,1\n1993-01-01T00:00:00,1\n";
  const auto summary = summarise(cut(years));
  EXPECT_EQ(summary.requests, 5);
  EXPECT_THAT(wrong_with(cut("time,count\n1950-01-01 00:00,1\n2200-12-31 00:00,1\n")),
              HasSubstr("bins of more than ten years"));
}

std::string logged(const std::string& time, const std::string& path, double seconds = 0.002) {
  char text[400];
  std::snprintf(text, sizeof text,
                "%sZ lb 1.2.3.4:5 10.0.0.1:80 0.0 %.6f 0.0 200 200 0 29 \"GET http://a:80%s "
                "HTTP/1.1\" \"-\" - -\n",
                time.c_str(), seconds, path.c_str());
  return text;
}

TEST_F(Cuts, ALogsRequestsComeInOrderWithTheirClassesAndServiceTimes) {
  Cut log =
      cut(logged("2020-01-01T00:00:10", "/api/a", 0.5) + logged("2020-01-01T00:00:05", "/") +
          logged("2020-01-01T00:00:40", "/img/x.png") + logged("2020-01-01T00:00:20", "/api/b"));
  log.paths = {"/api/*", "*.png"};
  const auto requests = requests_of(log);
  ASSERT_EQ(requests.size(), 4u);
  EXPECT_EQ(requests[0].at, 0s);
  EXPECT_EQ(requests[0].path_class, -1);
  EXPECT_EQ(requests[1].at, 5s);
  EXPECT_EQ(requests[1].path_class, 0);
  EXPECT_EQ(requests[1].service_time, 500ms);
  EXPECT_EQ(requests[2].at, 15s);
  EXPECT_EQ(requests[3].path_class, 1);
}

TEST_F(Cuts, ARequestTooFarBehindIsTold) {
  std::string text = logged("2020-01-01T00:00:00", "/");
  text += logged("2020-01-01T00:05:00", "/") + logged("2020-01-01T00:10:00", "/");
  text += logged("2020-01-01T00:02:00", "/");
  EXPECT_THAT(wrong_with(cut(text)),
              HasSubstr("4: the request of '2020-01-01 00:02:00' comes 480 s behind a later one"));
  Cut wide = cut(text);
  wide.sort_window = 10min;
  EXPECT_EQ(requests_of(wide).size(), 4u);
}

TEST_F(Cuts, ALogIsCutByDates) {
  std::string text;
  for (const char* second : {"00", "10", "20", "30", "40"})
    text += logged(std::string("2020-01-01T00:00:") + second, "/");
  Cut part = cut(text);
  part.from = "2020-01-01T00:00:10";
  part.to = "2020-01-01T00:00:40";
  const auto requests = requests_of(part);
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].at, 0s);
  EXPECT_EQ(requests[2].at, 20s);
}

TEST_F(Cuts, ALogsScaleThinsOrRepeatsItsRequestsInOrder) {
  std::string text;
  for (int i = 0; i < 6000; ++i) {
    char time[40];
    std::snprintf(time, sizeof time, "2020-01-01T%02d:%02d:%02d", i / 3600, i / 60 % 60, i % 60);
    text += logged(time, "/");
  }
  Cut scaled = cut(text);
  for (const double scale : {0.25, 2.5}) {
    scaled.scale = scale;
    const auto requests = requests_of(scaled);
    EXPECT_NEAR(static_cast<double>(requests.size()), 6000 * scale, 5 * std::sqrt(6000 * 0.25));
    EXPECT_TRUE(std::is_sorted(requests.begin(), requests.end(),
                               [](const Request& a, const Request& b) { return a.at < b.at; }));
  }
  scaled.scale = 3;
  EXPECT_EQ(requests_of(scaled).size(), 18'000u);
}

TEST_F(Cuts, RequestsOfOneSecondAreSpreadOverIt) {
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += R"(1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "-")"
            "\n";
  }
  Cut log = cut(text);
  log.from = "2015-05-17T10:05:03";
  double sum = 0;
  for (const Request& request : requests_of(log)) {
    ASSERT_LT(request.at, 1s);
    sum += sim::seconds(request.at) / 1000;
  }
  EXPECT_NEAR(sum, 0.5, 4 * std::sqrt(1.0 / 12 / 1000));
}

}  // namespace
}  // namespace windtunnel::traces
