// Access logs, line by line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/mechanisms/wildcard.hpp"
#include "tests/traces/reading.hpp"

namespace windtunnel::traces {
namespace {

using namespace std::chrono_literals;
using test::format_of;
using test::rows_of;
using test::wrong_with;
using ::testing::HasSubstr;

const std::string classic =
    R"(2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:80/shop/cart?id=7 HTTP/1.1" "curl/7.38.0" - -)";
const std::string alb =
    R"(h2 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 10.0.1.252:48160 10.0.0.66:9000 0.000 0.002 0.500 200 201 5 257 "POST https://10.0.2.105:773/api/a HTTP/2.0" "agent \"quoted\" here" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2)";
const std::string rest_of_alb =
    R"( arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337327-72bd00b0343d75b906739c42" "-" "-" 1 2018-07-02T22:22:48.364000Z "redirect" "https://example.com:80/" "-" "10.0.0.66:9000" "200" "-" "-" TID_123)";

TEST(ElbLog, AClassicLineIsTheRequestWhenItCame) {
  const auto rows = rows_of(classic + "\n");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(format_of(classic), "elb_log");
  EXPECT_EQ(rows[0].at(), "2015-05-13 23:39:43.945958");
  EXPECT_EQ(rows[0].row.waited, 73us);
  EXPECT_EQ(rows[0].row.service, 1048us);
  EXPECT_EQ(rows[0].row.total, 1178us);
  EXPECT_EQ(rows[0].row.status, 200);
  EXPECT_EQ(rows[0].row.sent, 29);
  EXPECT_EQ(rows[0].target, "10.0.0.1:80");
  EXPECT_EQ(rows[0].method, "GET");
  EXPECT_EQ(rows[0].host, "www.example.com");
  EXPECT_EQ(rows[0].path, "/shop/cart");
}

TEST(ElbLog, AnAlbsLineIsOfItsAnswerSoTheRequestCameThatMuchBefore) {
  const auto rows = rows_of(alb + "\n");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].at(), "2018-07-02 22:22:59.684641");
  EXPECT_EQ(rows[0].row.target_status, 201);
  EXPECT_EQ(rows[0].path, "/api/a");
}

TEST(ElbLog, AnAlbsOwnCreationTimeIsTakenWhereItIsLogged) {
  EXPECT_EQ(rows_of(alb + rest_of_alb + "\n")[0].at(), "2018-07-02 22:22:48.364");
}

TEST(ElbLog, MinusOneAndDashesAreUnknown) {
  const auto rows = rows_of(
      R"(http 2018-07-02T22:23:00.186641Z app/x 10.0.1.252:48160 - -1 -1 -1 502 - 34 - "GET http://a:80/x HTTP/1.1" "-" - -)"
      "\n");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].row.service, unknown);
  EXPECT_EQ(rows[0].row.total, unknown);
  EXPECT_EQ(rows[0].row.status, 502);
  EXPECT_EQ(rows[0].row.target_status, 0);
  EXPECT_EQ(rows[0].row.sent, -1);
  EXPECT_EQ(rows[0].at(), "2018-07-02 22:23:00.186641");
}

TEST(ElbLog, BothKindsMayBeMixed) {
  EXPECT_EQ(rows_of(alb + "\n" + classic + "\n" + alb + rest_of_alb + "\n\n").size(), 3u);
}

TEST(ElbLog, TcpListenersAndRequestsThatAreNoneHaveAPathToo) {
  const auto rows = rows_of(
      R"(2015-05-13T23:39:43.945958Z lb 192.168.131.39:2817 10.0.0.1:80 0.001069 0.000028 0.000041 - - 82 305 "- - - " "-" - -)"
      "\n"
      R"(2015-05-13T23:39:44.945958Z lb 192.168.131.39:2817 10.0.0.1:80 0.001069 0.000028 0.000041 400 - 82 305 "- http://example.com:80- -" "-" - -)"
      "\n");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].path, "/");
  EXPECT_EQ(rows[1].path, "/");
}

TEST(ElbLog, WhatIsWrongIsToldWithItsPlace) {
  const std::string head = classic + "\n";
  EXPECT_EQ(wrong_with(head + "2015-05-13T23:39:43Z my-lb 1.2.3.4:5\n"),
            "2:37: the line ends before its target:port");
  EXPECT_THAT(wrong_with(head + classic.substr(0, classic.find("cart"))),
              HasSubstr("a quote is not closed: the line is truncated"));
  EXPECT_EQ(wrong_with(head + "2015-05-33T23:39:43Z my-lb 1.2.3.4:5\n"),
            "2:1: '2015-05-33T23:39:43Z' is not a date");
  std::string word = classic;
  word.replace(word.find("0.001048"), 8, "fast");
  EXPECT_EQ(wrong_with(head + word + "\n"),
            "2:86: target_processing_time 'fast' is not a number of seconds");
}

