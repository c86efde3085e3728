// What models report. They declare metrics as members of a nested struct and change them; they
// don't know that files exist. Names are CloudWatch's own where there is one.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/time.hpp"

namespace windtunnel::sim {

class MetricSet;

// Every metric carries its name, unit (CloudWatch's words: Count, Seconds, Percent, None) and one
// sentence.
class Metric {
 public:
  Metric(MetricSet& set, std::string_view name, std::string_view unit, std::string_view sentence);
  Metric(const Metric&) = delete;
  Metric& operator=(const Metric&) = delete;
  virtual ~Metric() = default;

  // Named numbers over the run so far ("sum", "mean", "p99", ...), for results.
  virtual std::vector<std::pair<std::string, double>> summary(Time now) const = 0;
  // Forgets what came before: the end of the warm-up.
  virtual void restart(Time now) = 0;
  // One number for a time series: the count so far, or the value now.
  virtual double reading() const = 0;

  std::string_view name() const { return name_; }
  std::string_view unit() const { return unit_; }
  std::string_view sentence() const { return sentence_; }

 private:
  std::string_view name_, unit_, sentence_;  // literals
};

class MetricSet {
 public:
  const std::vector<Metric*>& all() const { return all_; }

 private:
  friend class Metric;
  std::vector<Metric*> all_;
};

inline Metric::Metric(MetricSet& set, std::string_view name, std::string_view unit,
                      std::string_view sentence)
    : name_(name), unit_(unit), sentence_(sentence) {
  set.all_.push_back(this);
}

// Counts things.
class Counter final : public Metric {
 public:
  Counter(MetricSet& set, std::string_view name, std::string_view sentence)
      : Metric(set, name, "Count", sentence) {}

  void add(std::uint64_t n = 1) { value_ += n; }
  std::uint64_t value() const { return value_; }
  // Since the run began, warm-up included: what CloudWatch takes differences of.
  std::uint64_t total() const { return before_ + value_; }

  std::vector<std::pair<std::string, double>> summary(Time now) const override;
  void restart(Time now) override;
  double reading() const override { return static_cast<double>(value_); }

 private:
  std::uint64_t value_ = 0, before_ = 0;
};

// A number that holds until it changes: queue length, busy workers. Its mean is over time.
class Level final : public Metric {
 public:
  using Metric::Metric;

  void set(Time now, std::int64_t value) {
    integral_ += static_cast<double>(value_) * static_cast<double>((now - since_).count());
    since_ = now;
    value_ = value;
    max_ = std::max(max_, value);
  }
  void add(Time now, std::int64_t change) { set(now, value_ + change); }
  std::int64_t value() const { return value_; }
  std::int64_t max() const { return max_; }
  // Integral of the value over time since the start (or the warm-up's end), value x seconds.
  double integral(Time now) const {
    return (integral_ + static_cast<double>(value_) * static_cast<double>((now - since_).count())) *
           1e-9;
  }
  // The same since the run began, warm-up included.
  double total(Time now) const { return before_ + integral(now); }
  double mean(Time now) const {
    return now > start_ ? integral(now) / seconds(now - start_) : static_cast<double>(value_);
  }

  std::vector<std::pair<std::string, double>> summary(Time now) const override;
  void restart(Time now) override;
  double reading() const override { return static_cast<double>(value_); }

 private:
  std::int64_t value_ = 0, max_ = 0;
  double integral_ = 0;  // value x ns
  double before_ = 0;    // value x seconds, of the warm-up
  Time since_{}, start_{};
};

// Mean of one level over the mean of another, in percent.
class Ratio final : public Metric {
 public:
  Ratio(MetricSet& set, std::string_view name, std::string_view sentence, const Level& part,
        const Level& whole)
      : Metric(set, name, "Percent", sentence), part_(part), whole_(whole) {}

  std::vector<std::pair<std::string, double>> summary(Time now) const override;
  void restart(Time) override {}
  double reading() const override;
  const Level& part() const { return part_; }
  const Level& whole() const { return whole_; }

 private:
  const Level &part_, &whole_;
};

// A distribution of durations, log-linear: 64 steps an octave, so a quantile is within 0.8 % of the
// true one.
class Histogram final : public Metric {
 public:
  Histogram(MetricSet& set, std::string_view name, std::string_view sentence)
      : Metric(set, name, "Seconds", sentence) {}

  void record(Duration d) {
    const auto ns = static_cast<std::uint64_t>(d.count());
    ++counts_[index_of(ns)];
    ++count_;
    sum_ += static_cast<double>(ns);
    max_ = std::max(max_, ns);
  }
  std::uint64_t count() const { return count_; }
  // Seconds; 0 without records.
  double mean() const { return count_ > 0 ? sum_ * 1e-9 / static_cast<double>(count_) : 0; }
  // Seconds, q in [0, 1]; the middle of the step that holds the quantile, 0 without records.
  double quantile(double q) const;
  void merge(const Histogram& other);
  double sum() const { return sum_ * 1e-9; }  // seconds

  // Records by step, for who takes differences between two dates (restart() empties them), and
  // where a step lies, in ns.
  static constexpr std::size_t step_bits = 6;
  static constexpr std::size_t steps = std::size_t{1} << step_bits;  // of an octave
  static constexpr std::size_t size = (64 - step_bits + 1) * steps;
  std::span<const std::uint64_t> counts() const { return *storage_; }
  static double middle_of(std::size_t step);

  std::vector<std::pair<std::string, double>> summary(Time now) const override;
  void restart(Time now) override;
  double reading() const override { return static_cast<double>(count_); }

 private:
  static std::size_t index_of(std::uint64_t ns) {
    if (ns < steps) return static_cast<std::size_t>(ns);
    const auto octave = static_cast<std::size_t>(std::bit_width(ns)) - step_bits;
    return octave * steps + static_cast<std::size_t>((ns >> (octave - 1)) - steps);
  }

  std::unique_ptr<std::array<std::uint64_t, size>> storage_ =
      std::make_unique<std::array<std::uint64_t, size>>();
  std::uint64_t* counts_ = storage_->data();
  std::uint64_t count_ = 0, max_ = 0;
  double sum_ = 0;  // ns
};

}  // namespace windtunnel::sim
