#include "models/mechanisms/alarm_rule.hpp"

#include <fmt/format.h>
#include <muParser.h>

#include <algorithm>
#include <regex>

#include "sim/check.hpp"

namespace windtunnel {

namespace {

double both(double a, double b) { return a != 0 && b != 0 ? 1 : 0; }
double either(double a, double b) { return a != 0 || b != 0 ? 1 : 0; }
double neither(double a) { return a == 0 ? 1 : 0; }

AlarmState state_of(const std::string& word) {
  for (const auto state : {AlarmState::ok, AlarmState::alarm}) {
    if (word == to_string(state)) return state;
  }
  return AlarmState::insufficient_data;
}

std::string variable(std::size_t term) { return fmt::format("t{}", term); }

// muParser's variables stand in place of the terms, so that positions stay those of the rule.
std::vector<AlarmRule::Term> take_terms(std::string& rule) {
  static const std::regex term(
      R"re(\b(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]+)"|([^\s()"]+))\s*\))re");
  std::vector<AlarmRule::Term> terms;
  const std::string original = rule;
  for (std::sregex_iterator at(original.begin(), original.end(), term), end; at != end; ++at) {
    std::string name = variable(terms.size());
    name.resize(static_cast<std::size_t>(at->length()), ' ');
    rule.replace(static_cast<std::size_t>(at->position()), name.size(), name);
    terms.push_back({state_of(at->str(1)), (*at)[2].matched ? at->str(2) : at->str(3)});
  }
  return terms;
}

// What is left beside the terms are these words; muParser would say less of another.
std::optional<MetricMath::Error> check_words(const std::string& rule, std::size_t terms) {
  static const std::regex word(R"([A-Za-z_]\w*)");
  for (std::sregex_iterator at(rule.begin(), rule.end(), word), end; at != end; ++at) {
    const std::string text = at->str();
    bool known =
        text == "AND" || text == "OR" || text == "NOT" || text == "TRUE" || text == "FALSE";
    for (std::size_t i = 0; i < terms && !known; ++i) known = text == variable(i);
    if (known) continue;
    return MetricMath::Error{
        fmt::format("'{}' is not ALARM(name), OK(name), INSUFFICIENT_DATA(name), AND, OR, NOT, "
                    "TRUE or FALSE",
                    text),
        static_cast<std::size_t>(at->position())};
  }
  return std::nullopt;
}

}  // namespace

struct AlarmRule::Parsed {
  mu::Parser parser;
  std::vector<double> values;

  Parsed(const std::string& rule, std::size_t terms) : values(terms, 0) {
    parser.ClearFun();
    parser.ClearConst();
    parser.ClearInfixOprt();
    parser.EnableBuiltInOprt(false);
    parser.DefineInfixOprtChars("NOT");
    parser.DefineInfixOprt("NOT", neither);
    parser.DefineOprt("OR", either, 1);
    parser.DefineOprt("AND", both, 2);
    parser.DefineConst("TRUE", 1);
    parser.DefineConst("FALSE", 0);
    for (std::size_t i = 0; i < terms; ++i) parser.DefineVar(variable(i), &values[i]);
    parser.SetExpr(rule);
    parser.Eval();  // throws what is wrong
  }
};

std::optional<MetricMath::Error> AlarmRule::check(const std::string& rule) {
  std::string text = rule;
  const std::size_t terms = take_terms(text).size();
  if (auto error = check_words(text, terms)) return error;
  try {
    const Parsed parsed(text, terms);
  } catch (const mu::ParserError& error) {
    const auto position =
        std::min(static_cast<std::size_t>(std::max(error.GetPos(), 0)), rule.size());
    return MetricMath::Error{
        position == rule.size() ? "the rule ends too early" : "this is not expected here",
        position};
  }
  return std::nullopt;
}

AlarmRule::AlarmRule(const std::string& rule) {
  WT_CHECK(!check(rule), "a rule that the reader accepted is wrong");
  std::string text = rule;
  terms_ = take_terms(text);
  parsed_ = std::make_unique<Parsed>(text, terms_.size());
}
AlarmRule::AlarmRule(AlarmRule&&) noexcept = default;
AlarmRule& AlarmRule::operator=(AlarmRule&&) noexcept = default;
AlarmRule::~AlarmRule() = default;

bool AlarmRule::holds(const std::vector<bool>& terms) {
  std::copy(terms.begin(), terms.end(), parsed_->values.begin());
  return parsed_->parser.Eval() != 0;
}

}  // namespace windtunnel