const std::string combined =
    R"(83.149.9.216 - frank [17/May/2015:10:05:03 +0200] "GET /a/b.png?x=1 HTTP/1.1" 404 203023 "http://semicomplete.com/" "Mozilla/5.0 Macintosh; \"x\"")";

TEST(WebLog, ACombinedLineIsARequestOfItsSecond) {
  const auto rows = rows_of(combined + "\n");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(format_of(combined), "web_log");
  EXPECT_EQ(rows[0].at(), "2015-05-17 08:05:03");
  EXPECT_EQ(rows[0].path, "/a/b.png");
  EXPECT_EQ(rows[0].row.status, 404);
  EXPECT_EQ(rows[0].row.sent, 203023);
  EXPECT_EQ(rows[0].row.service, unknown);
  EXPECT_EQ(open_trace(open_bytes(combined)).reader->resolution, 1s);
}

TEST(WebLog, CommonLinesVirtualHostsAndUsersWithSpacesAreRead) {
  for (
      const char* line :
      {R"(127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /x HTTP/1.0" 200 2326)",
       R"(www.example.com:80 127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /x HTTP/1.0" 200 -)",
       R"(127.0.0.1 - "john smith" [10/Oct/2000:13:55:36 -0700] "GET /x HTTP/1.0" 200 2326 "-" "-")"}) {
    const auto rows = rows_of(std::string(line) + "\n");
    ASSERT_EQ(rows.size(), 1u) << line;
    EXPECT_EQ(rows[0].path, "/x");
    EXPECT_EQ(rows[0].at(), "2000-10-10 20:55:36");
  }
}

TEST(WebLog, RequestTimesAreTakenWhereTheyAreLogged) {
  const auto of = [](const std::string& more) { return rows_of(combined + more + "\n")[0].row; };
  EXPECT_EQ(of(" 0.250").total, 250ms);
  EXPECT_EQ(of(" 0.250 0.240 .").service, 240ms);
  EXPECT_EQ(of(R"( rt=0.250 uct="0.000" uht="0.1" urt="0.240")").service, 240ms);
  EXPECT_EQ(of(" 250000").service, 250ms);  // Apache's %D, microseconds
  EXPECT_EQ(of(R"( "10.0.0.1" request_time=1.5)").total, 1500ms);
  EXPECT_EQ(of(R"( "-")").total, unknown);
}

TEST(WebLog, GarbageForARequestIsARequestToo) {
  const auto rows =
      rows_of(R"(1.2.3.4 - - [17/May/2015:10:05:03 +0000] "\x16\x03\x01" 400 226 "-" "-")"
              "\n"
              R"(1.2.3.4 - - [17/May/2015:10:05:03 +0000] "-" 408 - "-" "-")"
              "\n");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].path, "/");
  EXPECT_EQ(rows[1].row.sent, -1);
}

TEST(WebLog, AnAgentThatIsCutOffIsNotAnErrorButATruncatedFileIs) {
  const std::string cut = combined.substr(0, combined.size() - 8);
  EXPECT_EQ(rows_of(cut + "\n" + combined + "\n").size(), 2u);
  EXPECT_THAT(wrong_with(combined + "\n" + cut), HasSubstr("2:"));
}

TEST(PathPatterns, AreThoseOfLoadBalancersRules) {
  EXPECT_TRUE(matches_wildcard("/api/*", "/api/users/7"));
  EXPECT_TRUE(matches_wildcard("/api/*", "/api/"));
  EXPECT_FALSE(matches_wildcard("/api/*", "/api"));
  EXPECT_FALSE(matches_wildcard("/api/*", "/API/x"));
  EXPECT_TRUE(matches_wildcard("*.png", "/a/b.png"));
  EXPECT_TRUE(matches_wildcard("/img/*/x?.gif", "/img/a/b/x1.gif"));
  EXPECT_FALSE(matches_wildcard("/img/*/x?.gif", "/img/a/b/x.gif"));
  EXPECT_TRUE(matches_wildcard("*", ""));
  EXPECT_FALSE(matches_wildcard("", "/"));
}

}  // namespace
}  // namespace windtunnel::traces
