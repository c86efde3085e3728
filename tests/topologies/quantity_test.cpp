#include "topologies/quantity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

namespace windtunnel {
namespace {

constexpr std::int64_t second = 1'000'000'000;

std::int64_t duration(std::string_view text) {
  return parse_quantity<std::int64_t>(text, schema::DURATION).value.value_or(-1);
}

std::string refused(std::string_view text, schema::Unit unit) {
  const bool whole = unit == schema::DURATION || unit == schema::BYTES;
  if (whole) return parse_quantity<std::int64_t>(text, unit).error;
  return parse_quantity<double>(text, unit).error;
}

TEST(Quantity, ReadsDurationsInEveryUnit) {
  EXPECT_EQ(duration("7ns"), 7);
  EXPECT_EQ(duration("500us"), 500'000);
  EXPECT_EQ(duration("1100ms"), 1'100'000'000);
  EXPECT_EQ(duration("30s"), 30 * second);
  EXPECT_EQ(duration("5min"), 300 * second);
  EXPECT_EQ(duration("2h"), 7200 * second);
  EXPECT_EQ(duration("3650d"), 3650 * 86400 * second);
}

TEST(Quantity, ReadsCompoundsDecimalsAndSpaces) {
  EXPECT_EQ(duration("1h30min"), 5400 * second);
  EXPECT_EQ(duration("1h 30min"), 5400 * second);
  EXPECT_EQ(duration("1.5s"), 1'500'000'000);
  EXPECT_EQ(duration("30 s"), 30 * second);
  EXPECT_EQ(duration("1min1.000000001s"), 61 * second + 1);
}

TEST(Quantity, ReadsAPlainZeroOfAnyUnit) {
  EXPECT_EQ(duration("0"), 0);
  EXPECT_EQ(parse_quantity<std::int64_t>("0", schema::BYTES).value, 0);
  EXPECT_EQ(parse_quantity<double>("0", schema::RATE).value, 0.0);
  EXPECT_EQ(parse_quantity<double>("0", schema::BANDWIDTH).value, 0.0);
}

TEST(Quantity, LeavesTheSignToTheLimits) {
  EXPECT_EQ(parse_quantity<std::int64_t>("-1h30min", schema::DURATION).value, -5400 * second);
  EXPECT_EQ(parse_quantity<double>("-20%", schema::SHARE).value, -0.2);
}

TEST(Quantity, ReadsTheLargestDurationExactlyAndRefusesTheNext) {
  EXPECT_EQ(duration("9223372036854775807ns"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(refused("9223372036854775808ns", schema::DURATION), "is too large");
  EXPECT_EQ(refused("99999999999999999999999999s", schema::DURATION), "is too large");
  EXPECT_EQ(refused("106752d", schema::DURATION), "is too large");
}

TEST(Quantity, RefusesDurationsFinerThanANanosecond) {
  EXPECT_EQ(refused("1.5ns", schema::DURATION), "is finer than 1 ns");
  EXPECT_EQ(refused("0.0000000001s", schema::DURATION), "is finer than 1 ns");
}

TEST(Quantity, RefusesADurationWithoutUnitWithAHint) {
  EXPECT_EQ(refused("30", schema::DURATION), "has no unit; a duration is written as 30s or 5min");
}

// Found by fuzzing: control characters reached the terminal as they were.
TEST(Quantity, ShowsAnUnknownUnitSafely) {
  EXPECT_EQ(refused("30\r\x1bh", schema::DURATION),
            "is not a duration: unknown unit '\\x0d\\x1bh'; units are d, h, min, s, ms, us, ns");
  EXPECT_THAT(refused("30\x1b/s", schema::RATE), testing::HasSubstr("unknown unit '\\x1b/s'"));
}

TEST(Quantity, RefusesUnknownUnitsAndNamesTheKnownOnes) {
  EXPECT_EQ(refused("30kg", schema::DURATION),
            "is not a duration: unknown unit 'kg'; units are d, h, min, s, ms, us, ns");
  EXPECT_EQ(refused("5m", schema::DURATION),
            "is not a duration: unknown unit 'm'; units are d, h, min, s, ms, us, ns");
  EXPECT_EQ(refused("256KiB", schema::DURATION),
            "is not a duration: unknown unit 'KiB'; units are d, h, min, s, ms, us, ns");
  EXPECT_EQ(refused("30s", schema::BYTES),
            "is not a size: unknown unit 's'; units are TiB, TB, GiB, GB, MiB, MB, KiB, KB, B");
  EXPECT_EQ(refused("400/month", schema::RATE),
            "is not a rate: unknown unit '/month'; units are /s, /min, /h, /d");
  EXPECT_EQ(refused("10MB/s", schema::BANDWIDTH),
            "is not a bandwidth: unknown unit 'MB/s'; units are Gbit/s, Mbit/s, kbit/s, bit/s");
  EXPECT_EQ(refused("20s", schema::SHARE), "is not a share: unknown unit 's'; units are %");
}

TEST(Quantity, RefusesCompoundsOutOfOrder) {
  const std::string why = "is not a duration: larger units come first, each once";
  EXPECT_EQ(refused("30min1h", schema::DURATION), why);
  EXPECT_EQ(refused("1s1s", schema::DURATION), why);
}

TEST(Quantity, RefusesWhatIsNoNumber) {
  for (const auto unit : {schema::DURATION, schema::BYTES, schema::RATE, schema::SHARE,
                          schema::BANDWIDTH, schema::NONE}) {
    for (const char* text : {"", "-", "nan", "inf", "-inf", "abc", ".", "s", "+-1s", "--1"}) {
      EXPECT_NE(refused(text, unit), "") << text << " as " << schema::Unit_Name(unit);
    }
  }
  EXPECT_EQ(refused("soon", schema::DURATION), "is not a duration; write it as 30s or 5min");
  EXPECT_EQ(refused("1e400", schema::NONE), "is too large or too small");
}

TEST(Quantity, ReadsSizes) {
  const std::map<std::string, std::int64_t> sizes = {
      {"1B", 1},        {"256KiB", 262'144},        {"10MB", 10'000'000},
      {"1.5KiB", 1536}, {"1GiB", 1'073'741'824},    {"2TB", 2'000'000'000'000},
      {"1KB", 1000},    {"1TiB", 1'099'511'627'776}};
  for (const auto& [text, bytes] : sizes) {
    EXPECT_EQ(parse_quantity<std::int64_t>(text, schema::BYTES).value, bytes) << text;
  }
  EXPECT_EQ(refused("0.3B", schema::BYTES), "is finer than 1 byte");
}

TEST(Quantity, ReadsRatesPerSecond) {
  EXPECT_EQ(parse_quantity<double>("400/s", schema::RATE).value, 400.0);
  EXPECT_EQ(parse_quantity<double>("90/min", schema::RATE).value, 1.5);
  EXPECT_EQ(parse_quantity<double>("1800/h", schema::RATE).value, 0.5);
  EXPECT_EQ(parse_quantity<double>("86400/d", schema::RATE).value, 1.0);
  EXPECT_EQ(refused("400", schema::RATE), "has no unit; a rate is written as 400/s or 10/min");
}

TEST(Quantity, ReadsSharesAsTheNearestDouble) {
  EXPECT_EQ(parse_quantity<double>("20%", schema::SHARE).value, 0.2);
  EXPECT_EQ(parse_quantity<double>("0.2", schema::SHARE).value, 0.2);
  EXPECT_EQ(parse_quantity<double>("99.9%", schema::SHARE).value, 0.999);
}

TEST(Quantity, ReadsBandwidthsInBitsPerSecond) {
  EXPECT_EQ(parse_quantity<double>("10Mbit/s", schema::BANDWIDTH).value, 1e7);
  EXPECT_EQ(parse_quantity<double>("2.5Gbit/s", schema::BANDWIDTH).value, 2.5e9);
}

TEST(Quantity, ReadsPlainNumbersAsAWhole) {
  EXPECT_EQ(parse_quantity<std::int64_t>("17", schema::NONE).value, 17);
  EXPECT_EQ(parse_quantity<double>("1.05", schema::NONE).value, 1.05);
  EXPECT_EQ(parse_quantity<std::uint64_t>("18446744073709551615", schema::NONE).value,
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(parse_quantity<std::int64_t>("16.5", schema::NONE).error, "is not a whole number");
  EXPECT_EQ(parse_quantity<std::int64_t>("30s", schema::NONE).error, "is not a whole number");
  EXPECT_EQ(parse_quantity<std::uint64_t>("-1", schema::NONE).error, "is not a whole number");
  EXPECT_EQ(parse_quantity<std::int64_t>("9223372036854775808", schema::NONE).error,
            "is too large");
}

TEST(Quantity, WritesDurationsTheUsualWay) {
  for (const char* text : {"2min", "1h30min", "500us", "1.5s", "1.1s", "0s", "1d", "7ns", "15ms",
                           "1min30s", "1h500ms", "-5s", "1.000001ms"}) {
    EXPECT_EQ(format_quantity(parse_quantity<std::int64_t>(text, schema::DURATION).value.value(),
                              schema::DURATION),
              text);
  }
  EXPECT_EQ(format_quantity(120 * second, schema::DURATION), "2min");
}

TEST(Quantity, WritesOtherUnitsTheUsualWay) {
  EXPECT_EQ(format_quantity(std::int64_t{262'144}, schema::BYTES), "256KiB");
  EXPECT_EQ(format_quantity(std::int64_t{10'000'000}, schema::BYTES), "10MB");
  EXPECT_EQ(format_quantity(std::int64_t{1234}, schema::BYTES), "1234B");
  EXPECT_EQ(format_quantity(400.0, schema::RATE), "400/s");
  EXPECT_EQ(format_quantity(0.07, schema::SHARE), "7%");
  EXPECT_EQ(format_quantity(0.995, schema::SHARE), "99.5%");
  EXPECT_EQ(format_quantity(1e7, schema::BANDWIDTH), "10Mbit/s");
  EXPECT_EQ(format_quantity(1.05, schema::NONE), "1.05");
}

TEST(Quantity, ReadsBackWhatItWrites) {
  std::uint64_t state = 1;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const auto whole = static_cast<std::int64_t>(state >> (1 + state % 63));
    const std::string duration_text = format_quantity(whole, schema::DURATION);
    ASSERT_EQ(duration(duration_text), whole) << duration_text;
    const std::string size_text = format_quantity(whole, schema::BYTES);
    ASSERT_EQ(parse_quantity<std::int64_t>(size_text, schema::BYTES).value, whole) << size_text;
    const double real = static_cast<double>(state >> 11) * 0x1p-53;
    for (const auto unit : {schema::SHARE, schema::RATE, schema::BANDWIDTH, schema::NONE}) {
      const std::string text = format_quantity(real, unit);
      ASSERT_EQ(parse_quantity<double>(text, unit).value, real) << text;
    }
  }
}

TEST(Quantity, ReadsDates) {
  for (const char* text : {"1998-06-30T18:00", "1998-06-30 18:00", "1998-06-30T18:00:59",
                           "1998-06-30T24:00", "2024-02-29T00:00"}) {
    EXPECT_EQ(date_error(text), "") << text;
  }
}

TEST(Quantity, RefusesDatesThatAreNone) {
  const std::string wrong = "is not a date; write it as 1998-06-30T18:00";
  EXPECT_EQ(date_error("1998-06-30"), wrong);
  EXPECT_EQ(date_error("30.06.1998 18:00"), wrong);
  EXPECT_EQ(date_error("1998-06-31T18:00"), "is not a date: there is no such day");
  EXPECT_EQ(date_error("2023-02-29T18:00"), "is not a date: there is no such day");
  EXPECT_EQ(date_error("1998-06-30T24:01"), "is not a date: there is no such time of day");
  EXPECT_EQ(date_error("1998-06-30T18:60"), "is not a date: there is no such time of day");
}

}  // namespace
}  // namespace windtunnel
