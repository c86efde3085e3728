// Metric math as scaling policies and alarms use it: one number out of one datapoint each of
// several metrics. + - * / ^, parentheses, comparisons, AND OR && ||, IF, FILL with a number, ABS
// CEIL FLOOR, and AVG MIN MAX SUM over an array ([m1, m2]).
//
// As CloudWatch has it: where at least one of its metrics has a value, missing ones count as 0; a
// division by 0 drops the datapoint; IF drops it where its condition is missing, or where it is
// false and the third argument is missing. Without any value there is no datapoint, unless the
// expression FILLs: then the newest periods, not published yet, are FILLed too (the guide warns of
// that).
//
// Left out: what looks at several dates (AVG of one metric, DIFF, RATE, RUNNING_SUM, FILL with
// REPEAT or LINEAR), METRICS(), SEARCH, SORT, FILL of anything but an id. muParser reads the
// expression.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace windtunnel {

class MetricMath {
 public:
  struct Error {
    std::string text;
    std::size_t position;  // in the expression, from 0
  };
  // What is wrong with an expression over these ids.
  static std::optional<Error> check(const std::string& expression,
                                    const std::vector<std::string>& ids);
  // "m1", "requests": what may name a metric.
  static bool is_id(const std::string& id);

  // The expression has been checked.
  MetricMath(const std::string& expression, const std::vector<std::string>& ids);
  MetricMath(MetricMath&&) noexcept;
  MetricMath& operator=(MetricMath&&) noexcept;
  ~MetricMath();

  // One value for each id, in order; nothing: missing.
  std::optional<double> evaluate(const std::vector<std::optional<double>>& values);

 private:
  struct Parsed;
  std::unique_ptr<Parsed> parsed_;
};

}  // namespace windtunnel
