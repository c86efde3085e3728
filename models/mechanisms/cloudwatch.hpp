// CloudWatch: the only eye of every controller. Services publish metrics; at the end of each period
// of a metric that somebody looks at, CloudWatch collects a statistic set from the service, which
// can be read after the service's publish delay. Alarms and scaling policies see nothing else.
// Periods are those of the wall clock: a run begins at a random second of a five-minute period,
// drawn once a replication. One store serves all regions. Left out: PutMetricData's own quotas,
// retention beyond what alarms read, anomaly detection, metric streams, trimmed means.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/distribution.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

// What is kept of one period. Percentiles come from the histogram, where there is one.
struct StatisticSet {
  double sum = 0, minimum = 0, maximum = 0;
  double sample_count = 0;                                         // 0: nothing was published
  std::vector<std::pair<std::uint32_t, std::uint32_t>> histogram;  // step of sim::Histogram, count

  void add(double value, double weight = 1);
  void merge(const StatisticSet& other);
};

struct Statistic {
  enum class Kind : std::uint8_t { average, sum, minimum, maximum, sample_count, percentile };
  Kind kind = Kind::average;
  double percentile = 0;  // (0, 100]

  // "Average", "Sum", "p99.9", ...; case does not matter. Nothing: not a statistic.
  static std::optional<Statistic> of(std::string_view word);
  std::string word() const;
  double of(const StatisticSet& set) const;
};

// Whoever knows a metric's values.
class MetricPublisher {
 public:
  virtual ~MetricPublisher() = default;
  // The period [from, to) has ended (it is `to` now); `which` is the number given to publish().
  // Leaving `out` empty publishes nothing, as AWS does where nothing happened. Every period is
  // asked for once, in order, as soon as somebody watches the metric; the first may begin before
  // the run.
  virtual void collect(std::uint32_t which, sim::Time from, sim::Time to, StatisticSet& out) = 0;
};

using MetricIndex = std::uint32_t;

class Alarm;
struct AlarmSettings;
class AlarmListener;

class CloudWatch final : public sim::Component {
 public:
  // The one of this run; made when first asked for. Ask in a constructor, wire() or attach().
  static CloudWatch& of(sim::Simulation& sim);

  struct Publication {
    std::string component;  // the name of the component, by which users refer to the metric
    std::string space;      // "AWS/EC2"
    std::string name;       // "CPUUtilization"
    std::vector<std::pair<std::string, std::string>> dimensions;
    sim::Duration period{std::chrono::minutes(1)};  // its resolution
    sim::Distribution delay;                        // from a period's end until it can be read
  };
  // In the constructor or in wire(), so that whoever looks for it in attach() finds it. Metrics
  // that nobody watches cost nothing.
  MetricIndex publish(Publication publication, MetricPublisher& publisher, std::uint32_t which = 0);
  // For the metrics of sim/metrics.hpp: a counter's growth in the period (nothing where it is 0,
  // unless `zeros`), a level's value at the period's end, a level's mean over the period, the
  // records of a histogram.
  MetricIndex publish_growth(Publication publication, const sim::Counter& counter,
                             bool zeros = false);
  MetricIndex publish_sample(Publication publication, const sim::Level& level);
  MetricIndex publish_mean(Publication publication, const sim::Level& level);
  MetricIndex publish_records(Publication publication, const sim::Histogram& histogram);

  std::optional<MetricIndex> find(std::string_view component, std::string_view metric) const;
  const Publication& publication(MetricIndex metric) const;
  // "AWS/EC2 CPUUtilization AutoScalingGroupName=web-asg"
  std::string full_name(MetricIndex metric) const;

  // Collection of a metric begins with its first watcher. In attach() at the latest.
  void watch(MetricIndex metric);

  struct Datapoint {
    sim::Time start;     // of the period: AWS's timestamp
    sim::Time readable;  // when it could first be read
    double value;
  };
  // The readable datapoints of [now - range, now), newest last, aggregated over windows of `period`
  // that end at the end of the newest period that has ended; windows without a published value are
  // absent.
  std::vector<Datapoint> read(MetricIndex metric, Statistic statistic, sim::Duration period,
                              sim::Duration range) const;

  // A datapoint that was published just now or will be at `date`: how far the wall clock is into
  // its period.
  sim::Time start_of_period(sim::Time date, sim::Duration period) const;

  // Alarms live as long as the run. In attach() at the latest.
  Alarm& put_alarm(AlarmSettings settings, AlarmListener* listener);
  Alarm* find_alarm(std::string_view name) const;

  explicit CloudWatch(sim::Simulation& sim);
  ~CloudWatch() override;
  void start() override;
};

}  // namespace windtunnel
