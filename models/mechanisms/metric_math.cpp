#include "models/mechanisms/metric_math.hpp"

#include <fmt/format.h>
#include <muParser.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <limits>
#include <regex>
#include <set>

#include "sim/check.hpp"

namespace windtunnel {

namespace {

// Numbers of muParser are doubles: a missing value is NaN, a dropped datapoint infinity.
constexpr double missing = std::numeric_limits<double>::quiet_NaN();
constexpr double dropped = std::numeric_limits<double>::infinity();

double seen(double value) { return std::isnan(value) ? 0 : value; }

template <typename Operation>
double both(double a, double b, Operation operation) {
  if (std::isinf(a) || std::isinf(b)) return dropped;
  return operation(seen(a), seen(b));
}

double plus(double a, double b) { return both(a, b, std::plus<>()); }
double minus(double a, double b) { return both(a, b, std::minus<>()); }
double times(double a, double b) { return both(a, b, std::multiplies<>()); }
double over(double a, double b) {
  return both(a, b, [](double x, double y) { return y == 0 ? dropped : x / y; });
}
double power(double a, double b) {
  const double result = both(a, b, [](double x, double y) { return std::pow(x, y); });
  return std::isnan(result) ? dropped : result;
}
double less(double a, double b) { return both(a, b, std::less<>()); }
double less_equal(double a, double b) { return both(a, b, std::less_equal<>()); }
double greater(double a, double b) { return both(a, b, std::greater<>()); }
double greater_equal(double a, double b) { return both(a, b, std::greater_equal<>()); }
double equal(double a, double b) { return both(a, b, std::equal_to<>()); }
double not_equal(double a, double b) { return both(a, b, std::not_equal_to<>()); }
double logical_and(double a, double b) { return both(a, b, std::logical_and<>()); }
double logical_or(double a, double b) { return both(a, b, std::logical_or<>()); }
double negative(double a) { return std::isinf(a) ? dropped : -a; }

double absolute(double a) { return std::abs(a); }
double ceiling(double a) { return std::ceil(a); }
double floor_of(double a) { return std::floor(a); }
double fill(double a, double filler) { return std::isfinite(a) ? a : filler; }
double if_of(const double* arguments, int count) {
  if (count < 2 || count > 3) throw mu::ParserError("IF takes two or three arguments");
  const double condition = arguments[0];
  if (!std::isfinite(condition)) return dropped;
  if (condition != 0) return seen(arguments[1]);
  return count < 3 || std::isnan(arguments[2]) ? dropped : arguments[2];
}

template <typename Fold>
double fold(const double* values, int count, Fold operation) {
  double result = seen(values[0]);
  for (int i = 1; i < count; ++i) result = both(result, values[i], operation);
  return result;
}
double sum_of(const double* values, int count) { return fold(values, count, std::plus<>()); }
double average_of(const double* values, int count) { return sum_of(values, count) / count; }
double least_of(const double* values, int count) {
  return fold(values, count, [](double a, double b) { return std::min(a, b); });
}
double largest_of(const double* values, int count) {
  return fold(values, count, [](double a, double b) { return std::max(a, b); });
}

void define_words(mu::Parser& parser) {
  parser.ClearFun();
  parser.ClearConst();
  parser.ClearInfixOprt();
  parser.EnableBuiltInOprt(false);
  parser.DefineInfixOprt("-", negative);
  parser.DefineOprt("OR", logical_or, 1);
  parser.DefineOprt("||", logical_or, 1);
  parser.DefineOprt("AND", logical_and, 2);
  parser.DefineOprt("&&", logical_and, 2);
  parser.DefineOprt("<", less, 4);
  parser.DefineOprt("<=", less_equal, 4);
  parser.DefineOprt(">", greater, 4);
  parser.DefineOprt(">=", greater_equal, 4);
  parser.DefineOprt("==", equal, 4);
  parser.DefineOprt("!=", not_equal, 4);
  parser.DefineOprt("+", plus, 5);
  parser.DefineOprt("-", minus, 5);
  parser.DefineOprt("*", times, 6);
  parser.DefineOprt("/", over, 6);
  parser.DefineOprt("^", power, 7, mu::oaRIGHT);
  parser.DefineFun("ABS", absolute);
  parser.DefineFun("CEIL", ceiling);
  parser.DefineFun("FLOOR", floor_of);
  parser.DefineFun("FILL", fill);
  parser.DefineFun("IF", if_of);
  parser.DefineFun("AVG", average_of);
  parser.DefineFun("MIN", least_of);
  parser.DefineFun("MAX", largest_of);
  parser.DefineFun("SUM", sum_of);
}

// muParser knows no arrays: `MAX([a, b])` becomes `MAX( a, b )`, position by position. Elsewhere
// there are none.
std::optional<MetricMath::Error> unpack_arrays(std::string& text) {
  static const std::regex aggregate(R"(\b(AVG|MIN|MAX|SUM)\s*\()");
  const std::string original = text;
  for (std::sregex_iterator at(original.begin(), original.end(), aggregate), end; at != end; ++at) {
    const auto after = static_cast<std::size_t>(at->position() + at->length());
    const std::size_t open = original.find_first_not_of(' ', after);
    if (open == std::string::npos || original[open] != '[') {
      return MetricMath::Error{at->str(1) + " is taken over an array: " + at->str(1) + "([m1, m2])",
                               static_cast<std::size_t>(at->position())};
    }
    int depth = 0;
    std::size_t close = open;
    for (; close < original.size(); ++close) {
      if (original[close] == '[') ++depth;
      if (original[close] == ']' && --depth == 0) break;
    }
    const std::size_t next =
        close < original.size() ? original.find_first_not_of(' ', close + 1) : std::string::npos;
    if (next == std::string::npos || original[next] != ')') {
      return MetricMath::Error{"this array does not end in '])'", open};
    }
    text[open] = text[close] = ' ';
  }
  const std::size_t left = text.find_first_of("[]");
  if (left == std::string::npos) return std::nullopt;
  return MetricMath::Error{"arrays stand only in AVG, MIN, MAX and SUM", left};
}

std::optional<MetricMath::Error> check_fills(const std::string& text) {
  static const std::regex fill_of(R"(\bFILL\s*\()"), of_id(R"(\bFILL\s*\(\s*[a-z]\w*\s*,[^,]*)");
  for (std::sregex_iterator at(text.begin(), text.end(), fill_of), end; at != end; ++at) {
    const auto begin = text.begin() + at->position();
    if (std::regex_search(begin, text.end(), of_id, std::regex_constants::match_continuous)) {
      continue;
    }
    return MetricMath::Error{"FILL takes an id and a number: FILL(m1, 0)",
                             static_cast<std::size_t>(at->position())};
  }
  return std::nullopt;
}

// muParser would complain of the parenthesis behind an unknown function.
std::optional<MetricMath::Error> check_words(const std::string& text,
                                             const std::vector<std::string>& ids) {
  static const std::regex word(R"([A-Za-z_]\w*)");
  static const std::set<std::string> known = {"AND", "OR",  "ABS", "CEIL", "FLOOR", "FILL",
                                              "IF",  "AVG", "MIN", "MAX",  "SUM"};
  for (std::sregex_iterator at(text.begin(), text.end(), word), end; at != end; ++at) {
    const bool of_number =
        at->position() > 0 && std::isdigit(static_cast<unsigned char>(
                                  text[static_cast<std::size_t>(at->position()) - 1]));
    if (of_number || known.contains(at->str()) ||
        std::find(ids.begin(), ids.end(), at->str()) != ids.end())
      continue;
    return MetricMath::Error{
        fmt::format("'{}' is neither an id of these metrics nor a function", at->str()),
        static_cast<std::size_t>(at->position())};
  }
  return std::nullopt;
}

std::string worded(const mu::ParserError& error) {
  const std::string token = error.GetToken().substr(0, error.GetToken().find(' '));
  switch (error.GetCode()) {
    case mu::ecUNEXPECTED_EOF:
      return "it ends too early";
    case mu::ecMISSING_PARENS:
      return "a parenthesis is missing";
    case mu::ecEMPTY_EXPRESSION:
      return "it is empty";
    case mu::ecTOO_MANY_PARAMS:
    case mu::ecTOO_FEW_PARAMS:
      return fmt::format("'{}' takes another number of arguments", token);
    case mu::ecGENERIC:
      return error.GetMsg();
    default:
      return fmt::format("'{}' is not expected here", token);
  }
}

}  // namespace

struct MetricMath::Parsed {
  mu::Parser parser;
  std::vector<double> values;
  std::vector<bool> used;
  bool fills = false;

