#include "models/mechanisms/alarm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace windtunnel {

namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Time;
using Datapoint = CloudWatch::Datapoint;

// As AWS writes doubles: "70.0".
std::string number(double value) {
  std::string text = fmt::format("{:.12g}", value);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

// Where AWS has the date and time of day: since the start of the run.
std::string clock_of(Time date) {
  const auto s = std::chrono::floor<std::chrono::seconds>(date.time_since_epoch()).count();
  const auto size = std::abs(s);
  return fmt::format("{}{:02}:{:02}:{:02}", s < 0 ? "-" : "", size / 3600, size / 60 % 60,
                     size % 60);
}

const char* words_of(Comparison comparison) {
  switch (comparison) {
    case Comparison::greater_than:
      return "greater than";
    case Comparison::greater_than_or_equal:
      return "greater than or equal to";
    case Comparison::less_than:
      return "less than";
    case Comparison::less_than_or_equal:
      return "less than or equal to";
  }
  return "?";
}

std::string counted(std::size_t n, const std::string& thing) {
  return fmt::format("{} {}{}", n, thing, n == 1 ? "" : "s");
}
const char* was(std::size_t n) { return n == 1 ? "was" : "were"; }

// With fewer real datapoints than N and nothing to fill the gaps with.
std::optional<AlarmState> verdict_of_few(const AlarmSettings& settings,
                                         std::span<const Sighting> real) {
  const bool keep = settings.missing_data == MissingData::ignore;
  const auto stay_or = [&](AlarmState state) { return keep ? std::nullopt : std::optional(state); };
  if (real.empty()) return stay_or(AlarmState::insufficient_data);
  if (!std::all_of(real.begin(), real.end(), [](const Sighting& s) { return s.breaching; })) {
    return AlarmState::ok;
  }
  // Nothing but breaching ones. Young ones tell too little, as the next may be in bounds; once the
  // oldest is M old and nothing else has come, that is taken for a breach.
  const bool old_enough = real.front().age >= settings.datapoints_to_alarm;
  return stay_or(old_enough ? AlarmState::alarm : AlarmState::insufficient_data);
}

}  // namespace

const char* to_string(AlarmState state) {
  switch (state) {
    case AlarmState::ok:
      return "OK";
    case AlarmState::alarm:
      return "ALARM";
    case AlarmState::insufficient_data:
      return "INSUFFICIENT_DATA";
  }
  return "?";
}

std::optional<AlarmState> verdict_of(const AlarmSettings& settings,
                                     std::span<const Sighting> real) {
  const std::size_t n = settings.evaluation_periods, m = settings.datapoints_to_alarm;
  if (real.size() > n) real = real.last(n);
  const std::size_t filled = n - real.size();
  std::size_t breaching = static_cast<std::size_t>(std::count_if(
      real.begin(), real.end(), [](const Sighting& sighting) { return sighting.breaching; }));
  if (settings.missing_data == MissingData::breaching) breaching += filled;
  if (breaching >= m) return AlarmState::alarm;
  const bool nothing_to_fill_with =
      settings.missing_data == MissingData::missing || settings.missing_data == MissingData::ignore;
  if (filled > 0 && nothing_to_fill_with) return verdict_of_few(settings, real);
  return AlarmState::ok;
}

// Alarm --------------------------------------------------------------------------------------

Alarm::Alarm(sim::Component& owner, AlarmSettings settings)
    : Entity(owner, "alarm " + settings.name),
      owner_(owner),
      settings_(std::move(settings)),
      since_(sim().now()) {}

void Alarm::change(AlarmState state, const std::string& reason) {
  if (state == state_) return;
  const AlarmState before = state_;
  state_ = state;
  since_ = sim().now();
  sim().note(sim::Milestone::none, owner_,
             fmt::format("Alarm \"{}\" updated from {} to {}: {}", settings_.name,
                         to_string(before), to_string(state), reason));
  for (AlarmListener* listener : listeners_) listener->on_alarm_state(*this, before);
}

