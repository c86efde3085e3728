// CloudWatch: the only eye of every controller. Services publish metrics; at the end of each period
// of a metric that somebody looks at, CloudWatch collects a statistic set from the service, which
// can be read after the service's publish delay. Alarms and scaling policies see nothing else.
// Periods are those of the wall clock: a run begins at a random second of a five-minute period,
// drawn once a replication. One store serves all regions. Left out: PutMetricData's own quotas,
// retention beyond what alarms read, anomaly detection, metric streams, trimmed means, values of
// the current period that are visible early.
//
// Changed from the first draft: watch() says how far back it will read; Publication has a scale,
// Datapoint its number of samples; Statistic::of() a set may be nothing; read_until() reads several
// metrics over the same windows.
#pragma once

#include <cstdint>
#include <deque>
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
  std::vector<std::pair<std::uint32_t, std::uint64_t>> histogram;  // step of sim::Histogram, count
  double histogram_scale = 1;                                      // as in Publication

  bool empty() const { return sample_count == 0; }
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
  // Nothing for a percentile of a set that has no histogram and more than one value.
  std::optional<double> of(const StatisticSet& set) const;
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
class MetricAlarm;
class MetricReader;  // collects a metric of sim/metrics.hpp
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
    double scale = 1;  // publish_growth() and the others multiply by it: 1000 for milliseconds

    // The same under another name.
    Publication named(std::string_view metric) const {
      Publication other = *this;
      other.name = metric;
      return other;
    }
  };
  // In the constructor or in wire(), so that whoever looks for it in attach() finds it. Metrics
  // that nobody watches cost nothing.
  MetricIndex publish(Publication publication, MetricPublisher& publisher, std::uint32_t which = 0);
  // For the metrics of sim/metrics.hpp: a counter's growth in the period (nothing where it is 0,
  // unless `zeros`), a level's value at the period's end, a level's mean over the period, the
  // records of a histogram. The end of the warm-up, which restarts those, is no hole in them; a
  // publisher of its own reads Counter::total() and Level::total().
  MetricIndex publish_growth(Publication publication, const sim::Counter& counter,
                             bool zeros = false);
  MetricIndex publish_sample(Publication publication, const sim::Level& level);
  MetricIndex publish_mean(Publication publication, const sim::Level& level);
  MetricIndex publish_records(Publication publication, const sim::Histogram& histogram);

  std::optional<MetricIndex> find(std::string_view component, std::string_view metric) const;
  const Publication& publication(MetricIndex metric) const;
  // "AWS/EC2 CPUUtilization AutoScalingGroupName=web-asg"
  std::string full_name(MetricIndex metric) const;

  // Collection of a metric begins with its first watcher. In attach() at the latest. `range`: how
  // far back it will read; older datapoints are forgotten.
  void watch(MetricIndex metric, sim::Duration range = std::chrono::hours(1));

  struct Datapoint {
    sim::Time start;     // of the period: AWS's timestamp
    sim::Time readable;  // when the newest of what it holds could first be read
    double value;
    double sample_count = 1;
  };
  // The readable datapoints of the last `range`, newest last, aggregated over windows of `period`,
  // a multiple of the metric's own, that end at the end of the newest period that has ended;
  // windows without a published value are absent.
  std::vector<Datapoint> read(MetricIndex metric, Statistic statistic, sim::Duration period,
                              sim::Duration range) const;
  // The same of `windows` windows that end at `end`.
  std::vector<Datapoint> read_until(MetricIndex metric, Statistic statistic, sim::Duration period,
                                    std::size_t windows, sim::Time end) const;

  // The start of the period of the wall clock that `date` lies in. Hours and days begin less than
  // five minutes before the run.
  sim::Time start_of_period(sim::Time date, sim::Duration period) const;

  // Alarms live as long as the run. In attach() at the latest.
  Alarm& put_alarm(AlarmSettings settings, AlarmListener* listener);
  Alarm* find_alarm(std::string_view name) const;

  explicit CloudWatch(sim::Simulation& sim);
  ~CloudWatch() override;
  void start() override;

  // For the test that holds the declared metrics against the published ones.
  std::size_t publications() const { return metrics_.size(); }

 private:
  struct Period {
    sim::Time start, readable;
    StatisticSet set;
  };
  struct Metric {
    Publication publication;
    MetricPublisher* publisher;
    std::uint32_t which;
    sim::Stream delay_chance;
    bool watched = false;
    sim::Duration kept{0};
    std::deque<Period> periods{};  // newest last; those without values are not there
  };
  struct Round {  // metrics with one period are collected together
    sim::Duration period;
    std::vector<MetricIndex> metrics;
  };

  MetricIndex publish_reader(Publication publication, std::unique_ptr<MetricReader> reader);
  void on_period_end(std::uint64_t round);
  void on_before_restart();
  void collect(Metric& metric, sim::Time from);

  sim::Duration phase_;  // of the wall clock in a five-minute period when the run begins
  bool started_ = false;
  std::deque<Metric> metrics_;  // never moved: others hold publications
  std::map<std::string, MetricIndex, std::less<>> by_name_;  // "component metric"
  std::vector<Round> rounds_;
  std::vector<std::unique_ptr<MetricReader>> readers_;
  std::vector<std::unique_ptr<MetricAlarm>> alarms_;
};

}  // namespace windtunnel
