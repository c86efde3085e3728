#include "analysis/recorder.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace windtunnel::analysis {

using sim::Call;
using sim::CallStep;
using sim::Handle;
using sim::Time;

namespace {

constexpr float nothing = std::numeric_limits<float>::quiet_NaN();

bool same(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// Numbers one after another; the repeated end is kept once.
class Numbers {
 public:
  Numbers(std::string statistic, std::string unit)
      : statistic_(std::move(statistic)), unit_(std::move(unit)) {}
  void add(double value) { values_.push_back(static_cast<float>(value)); }
  void fill(const std::string& component, const sim::Metric& metric,
            ReplicationRecord& record) const {
    std::size_t n = values_.size();
    while (n > 1 && same(values_[n - 1], values_[n - 2])) --n;
    auto& series = *record.add_series();
    series.set_component(component);
    series.set_metric(std::string(metric.name()));
    series.set_statistic(statistic_);
    series.set_unit(unit_);
    series.set_sentence(std::string(metric.sentence()));
    series.mutable_values()->Add(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(n));
  }

 private:
  std::string statistic_, unit_;
  std::vector<float> values_;
};

constexpr std::array<std::pair<const char*, double>, 3> quantiles{
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}}};

// What came to a histogram since it was looked at last.
class Fresh {
 public:
  explicit Fresh(const sim::Histogram& histogram)
      : histogram_(histogram), seen_(histogram.counts().size()), fresh_(seen_.size()) {}

  void look() {
    const auto counts = histogram_.counts();
    for (std::size_t i = 0; i < counts.size(); ++i) fresh_[i] = counts[i] - seen_[i];
    std::copy(counts.begin(), counts.end(), seen_.begin());
  }
  void restart() { std::fill(seen_.begin(), seen_.end(), std::uint64_t{0}); }
  const sim::Histogram& histogram() const { return histogram_; }
  const std::vector<std::uint64_t>& counts() const { return fresh_; }

 private:
  const sim::Histogram& histogram_;
  std::vector<std::uint64_t> seen_, fresh_;
};

// Adds the numbers of one interval: how many records, and their quantiles in seconds.
void add_quantiles(const std::vector<std::uint64_t>& counts, std::vector<Numbers>& to) {
  std::uint64_t n = 0;
  for (const std::uint64_t count : counts) n += count;
  to[0].add(static_cast<double>(n));
  std::uint64_t seen = 0;
  std::size_t step = 0;
  for (std::size_t q = 0; q < quantiles.size(); ++q) {
    if (n == 0) {
      to[q + 1].add(nothing);
      continue;
    }
    const auto rank =
        static_cast<std::uint64_t>(std::ceil(quantiles[q].second * static_cast<double>(n)));
    while (seen + counts[step] < rank) seen += counts[step++];
    to[q + 1].add(sim::Histogram::middle_of(step) * 1e-9);
  }
}

std::vector<Numbers> numbers_of_histogram() {
  std::vector<Numbers> numbers{{"SampleCount", "Count"}};
  for (const auto& [name, q] : quantiles) numbers.emplace_back(name, "Seconds");
  return numbers;
}

}  // namespace

class Track {
 public:
  virtual ~Track() = default;
  virtual void sample(Time from, Time to) = 0;
  virtual void restart() {}
  virtual void fill(ReplicationRecord& record) const = 0;
};

namespace {

class CounterTrack final : public Track {
 public:
  CounterTrack(std::string component, const sim::Counter& counter)
      : component_(std::move(component)), counter_(counter) {}
  void sample(Time, Time) override {
    growth_.add(static_cast<double>(counter_.value() - last_));
    last_ = counter_.value();
  }
  void restart() override { last_ = 0; }
  void fill(ReplicationRecord& record) const override {
    growth_.fill(component_, counter_, record);
  }

 private:
  std::string component_;
  const sim::Counter& counter_;
  std::uint64_t last_ = 0;
  Numbers growth_{"Sum", "Count"};
};

class LevelTrack final : public Track {
 public:
  LevelTrack(std::string component, const sim::Level& level)
      : component_(std::move(component)), level_(level) {}
  void sample(Time from, Time to) override {
    const double integral = level_.integral(to);
    mean_.add((integral - last_) / sim::seconds(to - from));
    last_ = integral;
  }
  void restart() override { last_ = 0; }
  void fill(ReplicationRecord& record) const override { mean_.fill(component_, level_, record); }

