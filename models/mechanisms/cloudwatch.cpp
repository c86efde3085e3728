#include "models/mechanisms/cloudwatch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

#include "models/mechanisms/alarm.hpp"

namespace windtunnel {

namespace {

using sim::Duration;
using sim::Time;

constexpr const char* component_name = "(cloudwatch)";
constexpr Duration coarsest_phase = std::chrono::minutes(5);

std::string key_of(std::string_view component, std::string_view metric) {
  return fmt::format("{}\n{}", component, metric);
}

struct NamedKind {
  const char* word;
  Statistic::Kind kind;
};
constexpr std::array named_kinds = {
    NamedKind{"Average", Statistic::Kind::average}, NamedKind{"Sum", Statistic::Kind::sum},
    NamedKind{"Minimum", Statistic::Kind::minimum}, NamedKind{"Maximum", Statistic::Kind::maximum},
    NamedKind{"SampleCount", Statistic::Kind::sample_count}};

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

// The value whose step holds the rank; nothing without a histogram.
std::optional<double> percentile_of(const StatisticSet& set, double percentile) {
  if (set.histogram.empty()) {
    return set.minimum == set.maximum ? std::optional(set.minimum) : std::nullopt;
  }
  std::uint64_t records = 0;
  for (const auto& [step, count] : set.histogram) records += count;
  const double rank = std::max(1.0, std::ceil(percentile / 100 * static_cast<double>(records)));
  std::uint64_t seen = 0;
  for (const auto& [step, count] : set.histogram) {
    seen += count;
    if (static_cast<double>(seen) >= rank) {
      return sim::Histogram::middle_of(step) * 1e-9 * set.histogram_scale;
    }
  }
  return set.maximum;
}

}  // namespace

void StatisticSet::add(double value, double weight) {
  minimum = empty() ? value : std::min(minimum, value);
  maximum = empty() ? value : std::max(maximum, value);
  sum += value * weight;
  sample_count += weight;
}

void StatisticSet::merge(const StatisticSet& other) {
  if (other.empty()) return;
  minimum = empty() ? other.minimum : std::min(minimum, other.minimum);
  maximum = empty() ? other.maximum : std::max(maximum, other.maximum);
  sum += other.sum;
  sample_count += other.sample_count;
  if (other.histogram.empty()) return;
  histogram_scale = other.histogram_scale;
  decltype(histogram) both;
  both.reserve(histogram.size() + other.histogram.size());
  std::merge(histogram.begin(), histogram.end(), other.histogram.begin(), other.histogram.end(),
             std::back_inserter(both));
  histogram.clear();
  for (const auto& [step, count] : both) {
    if (!histogram.empty() && histogram.back().first == step) {
      histogram.back().second += count;
    } else {
      histogram.emplace_back(step, count);
    }
  }
}

std::optional<Statistic> Statistic::of(std::string_view word) {
  for (const NamedKind& named : named_kinds) {
    if (same_word(word, named.word)) return Statistic{.kind = named.kind};
  }
  if (word.size() < 2 || std::tolower(static_cast<unsigned char>(word[0])) != 'p') return {};
  double percentile = 0;
  const char* end = word.data() + word.size();
  const auto [stopped, error] =
      std::from_chars(word.data() + 1, end, percentile, std::chars_format::fixed);
  if (error != std::errc() || stopped != end || !(percentile > 0 && percentile <= 100)) return {};
  return Statistic{.kind = Kind::percentile, .percentile = percentile};
}

std::string Statistic::word() const {
  for (const NamedKind& named : named_kinds) {
    if (named.kind == kind) return named.word;
  }
  return fmt::format("p{}", percentile);
}

std::optional<double> Statistic::of(const StatisticSet& set) const {
  if (set.empty()) return std::nullopt;
  switch (kind) {
    case Kind::average:
      return set.sum / set.sample_count;
    case Kind::sum:
      return set.sum;
    case Kind::minimum:
      return set.minimum;
    case Kind::maximum:
      return set.maximum;
    case Kind::sample_count:
      return set.sample_count;
    case Kind::percentile:
      return percentile_of(set, percentile);
  }
  return std::nullopt;
}

// Metrics of sim/metrics.hpp -----------------------------------------------------------------

class MetricReader : public MetricPublisher {
 public:
  // The warm-up is about to end: metrics begin anew.
  virtual void on_before_restart(Time) {}
};

namespace {

class Growth final : public MetricReader {
 public:
  Growth(const sim::Counter& counter, bool zeros, double scale)
      : counter_(counter), zeros_(zeros), scale_(scale) {}
  void collect(std::uint32_t, Time, Time, StatisticSet& out) override {
    const std::uint64_t grown = counter_.total() - std::exchange(last_, counter_.total());
    if (grown > 0 || zeros_) out.add(static_cast<double>(grown) * scale_);
  }

 private:
  const sim::Counter& counter_;
  bool zeros_;
  double scale_;
  std::uint64_t last_ = 0;
};

class Sample final : public MetricReader {
 public:
  Sample(const sim::Level& level, double scale) : level_(level), scale_(scale) {}
  void collect(std::uint32_t, Time, Time, StatisticSet& out) override {
    out.add(static_cast<double>(level_.value()) * scale_);
  }