void Alarm::act() {
  for (AlarmListener* listener : listeners_) listener->on_alarm_action(*this);
}

// MetricAlarm --------------------------------------------------------------------------------

MetricAlarm::MetricAlarm(CloudWatch& cloudwatch, AlarmSettings given)
    : Alarm(cloudwatch, std::move(given)), cloudwatch_(cloudwatch) {
  const AlarmSettings& s = settings();
  WT_CHECK(s.datapoints_to_alarm >= 1 && s.datapoints_to_alarm <= s.evaluation_periods,
           "an alarm wants M of N datapoints");
  WT_CHECK(s.expression.empty() ? s.metrics.size() == 1 : !s.metrics.empty(),
           "an alarm has one metric or an expression");
  if (!s.expression.empty()) {
    std::vector<std::string> ids;
    for (const MetricQuery& query : s.metrics) ids.push_back(query.id);
    math_.emplace(s.expression, ids);
  }
  for (const MetricQuery& query : s.metrics) {
    const Duration resolution = cloudwatch.publication(query.metric).period;
    WT_CHECK(s.period % resolution == 0s, "an alarm's period is a multiple of its metric's");
    resolution_ = std::max(resolution_, resolution);
    cloudwatch.watch(query.metric, s.period * static_cast<std::int64_t>(range() + 1));
  }
  tick_ = s.period < 60s ? 10s : 60s;
  if (s.period * static_cast<std::int64_t>(s.evaluation_periods) > 24h) {
    ticks_per_evaluation_ = 1h / tick_;
  }
}

void MetricAlarm::start() {
  sim::Stream chance = stream("phase of alarm " + settings().name);
  const Duration phase = sim::from_seconds(chance.uniform() * sim::seconds(tick_));
  sim().after<&MetricAlarm::on_tick>(phase, this, 0, sim::Turn::control);
}

void MetricAlarm::on_tick() {
  sim().after<&MetricAlarm::on_tick>(tick_, this, 0, sim::Turn::control);
  const AlarmState before = state();
  if (ticks_++ % ticks_per_evaluation_ == 0) evaluate();
  if (state() != AlarmState::alarm) return;
  if (before == AlarmState::alarm && sim().now() - acted_ < 60s) return;
  acted_ = sim().now();
  act();
}

void MetricAlarm::evaluate() {
  const std::vector<Datapoint> fetched = fetch();
  std::vector<Sighting> real;
  for (const Datapoint& datapoint : fetched) {
    real.push_back({.breaching = breaches(datapoint.value),
                    .age = 1 + (sim().now() - datapoint.readable) / settings().period});
  }
  const std::size_t counted = std::min<std::size_t>(settings().evaluation_periods, fetched.size());
  evidence_.datapoints.assign(fetched.end() - static_cast<std::ptrdiff_t>(counted), fetched.end());
  const auto first = std::find_if(evidence_.datapoints.begin(), evidence_.datapoints.end(),
                                  [&](const Datapoint& d) { return breaches(d.value); });
  evidence_.first_breaching_readable =
      first == evidence_.datapoints.end() ? sim::time_zero : first->readable;
  if (settings().ignore_low_samples && too_few_samples()) return;
  const std::optional<AlarmState> verdict = verdict_of(settings(), real);
  if (verdict && *verdict != state()) change(*verdict, reason(*verdict));
}

bool MetricAlarm::breaches(double value) const {
  const double threshold = settings().threshold;
  switch (settings().comparison) {
    case Comparison::greater_than:
      return value > threshold;
    case Comparison::greater_than_or_equal:
      return value >= threshold;
    case Comparison::less_than:
      return value < threshold;
    case Comparison::less_than_or_equal:
      return value <= threshold;
  }
  return false;
}

std::vector<Datapoint> MetricAlarm::fetch() {
  const Time end = cloudwatch_.start_of_period(sim().now(), resolution_);
  if (math_) return fetch_expression(end);
  const MetricQuery& query = settings().metrics.front();
  return cloudwatch_.read_until(query.metric, query.statistic, settings().period, range(), end);
}