 private:
  std::string component_;
  const sim::Level& level_;
  double last_ = 0;
  Numbers mean_{"Average", std::string(level_.unit())};
};

class RatioTrack final : public Track {
 public:
  RatioTrack(std::string component, const sim::Ratio& ratio)
      : component_(std::move(component)), ratio_(ratio) {}
  void sample(Time, Time to) override {
    const double part = ratio_.part().integral(to), whole = ratio_.whole().integral(to);
    mean_.add(whole > whole_ ? 100 * (part - part_) / (whole - whole_) : nothing);
    part_ = part;
    whole_ = whole;
  }
  void restart() override { part_ = whole_ = 0; }
  void fill(ReplicationRecord& record) const override { mean_.fill(component_, ratio_, record); }

 private:
  std::string component_;
  const sim::Ratio& ratio_;
  double part_ = 0, whole_ = 0;
  Numbers mean_{"Average", "Percent"};
};

// An eighth of an octave, from a microsecond on; the first bin takes what is shorter.
constexpr std::size_t bins_an_octave = 8, first_octave = 10;
std::size_t bin_of(std::size_t step) {
  const auto ns = static_cast<std::uint64_t>(sim::Histogram::middle_of(step));
  if (ns < (std::uint64_t{1} << first_octave)) return 0;
  const auto octave = static_cast<std::size_t>(std::bit_width(ns)) - 1;
  const std::uint64_t within = (ns - (std::uint64_t{1} << octave)) >> (octave - 3);
  return (octave - first_octave) * bins_an_octave + static_cast<std::size_t>(within) + 1;
}

class HistogramTrack final : public Track {
 public:
  HistogramTrack(std::string component, const sim::Histogram& histogram)
      : component_(std::move(component)), fresh_(histogram) {}
  void sample(Time, Time) override {
    fresh_.look();
    add_quantiles(fresh_.counts(), numbers_);
  }
  void restart() override { fresh_.restart(); }
  const Fresh& fresh() const { return fresh_; }
  void fill(ReplicationRecord& record) const override {
    const sim::Histogram& histogram = fresh_.histogram();
    for (const Numbers& numbers : numbers_) numbers.fill(component_, histogram, record);
    auto& bins = *record.add_histograms();
    bins.set_component(component_);
    bins.set_metric(std::string(histogram.name()));
    bins.set_sentence(std::string(histogram.sentence()));
    const auto counts = histogram.counts();
    for (std::size_t step = 0; step < counts.size(); ++step) {
      if (counts[step] == 0) continue;
      const std::size_t bin = bin_of(step);
      if (bins.counts().empty()) bins.set_first(static_cast<std::uint32_t>(bin));
      const std::size_t place = bin - bins.first();
      while (static_cast<std::size_t>(bins.counts_size()) <= place) bins.add_counts(0);
      bins.set_counts(static_cast<int>(place), bins.counts(static_cast<int>(place)) + counts[step]);
    }
  }

 private:
  std::string component_;
  Fresh fresh_;
  std::vector<Numbers> numbers_ = numbers_of_histogram();
};

// What users feel: the clients' requests together. Sampled after the clients' own tracks.
class ServiceTrack final : public Track {
 public:
  struct Client {
    const sim::Counter *succeeded, *failed;
    const HistogramTrack* latency;
    const sim::Level *users_hit, *users;  // nullptr: it has none
    std::uint64_t good = 0, bad = 0;      // seen so far
  };
  explicit ServiceTrack(std::vector<Client> clients) : clients_(std::move(clients)) {}

  void sample(Time, Time to) override {
    std::vector<std::uint64_t> together(clients_.front().latency->fresh().counts().size());
    std::uint64_t good = 0, bad = 0;
    double hit = 0, users = 0;  // x time since the last restart
    for (Client& client : clients_) {
      good += client.succeeded->value() - std::exchange(client.good, client.succeeded->value());
      bad += client.failed->value() - std::exchange(client.bad, client.failed->value());
      const auto& counts = client.latency->fresh().counts();
      for (std::size_t i = 0; i < counts.size(); ++i) together[i] += counts[i];
      if (client.users == nullptr || client.users_hit == nullptr) continue;
      hit += client.users_hit->integral(to);
      users += client.users->integral(to);
    }
    hit_.add(users > users_ ? (hit - hit_so_far_) / (users - users_) : nothing);
    hit_so_far_ = hit;
    users_ = users;
    const std::uint64_t all = good + bad;
    ratio_.add(all > 0 ? static_cast<double>(good) / static_cast<double>(all) : nothing);
    add_quantiles(together, numbers_);
  }
  void restart() override {
    for (Client& client : clients_) client.good = client.bad = 0;
    hit_so_far_ = users_ = 0;
  }
  void fill(ReplicationRecord& record) const override {
    const sim::Metric& latency = clients_.front().latency->fresh().histogram();
    for (const Numbers& numbers : numbers_) numbers.fill("", latency, record);
    fill_share(ratio_, "SuccessRatio",
               "share of the requests that ended in the interval which succeeded", record);
    fill_share(hit_, "UsersHit",
               "share of the users whose last request failed, or who cannot connect", record);
  }

