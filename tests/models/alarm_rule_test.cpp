#include "models/mechanisms/alarm_rule.hpp"

#include <gtest/gtest.h>

namespace windtunnel {
namespace {

constexpr AlarmState OK = AlarmState::ok, ALARM = AlarmState::alarm,
                     INSUFFICIENT_DATA = AlarmState::insufficient_data;

// Whether the rule holds when its alarms, in its order, are in these states.
bool holds(const std::string& text, const std::vector<AlarmState>& states) {
  const auto error = AlarmRule::check(text);
  EXPECT_FALSE(error) << text << ": " << (error ? error->text : "");
  if (error) return false;
  AlarmRule rule(text);
  std::vector<bool> terms;
  for (std::size_t i = 0; i < rule.terms().size(); ++i) {
    terms.push_back(rule.terms()[i].state == states.at(i));
  }
  return rule.holds(terms);
}

TEST(AlarmRule, KnowsTheThreeStates) {
  for (const AlarmState state : {OK, ALARM, INSUFFICIENT_DATA}) {
    EXPECT_EQ(holds("OK(a)", {state}), state == OK);
    EXPECT_EQ(holds("ALARM(a)", {state}), state == ALARM);
    EXPECT_EQ(holds("INSUFFICIENT_DATA(a)", {state}), state == INSUFFICIENT_DATA);
  }
}

TEST(AlarmRule, NamesStandWithAndWithoutQuotes) {
  const AlarmRule rule("ALARM(\"web-high\") AND ALARM( db-high )");
  ASSERT_EQ(rule.terms().size(), 2u);
  EXPECT_EQ(rule.terms()[0].alarm, "web-high");
  EXPECT_EQ(rule.terms()[1].alarm, "db-high");
}

TEST(AlarmRule, CombinesByAndOrNot) {
  EXPECT_TRUE(holds("ALARM(a) AND NOT ALARM(b)", {ALARM, OK}));
  EXPECT_FALSE(holds("ALARM(a) AND NOT ALARM(b)", {ALARM, ALARM}));
  EXPECT_TRUE(holds("ALARM(a) OR ALARM(b)", {OK, ALARM}));
  EXPECT_TRUE(holds("NOT (ALARM(a) OR ALARM(b))", {OK, OK}));
  EXPECT_TRUE(holds("NOT (NOT ALARM(a))", {ALARM}));
}

TEST(AlarmRule, NotBindsBeforeAndAndBeforeOr) {
  const std::string rule = "ALARM(a) OR ALARM(b) AND NOT ALARM(c)";
  EXPECT_TRUE(holds(rule, {ALARM, OK, ALARM}));
  EXPECT_FALSE(holds("(ALARM(a) OR ALARM(b)) AND NOT ALARM(c)", {ALARM, OK, ALARM}));
  EXPECT_FALSE(holds("NOT ALARM(a) AND ALARM(b)", {OK, OK}));
}

TEST(AlarmRule, TrueAndFalseAreForTests) {
  EXPECT_TRUE(holds("TRUE", {}));
  EXPECT_FALSE(holds("FALSE OR ALARM(a)", {OK}));
  EXPECT_TRUE(holds("TRUE AND ALARM(a)", {ALARM}));
}

struct Wrong {
  const char* rule;
  const char* text;
  std::size_t position;
};
class AlarmRuleErrors : public testing::TestWithParam<Wrong> {};
TEST_P(AlarmRuleErrors, SayWhatAndWhere) {
  const auto error = AlarmRule::check(GetParam().rule);
  ASSERT_TRUE(error) << GetParam().rule;
  EXPECT_EQ(error->text, GetParam().text) << GetParam().rule;
  EXPECT_EQ(error->position, GetParam().position) << GetParam().rule;
}
constexpr const char* words_of_xor =
    "'XOR' is not ALARM(name), OK(name), INSUFFICIENT_DATA(name), AND, OR, NOT, TRUE or FALSE";
constexpr const char* words_of_alarm =
    "'alarm' is not ALARM(name), OK(name), INSUFFICIENT_DATA(name), AND, OR, NOT, TRUE or FALSE";
constexpr const char* words_of_empty =
    "'ALARM' is not ALARM(name), OK(name), INSUFFICIENT_DATA(name), AND, OR, NOT, TRUE or FALSE";
INSTANTIATE_TEST_SUITE_P(
    All, AlarmRuleErrors,
    testing::Values(Wrong{"ALARM(a) XOR ALARM(b)", words_of_xor, 9},
                    Wrong{"alarm(a)", words_of_alarm, 0}, Wrong{"ALARM()", words_of_empty, 0},
                    Wrong{"ALARM(a) AND", "the rule ends too early", 12},
                    Wrong{"(ALARM(a)", "the rule ends too early", 9},
                    Wrong{"", "the rule ends too early", 0},
                    Wrong{"ALARM(a) ALARM(b)", "this is not expected here", 9},
                    Wrong{"ALARM(a) + OK(b)", "this is not expected here", 9}));

}  // namespace
}  // namespace windtunnel