std::vector<Datapoint> MetricAlarm::fetch_expression(Time end) {
  struct Window {
    std::vector<std::optional<double>> values;
    Time readable;
    double samples = 0;
  };
  const Duration period = settings().period;
  const auto count = static_cast<std::int64_t>(range());
  const Time begin = end - period * count;
  std::vector<Window> windows(range());
  for (std::int64_t i = 0; i < count; ++i) {
    Window& window = windows[static_cast<std::size_t>(i)];
    window.values.resize(settings().metrics.size());
    window.readable = begin + period * (i + 1);
  }
  for (std::size_t id = 0; id < settings().metrics.size(); ++id) {
    const MetricQuery& query = settings().metrics[id];
    for (const Datapoint& datapoint :
         cloudwatch_.read_until(query.metric, query.statistic, period, range(), end)) {
      Window& window = windows[static_cast<std::size_t>((datapoint.start - begin) / period)];
      window.values[id] = datapoint.value;
      window.readable = std::max(window.readable, datapoint.readable);
      window.samples += datapoint.sample_count;
    }
  }
  std::vector<Datapoint> datapoints;
  for (std::int64_t i = 0; i < count; ++i) {
    Window& window = windows[static_cast<std::size_t>(i)];
    const std::optional<double> value = math_->evaluate(window.values);
    if (value) datapoints.push_back({begin + period * i, window.readable, *value, window.samples});
  }
  return datapoints;
}

bool MetricAlarm::too_few_samples() const {
  if (math_ || evidence_.datapoints.empty()) return false;
  const Statistic& statistic = settings().metrics.front().statistic;
  if (statistic.kind != Statistic::Kind::percentile || statistic.percentile == 100) return false;
  const double p = statistic.percentile / 100;
  double samples = 0;
  for (const Datapoint& datapoint : evidence_.datapoints) samples += datapoint.sample_count;
  return samples < 10 / (p < 0.5 ? p : 1 - p);
}

std::string MetricAlarm::reason(AlarmState state) const {
  const AlarmSettings& s = settings();
  const std::size_t n = s.evaluation_periods, filled = n - evidence_.datapoints.size();
  if (state == AlarmState::insufficient_data) {
    return fmt::format("Insufficient Data: {} {} unknown.", counted(filled, "datapoint"),
                       was(filled));
  }
  const bool alarm = state == AlarmState::alarm;
  std::string shown;
  std::size_t such = 0;
  for (const Datapoint& datapoint : evidence_.datapoints) {
    if (breaches(datapoint.value) != alarm) continue;
    ++such;
    shown += fmt::format("{}{} ({})", shown.empty() ? "" : ", ", number(datapoint.value),
                         clock_of(datapoint.start));
  }
  std::string text = "Threshold Crossed: ";
  if (evidence_.datapoints.empty()) {
    text += fmt::format("no datapoints were received for {}", counted(n, "period"));
  } else if (such > 0) {
    text += fmt::format("{} out of the last {} [{}] {} {}{} the threshold ({})", such,
                        counted(evidence_.datapoints.size(), "datapoint"), shown, was(such),
                        alarm ? "" : "not ", words_of(s.comparison), number(s.threshold));
  } else {
    text += fmt::format("no datapoint {} {} the threshold ({})", alarm ? "was" : "was not",
                        words_of(s.comparison), number(s.threshold));
  }
  const bool filling =
      s.missing_data == MissingData::breaching || s.missing_data == MissingData::not_breaching;
  if (filled > 0 && filling) {
    text +=
        fmt::format(" and {} {} treated as [{}]", counted(filled, "missing datapoint"), was(filled),
                    s.missing_data == MissingData::breaching ? "Breaching" : "NonBreaching");
  }
  const std::size_t minimum = alarm ? s.datapoints_to_alarm : n - s.datapoints_to_alarm + 1;
  return text + fmt::format(" (minimum {} for {} transition).", counted(minimum, "datapoint"),
                            alarm ? "OK -> ALARM" : "ALARM -> OK");
}

}  // namespace windtunnel