 private:
  const sim::Level& level_;
  double scale_;
};

class Mean final : public MetricReader {
 public:
  Mean(const sim::Level& level, double scale) : level_(level), scale_(scale) {}
  void collect(std::uint32_t, Time, Time to, StatisticSet& out) override {
    const double total = level_.total(to);
    const double length = sim::seconds(to - std::exchange(since_, to));
    if (length > 0) out.add((total - std::exchange(last_, total)) / length * scale_);
  }

 private:
  const sim::Level& level_;
  double scale_;
  double last_ = 0;
  Time since_ = sim::time_zero;
};

// Extremes are those of the histogram's steps.
class Records final : public MetricReader {
 public:
  Records(const sim::Histogram& histogram, double scale)
      : histogram_(histogram), scale_(scale), last_(sim::Histogram::size) {}
  void collect(std::uint32_t, Time, Time, StatisticSet& out) override {
    take();
    out = std::exchange(pending_, {});
  }
  void on_before_restart(Time) override {
    take();
    std::fill(last_.begin(), last_.end(), 0);
    last_sum_ = 0;
    last_count_ = 0;
  }

 private:
  void take() {
    if (histogram_.count() == last_count_) return;
    StatisticSet grown;
    grown.histogram_scale = scale_;
    for (std::size_t step = 0; step < last_.size(); ++step) {
      const std::uint64_t records = histogram_.counts()[step];
      const std::uint64_t more = records - std::exchange(last_[step], records);
      if (more == 0) continue;
      grown.add(sim::Histogram::middle_of(step) * 1e-9 * scale_, static_cast<double>(more));
      grown.histogram.emplace_back(static_cast<std::uint32_t>(step), more);
    }
    grown.sum = (histogram_.sum() - std::exchange(last_sum_, histogram_.sum())) * scale_;
    last_count_ = histogram_.count();
    pending_.merge(grown);
  }

