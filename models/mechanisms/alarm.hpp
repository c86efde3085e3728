// A CloudWatch alarm: OK, ALARM or INSUFFICIENT_DATA from M of N datapoints of one metric or of an
// expression over several. It looks once a minute (periods of 60 s and more), every ten seconds
// (10, 20, 30 s), at a phase of its own. It fetches more datapoints than N (the evaluation range):
// with N real ones in range the treatment of missing data is not used (rule 17). Actions run when
// the state changes; Auto Scaling's also once a minute while it stays in ALARM (rule 9).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/mechanisms/cloudwatch.hpp"

namespace windtunnel {

enum class AlarmState : std::uint8_t { ok, alarm, insufficient_data };
const char* to_string(AlarmState state);  // AWS's words: "OK", "ALARM", "INSUFFICIENT_DATA"

enum class Comparison : std::uint8_t {
  greater_than,
  greater_than_or_equal,
  less_than,
  less_than_or_equal,
};
enum class MissingData : std::uint8_t { missing, breaching, not_breaching, ignore };

// One metric of an alarm or a policy; `id` names it in an expression.
struct MetricQuery {
  std::string id;
  MetricIndex metric = 0;
  Statistic statistic;
};

struct AlarmSettings {
  std::string name;
  std::vector<MetricQuery> metrics;  // one, or those of the expression
  std::string expression;            // metric math; empty: the only metric itself
  sim::Duration period{std::chrono::minutes(1)};
  Comparison comparison = Comparison::greater_than;
  double threshold = 0;
  std::uint32_t evaluation_periods = 1;   // N
  std::uint32_t datapoints_to_alarm = 1;  // M
  MissingData missing_data = MissingData::missing;
};

class AlarmListener {
 public:
  virtual ~AlarmListener() = default;
  // The state changed; alarm.state() is the new one.
  virtual void on_alarm_state(Alarm& alarm, AlarmState before) = 0;
  // The state is ALARM: at the change, and again once a minute while it stays.
  virtual void on_alarm_action(Alarm& alarm) = 0;
};

// What an alarm saw when it was evaluated last.
struct AlarmEvidence {
  std::vector<CloudWatch::Datapoint> datapoints;  // newest last, those of the N that are real
  sim::Time
      first_breaching_readable{};  // of the datapoints: when the oldest breaching could be read
};

}  // namespace windtunnel
