#include "models/traces/dates.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace windtunnel::traces {
namespace {

std::string read(std::string_view text, const DateOptions& options = {}) {
  const auto date = read_date(text, options);
  return date ? format_date(date->date) : "none";
}

TEST(Dates, AreReadAsPeopleAndProgramsWriteThem) {
  for (const char* text : {"2014-04-10 00:04:00",
                           "2014-04-10T00:04",
                           "2014-04-10T00:04:00Z",
                           "2014/04/10 00:04:00",
                           "2014-04-10 00:04:00 UTC",
                           "20140410T000400Z",
                           "10/Apr/2014:00:04:00 +0000",
                           "10-Apr-2014 00:04:00",
                           "10 Apr 2014 00:04:00",
                           "10 April 2014 00:04",
                           "Thu, 10 Apr 2014 00:04:00 GMT",
                           "4/10/2014 12:04:00 AM",
                           "04/10/2014 0:04",
                           "10.04.2014 00:04",
                           "4/10/14 0:04",
                           "1397088240",
                           "1397088240.0",
                           "1397088240000",
                           "1397088240000000",
                           "1397088240000000000",
                           "1.39708824e9"}) {
    EXPECT_EQ(read(text), "2014-04-10 00:04:00") << text;
  }
}

TEST(Dates, HaveFractionsToTheNanosecond) {
  EXPECT_EQ(read("2015-11-07T18:45:33.559871Z"), "2015-11-07 18:45:33.559871");
  EXPECT_EQ(read("2017-05-09T14:34:45.625742514+02:00"), "2017-05-09 12:34:45.625742514");
  EXPECT_EQ(read("1397088240.25"), "2014-04-10 00:04:00.25");
  EXPECT_EQ(read("1397088240123"), "2014-04-10 00:04:00.123");
}

TEST(Dates, OfAZoneBecomeUtcAndSayWhatWasTakenOff) {
  const auto date = read_date("10/Apr/2014:00:04:00 -0730");
  ASSERT_TRUE(date);
  EXPECT_EQ(format_date(date->date), "2014-04-10 07:34:00");
  EXPECT_EQ(date->zone, std::chrono::minutes(-450));
  EXPECT_FALSE(read_date("2014-04-10 00:04")->zone);
}

TEST(Dates, HaveTheEndOfADayAndLeapDays) {
  EXPECT_EQ(read("2016-02-29T24:00"), "2016-03-01 00:00:00");
  EXPECT_EQ(read("2000-02-29"), "2000-02-29 00:00:00");
  EXPECT_EQ(read("1969-12-31 23:59:59.5"), "1969-12-31 23:59:59.5");
}

TEST(Dates, MayHaveTheDayFirst) {
  EXPECT_EQ(read("3/4/2014 10:00"), "2014-03-04 10:00:00");
  EXPECT_EQ(read("3/4/2014 10:00", {.day_first = true}), "2014-04-03 10:00:00");
  EXPECT_EQ(read("13/4/2014 10:00"), "none");
}

TEST(Dates, AsSmallNumbersCountFromSomeStart) {
  EXPECT_EQ(read("61.5"), "1970-01-01 00:01:01.5");
  EXPECT_EQ(read("3", {.small_number_seconds = 60}), "1970-01-01 00:03:00");
}

TEST(Dates, ThatAreNoneAreRefused) {
  for (const char* text : {"",
                           "soon",
                           "2014-13-01 00:00",
                           "2014-02-30 00:00",
                           "2014-04-10 25:00",
                           "2014-04-10 24:01",
                           "2014-04-10 00:60",
                           "2014-04-10 00:04:00 Mars",
                           "2014-04-10T",
                           "-5",
                           "1e30",
                           "nan",
                           "12:30",
                           "4/10/2014 13:04 PM",
                           "10/Foo/2014:00:04:00 +0000",
                           "2014-04-10 00:04:00 +9999",
                           "99999999999999999999",
                           "0x10",
                           "1.2.3",
                           "2014-04-10 00:04:00.Z",
                           "1397088240.2.5"}) {
    EXPECT_EQ(read(text), "none") << text;
  }
  EXPECT_EQ(read("2014-02-29"), "none");
}

// Every day of two centuries, against the calendar of the standard library.
TEST(Dates, AreThoseOfTheCalendar) {
  using namespace std::chrono;
  for (auto day = sys_days(year(1950) / 1 / 1); day < sys_days(year(2150) / 1 / 1);
       day += days(1)) {
    const year_month_day ymd(day);
    char text[16];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(ymd.year()),
                  static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()));
    const auto read = read_date(text);
    ASSERT_TRUE(read) << text;
    ASSERT_EQ(read->date, Date(day)) << text;
  }
}

}  // namespace
}  // namespace windtunnel::traces