  const sim::Histogram& histogram_;
  double scale_;
  std::vector<std::uint64_t> last_;
  double last_sum_ = 0;
  std::uint64_t last_count_ = 0;
  StatisticSet pending_;
};

}  // namespace

// CloudWatch ---------------------------------------------------------------------------------

CloudWatch::CloudWatch(sim::Simulation& sim)
    : Component(sim, component_name),
      phase_(sim::from_seconds(stream("phase of the wall clock").uniform() *
                               sim::seconds(coarsest_phase))) {}

CloudWatch::~CloudWatch() = default;

CloudWatch& CloudWatch::of(sim::Simulation& sim) {
  sim::Component* found = sim.find_component(component_name);
  if (found == nullptr) found = &sim.add(std::make_unique<CloudWatch>(sim));
  return static_cast<CloudWatch&>(*found);
}

MetricIndex CloudWatch::publish(Publication publication, MetricPublisher& publisher,
                                std::uint32_t which) {
  WT_CHECK(!started_, "metrics are published before the run");
  WT_CHECK(publication.period > Duration::zero(), "a metric has a period");
  const auto index = static_cast<MetricIndex>(metrics_.size());
  const std::string key = key_of(publication.component, publication.name);
  WT_CHECK(by_name_.emplace(key, index).second, "a component publishes a metric twice");
  sim::Stream chance =
      stream(fmt::format("delay of {} {}", publication.component, publication.name));
  metrics_.push_back({.publication = std::move(publication),
                      .publisher = &publisher,
                      .which = which,
                      .delay_chance = chance});
  return index;
}

MetricIndex CloudWatch::publish_reader(Publication publication,
                                       std::unique_ptr<MetricReader> reader) {
  readers_.push_back(std::move(reader));
  return publish(std::move(publication), *readers_.back());
}

MetricIndex CloudWatch::publish_growth(Publication publication, const sim::Counter& counter,
                                       bool zeros) {
  const double scale = publication.scale;
  return publish_reader(std::move(publication), std::make_unique<Growth>(counter, zeros, scale));
}

MetricIndex CloudWatch::publish_sample(Publication publication, const sim::Level& level) {
  const double scale = publication.scale;
  return publish_reader(std::move(publication), std::make_unique<Sample>(level, scale));
}

MetricIndex CloudWatch::publish_mean(Publication publication, const sim::Level& level) {
  const double scale = publication.scale;
  return publish_reader(std::move(publication), std::make_unique<Mean>(level, scale));
}

MetricIndex CloudWatch::publish_records(Publication publication, const sim::Histogram& histogram) {
  const double scale = publication.scale;
  return publish_reader(std::move(publication), std::make_unique<Records>(histogram, scale));
}

std::optional<MetricIndex> CloudWatch::find(std::string_view component,
                                            std::string_view metric) const {
  const auto found = by_name_.find(key_of(component, metric));
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

const CloudWatch::Publication& CloudWatch::publication(MetricIndex metric) const {
  return metrics_.at(metric).publication;
}

std::string CloudWatch::full_name(MetricIndex metric) const {
  const Publication& p = publication(metric);
  std::string name = fmt::format("{} {}", p.space, p.name);
  for (const auto& [dimension, value] : p.dimensions) {
    name += fmt::format(" {}={}", dimension, value);
  }
  return name;
}

void CloudWatch::watch(MetricIndex index, Duration range) {
  WT_CHECK(!started_, "metrics are watched from the start of the run");
  Metric& metric = metrics_.at(index);
  // A window may begin up to one period before the range.
  metric.kept = std::max(metric.kept, range + metric.publication.period);
  if (std::exchange(metric.watched, true)) return;
  const Duration period = metric.publication.period;
  auto round = std::find_if(rounds_.begin(), rounds_.end(),
                            [&](const Round& r) { return r.period == period; });
  if (round == rounds_.end()) round = rounds_.insert(round, {.period = period, .metrics = {}});
  round->metrics.push_back(index);
}

void CloudWatch::start() {
  started_ = true;
  for (std::size_t i = 0; i < rounds_.size(); ++i) {
    const Duration period = rounds_[i].period;
    sim().at<&CloudWatch::on_period_end>(start_of_period(sim().now(), period) + period, this, i,
                                         sim::Turn::sample);
  }
  // The last moment before the run's metrics begin anew: turn fault of the warm-up's end.
  const Duration warm_up = sim().options().warm_up;
  if (warm_up > Duration::zero()) {
    sim().at<&CloudWatch::on_before_restart>(sim::time_zero + warm_up - Duration(1), this, 0,
                                             sim::Turn::sample);
  }
  for (const auto& alarm : alarms_) alarm->start();
}

// Turn `sample`: all the traffic of this instant counts.
void CloudWatch::on_period_end(std::uint64_t index) {
  const Round& round = rounds_[index];
  const Time now = sim().now();
  for (const MetricIndex metric : round.metrics) collect(metrics_[metric], now - round.period);
  sim().at<&CloudWatch::on_period_end>(now + round.period, this, index, sim::Turn::sample);
}

void CloudWatch::on_before_restart() {
  for (const auto& reader : readers_) reader->on_before_restart(sim().now());
}

void CloudWatch::collect(Metric& metric, Time from) {
  const Time now = sim().now();
  auto& periods = metric.periods;
  while (!periods.empty() && periods.front().start < now - metric.kept) periods.pop_front();
  // Drawn for each period, published or not: one topology's delays are those of its variants.
  const Duration delay =
      std::min(metric.publication.delay.sample(metric.delay_chance), sim::horizon_limit);
  StatisticSet set;
  metric.publisher->collect(metric.which, from, now, set);
  if (set.empty()) return;
  periods.push_back({.start = from, .readable = now + delay, .set = std::move(set)});
}

std::vector<CloudWatch::Datapoint> CloudWatch::read(MetricIndex metric, Statistic statistic,
                                                    Duration period, Duration range) const {
  const Time end = start_of_period(sim().now(), publication(metric).period);
  return read_until(metric, statistic, period, static_cast<std::size_t>(range / period), end);
}

std::vector<CloudWatch::Datapoint> CloudWatch::read_until(MetricIndex index, Statistic statistic,
                                                          Duration period, std::size_t windows,
                                                          Time end) const {
  const Metric& metric = metrics_.at(index);
  const Time now = sim().now();
  const Time begin = end - period * static_cast<std::int64_t>(windows);
  WT_CHECK(metric.watched && begin >= now - metric.kept,
           "a metric is read further back than it is watched");
  WT_CHECK(period % metric.publication.period == Duration::zero(),
           "a period is a multiple of the metric's own");
  std::vector<Datapoint> datapoints;
  const auto& periods = metric.periods;
  auto at = std::lower_bound(periods.begin(), periods.end(), begin,
                             [](const Period& p, Time date) { return p.start < date; });
  while (at != periods.end() && at->start < end) {
    const Time start = begin + (at->start - begin) / period * period;
    StatisticSet merged;
    Time readable = sim::time_zero;
    for (; at != periods.end() && at->start < start + period; ++at) {
      if (at->readable > now) continue;
      merged.merge(at->set);
      readable = std::max(readable, at->readable);
    }
    const std::optional<double> value = statistic.of(merged);
    if (value) datapoints.push_back({start, readable, *value, merged.sample_count});
  }
  return datapoints;
}

Time CloudWatch::start_of_period(Time date, Duration period) const {
  Duration into = (date.time_since_epoch() + phase_) % period;
  if (into < Duration::zero()) into += period;
  return date - into;
}

Alarm& CloudWatch::put_alarm(AlarmSettings settings, AlarmListener* listener) {
  WT_CHECK(!started_, "alarms are put before the run");
  WT_CHECK(find_alarm(settings.name) == nullptr, "two alarms have one name");
  alarms_.push_back(std::make_unique<MetricAlarm>(*this, std::move(settings)));
  if (listener != nullptr) alarms_.back()->add_listener(*listener);
  return *alarms_.back();
}

Alarm* CloudWatch::find_alarm(std::string_view name) const {
  for (const auto& alarm : alarms_) {
    if (alarm->settings().name == name) return alarm.get();
  }
  return nullptr;
}

}  // namespace windtunnel
