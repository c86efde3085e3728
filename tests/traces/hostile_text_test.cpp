// What no reader may choke on: every one of these is one clear message with its place, in bounded
// memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/traces/utf8.hpp"
#include "tests/traces/reading.hpp"

namespace windtunnel::traces {
namespace {

using test::gzipped;
using test::rows_of;
using test::wrong_with;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string header = "timestamp,value\n";
const std::string rows = "2020-01-01 00:00:00,5\n2020-01-01 00:01:00,6\n2020-01-01 00:02:00,7\n";

TEST(HostileText, EmptyIsTold) {
  EXPECT_EQ(wrong_with(""), "1:1: is empty");
  EXPECT_EQ(wrong_with("\xef\xbb\xbf"), "1:1: is empty");
  EXPECT_THAT(wrong_with("\n\n\n"), StartsWith("1:1: is not recognised"));
  EXPECT_THAT(wrong_with(header), StartsWith("1:1: is not recognised"));
}

TEST(HostileText, ByteOrderMarksAndCarriageReturnsAreTakenOff) {
  EXPECT_EQ(rows_of("\xef\xbb\xbf" + header + rows).size(), 3u);
  EXPECT_EQ(rows_of("timestamp,value\r\n2020-01-01 00:00:00,5\r\n2020-01-01 00:01:00,6\r\n").size(),
            2u);
}

TEST(HostileText, Utf16IsToldByItsMark) {
  EXPECT_EQ(wrong_with(std::string("\xff\xfet\0i\0", 6)),
            "1:1: is UTF-16 text; convert it to UTF-8 first");
}

TEST(HostileText, NulBytesAreToldWithTheirPlace) {
  EXPECT_EQ(wrong_with(header + rows + std::string("2020-01-01 \0 00:03:00,5\n", 24)),
            "5:12: a NUL byte: the file is binary, UTF-16 or damaged");
}

TEST(HostileText, WrongEncodingIsToldWithItsPlace) {
  const std::string line =
      R"(1.2.3.4 - - [10/Apr/2014:00:04:00 +0000] "GET / HTTP/1.1" 200 5 "-" ")";
  EXPECT_EQ(rows_of(line + "caf\xc3\xa9\"\n").size(), 1u);
  EXPECT_EQ(wrong_with(line + "ok\"\n" + line + "caf\xe9\"\n"),
            "2:73: byte 0xe9 is not UTF-8; convert the file first");
}

TEST(HostileText, ALineWithoutAnEndIsTold) {
  EXPECT_EQ(wrong_with(header + rows + std::string(3u << 20, '7')),
            "5:1048576: the line is longer than 1 MiB");
  EXPECT_EQ(wrong_with(header + rows + std::string((1u << 20) + 1, '7') + "\n"),
            "5:1048576: the line is longer than 1 MiB");
}

TEST(HostileText, GzipIsUnpackedMemberAfterMember) {
  EXPECT_EQ(rows_of(gzipped(header + rows)).size(), 3u);
  EXPECT_EQ(rows_of(gzipped(header) + gzipped(rows) + std::string(20, '\0')).size(), 3u);
}

TEST(HostileText, TruncatedAndDamagedGzipIsTold) {
  std::string many = header;
  for (int i = 0; i < 5000; ++i)
    many += std::to_string(1600000000 + 60 * i) + "," + std::to_string(i * 7919 % 1000) + "\n";
  const std::string packed = gzipped(many);
  EXPECT_THAT(wrong_with(packed.substr(0, packed.size() / 2)),
              HasSubstr("the gzip data end too early: the file is truncated"));
  std::string damaged = packed;
  damaged[damaged.size() / 2] = static_cast<char>(~damaged[damaged.size() / 2]);
  EXPECT_THAT(wrong_with(damaged), HasSubstr("gzip data"));
  EXPECT_THAT(wrong_with(gzipped(header + rows) + "more"), HasSubstr("the gzip data are damaged"));
}

// 100 MB of empty lines in 100 KB.
TEST(HostileText, AGzipBombIsRefusedBeforeItIsUnpacked) {
  const std::string ten_million = gzipped(std::string(10 << 20, '\n'));
  std::string bytes;
  for (int i = 0; i < 10; ++i) bytes += ten_million;
  EXPECT_THAT(wrong_with(gzipped(header + rows) + bytes), HasSubstr("a gzip bomb"));
}

TEST(HostileText, OtherCompressionsAreToldByName) {
  EXPECT_EQ(wrong_with("\x28\xb5\x2f\xfd 12345678"),
            "1:1: is zstd-compressed; plain text and gzip are read");
  EXPECT_EQ(wrong_with("PAR1xxxxxxxxx"), "1:1: is a Parquet file; plain text and gzip are read");
  EXPECT_EQ(wrong_with(gzipped("PAR1xxxxxxxxx")),
            "1:1: is a Parquet file; plain text and gzip are read");
}

TEST(HostileText, AFileOfTwoKindsIsToldWhereTheSecondBegins) {
  EXPECT_THAT(wrong_with(header + rows +
                         R"(1.2.3.4 - - [10/Apr/2014:00:04:00 +0000] "GET / HTTP/1.1" 200 5)"),
              StartsWith("5:1: '1.2.3.4 - - [10/Apr/2014:00:04:00 +0000]"));
}

TEST(HostileText, DeepAndEndlessJsonIsTold) {
  EXPECT_THAT(wrong_with(R"({"Datapoints": [], "x": )" + std::string(100'000, '[')),
              HasSubstr("nested deeper than 32"));
  EXPECT_THAT(wrong_with(R"({"Label": ")" + std::string(100'000, 'x') + R"(", "Datapoints": []})"),
              HasSubstr("is not recognised"));
  EXPECT_THAT(wrong_with(R"({"Datapoints": [], "Label": ")" + std::string(100'000, 'x')),
              HasSubstr("a text of more than 64 KiB"));
  EXPECT_THAT(wrong_with(R"({"MetricDataResults": [{"Id": "m1")"), HasSubstr("is truncated"));
}

TEST(HostileText, ThatIsNoTraceIsToldWhatWasLookedFor) {
  const std::string told = wrong_with("Dear all,\nhere is the log.\n");
  EXPECT_THAT(told, StartsWith("1:1: is not recognised by its beginning, 'Dear all,'"));
  for (const Format& format : formats()) EXPECT_THAT(told, HasSubstr(format.name));
}

TEST(HostileText, AFormatThatThereIsNotIsToldWithThoseThatThereAre) {
  EXPECT_THAT(wrong_with(header + rows, {.format = "elb"}),
              StartsWith("1:1: there is no format 'elb'; there are elb_log, "));
}

TEST(HostileText, InMessagesIsEscapedAndCut) {
  EXPECT_EQ(traces::quoted(std::string("a\x1b[2J\xff") + "b"), "'a\\x1b[2J\\xffb'");
  EXPECT_EQ(traces::quoted(std::string(100, 'x'), 5), "'xxxxx...'");
}

}  // namespace
}  // namespace windtunnel::traces
