#include "models/mechanisms/metric_math.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace windtunnel {
namespace {

using Value = std::optional<double>;
const Value missing;
const std::vector<std::string> ids = {"m1", "m2", "m3"};

Value math(const std::string& expression, Value m1 = missing, Value m2 = missing,
           Value m3 = missing) {
  const auto error = MetricMath::check(expression, ids);
  EXPECT_FALSE(error) << expression << ": " << (error ? error->text : "");
  return error ? missing : MetricMath(expression, ids).evaluate({m1, m2, m3});
}

TEST(MetricMath, ArithmeticBindsAsUsual) {
  EXPECT_EQ(math("m1 + m2 * 3", 1, 2), 7);
  EXPECT_EQ(math("(m1 + m2) * 3", 1, 2), 9);
  EXPECT_EQ(math("m1 - m2 - m3", 10, 3, 2), 5);
  EXPECT_EQ(math("m1 / m2 / m3", 12, 3, 2), 2);
  EXPECT_EQ(math("-m1 + 2.5", 1), 1.5);
  EXPECT_EQ(math("2 ^ 3 ^ 2 + 0 * m1", 1), 512);
  EXPECT_EQ(math("100 * m1 / m2", 3, 4), 75);
}

TEST(MetricMath, ComparisonsAreZeroOrOne) {
  EXPECT_EQ(math("m1 > 15 AND m2 > 15", 30, 20), 1);
  EXPECT_EQ(math("m1 > 15 AND m2 > 15", 30, 10), 0);
  EXPECT_EQ(math("m1 > 15 || m2 > 15", 30, 10), 1);
  EXPECT_EQ(math("m1 > 15 && m2 > 15 OR m3 == 3", 0, 0, 3), 1);
  EXPECT_EQ(math("m1 <= m2", 2, 2), 1);
  EXPECT_EQ(math("m1 != m2", 2, 2), 0);
  EXPECT_EQ(math("(m1 < m2) + (m1 >= m2) * 10", 3, 2), 10);
}

TEST(MetricMath, FunctionsOfOneValueAndOfArrays) {
  EXPECT_EQ(math("ABS(m1 - m2)", 1, 4), 3);
  EXPECT_EQ(math("CEIL(m1)", 1.2), 2);
  EXPECT_EQ(math("FLOOR(m1)", 1.8), 1);
  EXPECT_EQ(math("MAX([m1, m2, m3])", 1, 9, 4), 9);
  EXPECT_EQ(math("MIN([m1, m2, m3])", 1, 9, 4), 1);
  EXPECT_EQ(math("SUM([m1, m2]) / AVG( [ m2, m3 ] )", 2, 4, 2), 2);
  EXPECT_EQ(math("SUM([m1, MAX([m2, m3])])", 1, 2, 5), 6);
}

// "Missing values in a time series are treated as 0."
TEST(MetricMath, AMissingValueIsZeroWhereAnotherMetricHasOne) {
  EXPECT_EQ(math("m1 + m2", 5, missing), 5);
  EXPECT_EQ(math("m1 < m2", 5, missing), 0);
  EXPECT_EQ(math("SUM([m1, m2, m3])", 5, missing, 1), 6);
  EXPECT_EQ(math("AVG([m1, m2])", 5, missing), 2.5);
}

TEST(MetricMath, WithoutAnyValueThereIsNoDatapoint) {
  EXPECT_EQ(math("m1 + m2"), missing);
  EXPECT_EQ(math("m1 + m2", missing, missing, 7), missing);  // m3 is not of this expression
}

// "If the value of a data point causes a function to attempt to divide by zero, the data point is
// dropped."
TEST(MetricMath, ADivisionByZeroDropsTheDatapoint) {
  EXPECT_EQ(math("m1 / m2", 5, 0), missing);
  EXPECT_EQ(math("m1 / m2", 5, missing), missing);
  EXPECT_EQ(math("1 + 10 * (m1 / m2)", 5, 0), missing);
  EXPECT_EQ(math("(m1 / m2) > 3", 5, 0), missing);
}

TEST(MetricMath, FillReplacesMissingValuesOnly) {
  EXPECT_EQ(math("FILL(m1, 7)", 5), 5);
  EXPECT_EQ(math("FILL(m1, 7)"), 7);
  EXPECT_EQ(math("FILL(m1, 0) / FILL(m2, 1)", 5), 5);
  EXPECT_EQ(math("FILL(m1, 0) / FILL(m2, 1)"), 0);
}

// The guide's table of IF(metric1, metric2, metric3), column by column.
TEST(MetricMath, IfChoosesAndDropsAsInTheGuidesTable) {
  const auto choose = [](Value a, Value b, Value c) { return math("IF(m1, m2, m3)", a, b, c); };
  EXPECT_EQ(choose(1, 30, 0), 30);
  EXPECT_EQ(choose(1, missing, 0), 0);
  EXPECT_EQ(choose(0, 0, 20), 20);
  EXPECT_EQ(choose(0, 0, missing), missing);
  EXPECT_EQ(choose(missing, 30, 20), missing);
  EXPECT_EQ(math("IF(m1 > 3, m1)", 5), 5);
  EXPECT_EQ(math("IF(m1 > 3, m1)", 2), missing);
  EXPECT_EQ(math("IF(m1 > 3, 1, 0)", 2), 0);
}

struct Wrong {
  const char* expression;
  const char* text;
  std::size_t position;
};
class MetricMathErrors : public testing::TestWithParam<Wrong> {};
TEST_P(MetricMathErrors, SayWhatAndWhere) {
  const auto error = MetricMath::check(GetParam().expression, ids);
  ASSERT_TRUE(error) << GetParam().expression;
  EXPECT_EQ(error->text, GetParam().text) << GetParam().expression;
  EXPECT_EQ(error->position, GetParam().position) << GetParam().expression;
}
INSTANTIATE_TEST_SUITE_P(
    All, MetricMathErrors,
    testing::Values(Wrong{"m1 + m4", "'m4' is neither an id of these metrics nor a function", 5},
                    Wrong{"sqrt(m1)", "'sqrt' is neither an id of these metrics nor a function", 0},
                    Wrong{"avg(m1)", "'avg' is neither an id of these metrics nor a function", 0},
                    Wrong{"m1 +", "it ends too early", 4}, Wrong{"", "it is empty", 0},
                    Wrong{"(m1 + m2", "a parenthesis is missing", 8},
                    Wrong{"m1 m2", "'m2' is not expected here", 3},
                    Wrong{"m1 = 3", "'=' is not expected here", 3},
                    Wrong{"CEIL(m1, m2)", "'CEIL' takes another number of arguments", 11},
                    Wrong{"IF(m1)", "IF takes two or three arguments", 0},
                    Wrong{"MAX(m1)", "MAX is taken over an array: MAX([m1, m2])", 0},
                    Wrong{"MAX([m1, m2)", "this array does not end in '])'", 4},
                    Wrong{"2 * [m1, m2]", "arrays stand only in AVG, MIN, MAX and SUM", 4},
                    Wrong{"FILL(m1 + m2, 0)", "FILL takes an id and a number: FILL(m1, 0)", 0},
                    Wrong{"FILL(m1, REPEAT)",
                          "'REPEAT' is neither an id of these metrics nor a function", 9},
                    Wrong{"1 + 2", "it names none of the metrics", 0}));

TEST(MetricMath, AnIdBeginsWithASmallLetter) {
  for (const char* id : {"m1", "requests", "cpu_1", "mMax"}) EXPECT_TRUE(MetricMath::is_id(id));
  for (const char* id : {"", "M1", "1m", "_m", "m-1", "m 1"}) EXPECT_FALSE(MetricMath::is_id(id));
}

}  // namespace
}  // namespace windtunnel