  Parsed(const std::string& expression, const std::vector<std::string>& ids)
      : values(ids.size(), missing), used(ids.size(), false) {
    define_words(parser);
    for (std::size_t i = 0; i < ids.size(); ++i) parser.DefineVar(ids[i], &values[i]);
    parser.SetExpr(expression);
    for (const auto& [name, variable] : parser.GetUsedVar()) {
      const auto found = std::find(ids.begin(), ids.end(), name);
      if (found != ids.end()) used[static_cast<std::size_t>(found - ids.begin())] = true;
    }
    parser.Eval();  // throws what is wrong
    fills = expression.find("FILL") != std::string::npos;
  }
};

bool MetricMath::is_id(const std::string& id) {
  static const std::regex pattern("[a-z][A-Za-z0-9_]*");
  return std::regex_match(id, pattern);
}

std::optional<MetricMath::Error> MetricMath::check(const std::string& expression,
                                                   const std::vector<std::string>& ids) {
  std::string text = expression;
  if (auto error = unpack_arrays(text)) return error;
  if (auto error = check_words(text, ids)) return error;
  if (auto error = check_fills(text)) return error;
  try {
    const Parsed parsed(text, ids);
    if (std::count(parsed.used.begin(), parsed.used.end(), true) == 0) {
      return Error{"it names none of the metrics", 0};
    }
  } catch (const mu::ParserError& error) {
    const auto position = static_cast<std::size_t>(std::max(error.GetPos(), 0));
    return Error{worded(error), std::min(position, expression.size())};
  }
  return std::nullopt;
}

MetricMath::MetricMath(const std::string& expression, const std::vector<std::string>& ids) {
  WT_CHECK(!check(expression, ids), "an expression that the reader accepted is wrong");
  std::string text = expression;
  unpack_arrays(text);
  parsed_ = std::make_unique<Parsed>(text, ids);
}
MetricMath::MetricMath(MetricMath&&) noexcept = default;
MetricMath& MetricMath::operator=(MetricMath&&) noexcept = default;
MetricMath::~MetricMath() = default;

std::optional<double> MetricMath::evaluate(const std::vector<std::optional<double>>& values) {
  bool any = parsed_->fills;
  for (std::size_t i = 0; i < values.size(); ++i) {
    any |= parsed_->used[i] && values[i].has_value();
    parsed_->values[i] = values[i].value_or(missing);
  }
  if (!any) return std::nullopt;
  const double result = parsed_->parser.Eval();
  return std::isfinite(result) ? std::optional(result) : std::nullopt;
}

}  // namespace windtunnel
