// The rule of a composite alarm: ALARM("a") AND NOT (OK(b) OR INSUFFICIENT_DATA(c)), TRUE, FALSE.
// NOT binds before AND, AND before OR. muParser reads it. Left out: AT_LEAST.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/alarm.hpp"

namespace windtunnel {

class AlarmRule {
 public:
  // ALARM(name): the alarm named is in that state.
  struct Term {
    AlarmState state;
    std::string alarm;
  };
  // What is wrong with a rule.
  static std::optional<MetricMath::Error> check(const std::string& rule);

  // The rule has been checked.
  explicit AlarmRule(const std::string& rule);
  AlarmRule(AlarmRule&&) noexcept;
  AlarmRule& operator=(AlarmRule&&) noexcept;
  ~AlarmRule();

  // In the rule's order; an alarm may stand in several.
  const std::vector<Term>& terms() const { return terms_; }
  // With these of the terms true.
  bool holds(const std::vector<bool>& terms);

 private:
  struct Parsed;
  std::vector<Term> terms_;
  std::unique_ptr<Parsed> parsed_;
};

}  // namespace windtunnel
