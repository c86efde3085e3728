#include "models/mechanisms/alarm_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "models/mechanisms/alarm.pb.h"
#include "models/mechanisms/scaling_metrics.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/schema.pb.h"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using namespace std::chrono_literals;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using settings::MetricStat;
using settings::PutMetricAlarm;
using sim::Duration;

constexpr int metrics_of_an_expression = 10;

Comparison comparison_of(PutMetricAlarm::ComparisonOperator comparison) {
  switch (comparison) {
    case PutMetricAlarm::GreaterThanThreshold:
      return Comparison::greater_than;
    case PutMetricAlarm::LessThanThreshold:
      return Comparison::less_than;
    case PutMetricAlarm::LessThanOrEqualToThreshold:
      return Comparison::less_than_or_equal;
    default:
      return Comparison::greater_than_or_equal;
  }
}

MissingData missing_data_of(PutMetricAlarm::TreatMissingData treatment) {
  switch (treatment) {
    case PutMetricAlarm::breaching:
      return MissingData::breaching;
    case PutMetricAlarm::notBreaching:
      return MissingData::not_breaching;
    case PutMetricAlarm::ignore:
      return MissingData::ignore;
    default:
      return MissingData::missing;
  }
}

const schema::Model& model_of(const Message& settings) {
  return settings.GetDescriptor()->options().GetExtension(schema::model);
}

// "LOAD_BALANCER/TARGET_GROUP" is published by the component LOAD_BALANCER.
std::string owner_of(const MetricStat& metric) {
  return metric.component().substr(0, metric.component().find('/'));
}

std::vector<MetricQuery> metric_queries(const CloudWatch& cloudwatch, const MetricStats& metrics) {
  std::vector<MetricQuery> queries;
  for (const MetricStat& metric : metrics) {
    const auto statistic = Statistic::of(metric.stat());
    WT_CHECK(statistic.has_value(), "a statistic that the reader should have refused");
    queries.push_back(
        {.id = metric.id().empty() ? fmt::format("m{}", queries.size() + 1) : metric.id(),
         .metric = labelled_metric(cloudwatch, metric.component(), metric.metric_name()),
         .statistic = *statistic});
  }
  return queries;
}

std::string seconds_of(Duration duration) { return fmt::format("{}s", duration / 1s); }

Duration parsed(const std::string& period) {
  std::int64_t seconds = 0;
  const char* end = period.data() + period.size();
  const auto [stopped, error] = std::from_chars(period.data(), end, seconds);
  WT_CHECK(error == std::errc() && std::string_view(stopped, end) == "s" && seconds > 0,
           "a declared metric's period is written 60s");
  return std::chrono::seconds(seconds);
}

bool has_value(const Message& settings, const std::string& field, const std::string& value) {
  const FieldDescriptor* found = settings.GetDescriptor()->FindFieldByName(field);
  return found != nullptr && found->cpp_type() == FieldDescriptor::CPPTYPE_ENUM &&
         settings.GetReflection()->GetEnum(settings, found)->name() == value;
}

// The resolution of a metric with these settings of its component.
Duration resolution_of(const schema::PublishedMetric& metric, const Message& settings) {
  for (const auto& finer : metric.finer()) {
    if (has_value(settings, finer.setting(), finer.value())) return parsed(finer.period());
  }
  return parsed(metric.period());
}

std::string at(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

void check_published(const MetricStat& metric, const std::string& path, SettingsCheck& check) {
  const std::string owner = owner_of(metric);
  const Message* settings = check.settings_of(owner);
  if (settings == nullptr) {
    check.error(path + ".component", fmt::format("no component '{}'{}", owner,
                                                 check.did_you_mean(owner, check.components())));
    return;
  }
  if (published(*settings->GetDescriptor(), metric.metric_name()) != nullptr) return;
  std::vector<std::string> names;
  for (const auto& known : model_of(*settings).publishes()) names.push_back(known.name());
  check.error(path + ".metric_name",
              fmt::format("{} ({}) does not publish '{}'{}{}", owner, model_of(*settings).name(),
                          metric.metric_name(), check.did_you_mean(metric.metric_name(), names),
                          names.empty() ? "; it publishes no metrics" : ""));
}

}  // namespace

