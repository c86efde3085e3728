// From a user's alarm to CloudWatch's, and what is checked of both before the run: who publishes
// what, which periods a metric serves, metric math.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <optional>
#include <string>
#include <string_view>

#include "models/mechanisms/alarm.hpp"

namespace google::protobuf {
class Descriptor;
}

namespace windtunnel {

class SettingsCheck;

namespace schema {
class PublishedMetric;
}
namespace settings {
class MetricStat;
class PutMetricAlarm;
}  // namespace settings

// In attach(): the metrics are there.
AlarmSettings alarm_settings_of(const CloudWatch& cloudwatch, std::string name,
                                const settings::PutMetricAlarm& settings);

// What a model declares of a metric of that name; nullptr: it publishes none.
const schema::PublishedMetric* published(const google::protobuf::Descriptor& model,
                                         std::string_view metric);

// Of settings that were read; `path` is where it stands in them. The metric is published, its
// statistic is one of CloudWatch's.
void check_metric(const settings::MetricStat& metric, const std::string& path,
                  SettingsCheck& check);
// And ids are as CloudWatch's, several metrics have an expression, which can be evaluated.
using MetricStats = google::protobuf::RepeatedPtrField<settings::MetricStat>;
void check_metrics(const MetricStats& metrics, const std::string& expression,
                   const std::string& path, SettingsCheck& check);
// The metrics serve the period.
void check_period(const MetricStats& metrics, sim::Duration period, const std::string& path,
                  SettingsCheck& check);
// All of it, and the window of an alarm that stands at `path` (empty: it is the component).
void check_alarm(const settings::PutMetricAlarm& settings, const std::string& path,
                 SettingsCheck& check);

}  // namespace windtunnel