 private:
  void fill_share(const Numbers& numbers, const char* name, const char* sentence,
                  ReplicationRecord& record) const {
    numbers.fill("", *clients_.front().succeeded, record);
    auto& share = *record.mutable_series(record.series_size() - 1);
    share.set_metric(name);
    share.set_sentence(sentence);
  }

  std::vector<Client> clients_;
  Numbers ratio_{"Average", "1"}, hit_{"Average", "1"};
  double hit_so_far_ = 0, users_ = 0;
  std::vector<Numbers> numbers_ = numbers_of_histogram();
};

std::unique_ptr<Track> track_of(const std::string& component, const sim::Metric& metric) {
  if (const auto* counter = dynamic_cast<const sim::Counter*>(&metric)) {
    return std::make_unique<CounterTrack>(component, *counter);
  }
  if (const auto* level = dynamic_cast<const sim::Level*>(&metric)) {
    return std::make_unique<LevelTrack>(component, *level);
  }
  if (const auto* ratio = dynamic_cast<const sim::Ratio*>(&metric)) {
    return std::make_unique<RatioTrack>(component, *ratio);
  }
  if (const auto* histogram = dynamic_cast<const sim::Histogram*>(&metric)) {
    return std::make_unique<HistogramTrack>(component, *histogram);
  }
  return nullptr;
}

}  // namespace

double lower_end_of_bin(std::size_t bin) {
  if (bin == 0) return 0;
  const std::size_t octave = first_octave + (bin - 1) / bins_an_octave;
  const double within = static_cast<double>((bin - 1) % bins_an_octave) / bins_an_octave;
  return std::ldexp(1 + within, static_cast<int>(octave)) * 1e-9;
}

// ---- the recorder

Recorder::Recorder(sim::Simulation& sim, const Recording& recording)
    : sim_(sim), follower_(sim, std::max(recording.one_request_in(), 1u)) {
  sim.watch(*this, {.interval = sim::Duration(recording.interval()),
                    .events = false,
                    .calls = recording.level() == "requests"});
}

Recorder::~Recorder() = default;

// Metrics may be made until the run begins. A client is told by its metrics.
void Recorder::begin() {
  begun_ = true;
  std::vector<ServiceTrack::Client> clients;
  for (const auto& component : sim_.components()) {
    ServiceTrack::Client client{};
    for (const sim::Metric* metric : component->metrics().all()) {
      auto track = track_of(component->name(), *metric);
      if (!track) continue;
      if (metric->name() == "RequestLatency") {
        client.latency = dynamic_cast<const HistogramTrack*>(track.get());
      }
      const auto* counter = dynamic_cast<const sim::Counter*>(metric);
      if (counter != nullptr && metric->name() == "Succeeded") client.succeeded = counter;
      if (counter != nullptr && metric->name() == "Failed") client.failed = counter;
      const auto* level = dynamic_cast<const sim::Level*>(metric);
      if (level != nullptr && metric->name() == "UsersHit") client.users_hit = level;
      if (level != nullptr && metric->name() == "Users") client.users = level;
      tracks_.push_back(std::move(track));
    }
    if (client.latency && client.succeeded && client.failed) clients.push_back(client);
  }
  if (!clients.empty()) tracks_.push_back(std::make_unique<ServiceTrack>(std::move(clients)));
}

void Recorder::on_sample(Time date) {
  if (!begun_) begin();
  for (const auto& track : tracks_) track->sample(last_, date);
  last_ = date;
}

void Recorder::on_metrics_restarted() {
  for (const auto& track : tracks_) track->restart();
}

void Recorder::on_call(CallStep step, Handle handle, Call& call) {
  follower_.on_call(step, handle, call);
}

void Recorder::fill(ReplicationRecord& record) {
  for (const auto& track : tracks_) track->fill(record);
  for (Span& span : follower_.take_spans()) *record.add_request_calls() = std::move(span);
}

}  // namespace windtunnel::analysis