AlarmSettings alarm_settings_of(const CloudWatch& cloudwatch, std::string name,
                                const PutMetricAlarm& settings) {
  AlarmSettings alarm;
  alarm.name = std::move(name);
  alarm.metrics = metric_queries(cloudwatch, settings.metrics());
  alarm.expression = settings.expression();
  alarm.period = to_duration(settings.period());
  alarm.comparison = comparison_of(settings.comparison_operator());
  alarm.threshold = settings.threshold();
  alarm.evaluation_periods = static_cast<std::uint32_t>(settings.evaluation_periods());
  alarm.datapoints_to_alarm = settings.has_datapoints_to_alarm()
                                  ? static_cast<std::uint32_t>(settings.datapoints_to_alarm())
                                  : alarm.evaluation_periods;
  alarm.missing_data = missing_data_of(settings.treat_missing_data());
  alarm.ignore_low_samples =
      settings.evaluate_low_sample_count_percentile() == PutMetricAlarm::IGNORE;
  return alarm;
}

const schema::PublishedMetric* published(const Descriptor& model, std::string_view metric) {
  for (const auto& known : model.options().GetExtension(schema::model).publishes()) {
    if (known.name() == metric) return &known;
  }
  return nullptr;
}

void check_metric(const MetricStat& metric, const std::string& path, SettingsCheck& check) {
  check_published(metric, path, check);
  if (Statistic::of(metric.stat())) return;
  check.error(path + ".stat",
              fmt::format("'{}' is not Average, Sum, Minimum, Maximum, SampleCount or a "
                          "percentile, as p99 (CloudWatch API, MetricStat.Stat)",
                          metric.stat()));
}

void check_metrics(const MetricStats& metrics, const std::string& expression,
                   const std::string& path, SettingsCheck& check) {
  const std::string list = at(path, "metrics"), at_expression = at(path, "expression");
  if (metrics.empty()) check.error(list, "is missing: one metric, or those of an expression");
  std::vector<std::string> ids;
  for (int i = 0; i < metrics.size(); ++i) {
    const MetricStat& metric = metrics[i];
    const std::string here = fmt::format("{}.{}", list, i);
    check_metric(metric, here, check);
    ids.push_back(metric.id().empty() ? fmt::format("m{}", i + 1) : metric.id());
    if (!MetricMath::is_id(ids.back())) {
      check.error(here + ".id", fmt::format("'{}' is not a small letter and then letters, digits "
                                            "or _ (CloudWatch API, MetricDataQuery.Id)",
                                            ids.back()));
    } else if (std::count(ids.begin(), ids.end(), ids.back()) > 1) {
      check.error(here + ".id", fmt::format("'{}' names two metrics", ids.back()));
    }
  }
  if (expression.empty()) {
    if (metrics.size() > 1) check.error(list, "several metrics need an expression");
    return;
  }
  if (metrics.size() > metrics_of_an_expression) {
    check.error(list, fmt::format("{} metrics are more than {} (CloudWatch guide, Alarms on math "
                                  "expressions)",
                                  metrics.size(), metrics_of_an_expression));
  }
  if (const auto error = MetricMath::check(expression, ids)) {
    check.error(at_expression, fmt::format("'{}', character {}: {}", expression,
                                           error->position + 1, error->text));
  }
}

void check_period(const MetricStats& metrics, Duration period, const std::string& path,
                  SettingsCheck& check) {
  const std::string here = at(path, "period");
  if (period != 10s && period != 20s && period != 30s && period % 60s != 0s) {
    check.error(here, fmt::format("{} is not 10s, 20s, 30s or a multiple of 60s (CloudWatch API, "
                                  "PutMetricAlarm.Period)",
                                  seconds_of(period)));
    return;
  }
  for (const MetricStat& metric : metrics) {
    const Message* settings = check.settings_of(owner_of(metric));
    const schema::PublishedMetric* known =
        settings == nullptr ? nullptr : published(*settings->GetDescriptor(), metric.metric_name());
    if (known == nullptr) continue;
    const Duration resolution = resolution_of(*known, *settings);
    if (period % resolution == 0s) continue;
    check.error(
        here, fmt::format("{} is {} {}, in which {} publishes {} ({})", seconds_of(period),
                          period < resolution ? "below" : "no multiple of", seconds_of(resolution),
                          metric.component(), metric.metric_name(), known->source()));
  }
}

void check_alarm(const PutMetricAlarm& settings, const std::string& path, SettingsCheck& check) {
  check_metrics(settings.metrics(), settings.expression(), path, check);
  const Duration period = to_duration(settings.period());
  check_period(settings.metrics(), period, path, check);
  const Duration longest = period < 1h ? Duration(24h) : Duration(7 * 24h);
  if (period * settings.evaluation_periods() > longest) {
    check.error(
        at(path, "evaluation_periods"),
        fmt::format("{} periods of {} are longer than {} (CloudWatch API, "
                    "PutMetricAlarm.EvaluationPeriods: one day, seven with periods of an "
                    "hour and more)",
                    settings.evaluation_periods(), seconds_of(period), seconds_of(longest)));
  }
}

}  // namespace windtunnel
