// A CloudWatch alarm: OK, ALARM or INSUFFICIENT_DATA from M of N datapoints of one metric or of an
// expression over several. It looks once a minute (periods of 60 s and more), every ten seconds
// (10, 20, 30 s), at a phase of its own. It fetches more datapoints than N (the evaluation range):
// with N real ones in range the treatment of missing data is not used (rule 17). Actions run when
// the state changes; Auto Scaling's also once a minute while it stays in ALARM (rule 9). It begins
// in INSUFFICIENT_DATA.
//
// The evaluation range is N + 2 periods: AWS gives only the example 5 for 3. A breaching
// datapoint's age, which the rule against premature transitions asks for, counts from when it could
// be read: a late datapoint says nothing of missing ones.
//
// A transition is no milestone of a fault: an alarm does nothing by itself, and scaling alarms go
// to ALARM without any. Who acts on one notes what it does.
//
// Changed from the first draft: Alarm is the base of metric alarms and of composite ones;
// ignore_low_samples in the settings; the port.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/metric_math.hpp"

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
  // EvaluateLowSampleCountPercentile `ignore`: the state stays while a percentile has fewer than
  // 10 / (1 - p) samples (10 / p below the median).
  bool ignore_low_samples = false;
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
  // Of the datapoints: when the oldest breaching could be read; the start of the run if none is.
  sim::Time first_breaching_readable{};
};

// A real datapoint of the evaluation range. Age counts periods from 1, the newest.
struct Sighting {
  bool breaching;
  std::int64_t age;
};
// What M out of N say, real datapoints newest last; nothing: the state stays.
std::optional<AlarmState> verdict_of(const AlarmSettings& settings, std::span<const Sighting> real);

// The states of an alarm and who hears of them; metric alarms and composite ones decide when.
class Alarm : public sim::Entity {
 public:
  const AlarmSettings& settings() const { return settings_; }
  AlarmState state() const { return state_; }
  sim::Time state_since() const { return since_; }
  const AlarmEvidence& evidence() const { return evidence_; }
  void add_listener(AlarmListener& listener) { listeners_.push_back(&listener); }

 protected:
  // `owner` has the transitions in the log.
  Alarm(sim::Component& owner, AlarmSettings settings);
  // To another state; `reason` is AWS's StateReason.
  void change(AlarmState state, const std::string& reason);
  void act();  // the actions of ALARM
  AlarmEvidence evidence_;

 private:
  sim::Component& owner_;
  AlarmSettings settings_;
  AlarmState state_ = AlarmState::insufficient_data;
  sim::Time since_{};
  std::vector<AlarmListener*> listeners_;
};

// "alarm": a component that is an alarm. Listeners may come before it is attached. A composite one
// takes no Auto Scaling actions (AWS); "metric_alarm" is the port of those that do.
class AlarmPort {
 public:
  virtual ~AlarmPort() = default;
  virtual AlarmState state() const = 0;
  virtual void add_listener(AlarmListener& listener) = 0;
};

// Made by CloudWatch::put_alarm().
class MetricAlarm final : public Alarm {
 public:
  MetricAlarm(CloudWatch& cloudwatch, AlarmSettings settings);
  void start();

 private:
  void on_tick();
  void evaluate();
  std::size_t range() const { return settings().evaluation_periods + 2; }
  bool breaches(double value) const;
  std::vector<CloudWatch::Datapoint> fetch();
  std::vector<CloudWatch::Datapoint> fetch_expression(sim::Time end);
  bool too_few_samples() const;
  std::string reason(AlarmState state) const;

  CloudWatch& cloudwatch_;
  std::optional<MetricMath> math_;
  sim::Duration resolution_{0};  // the coarsest of its metrics
  sim::Duration tick_;
  std::int64_t ticks_per_evaluation_ = 1;
  std::int64_t ticks_ = 0;
  sim::Time acted_{};
};

}  // namespace windtunnel
