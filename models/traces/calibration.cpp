#include "models/traces/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <queue>

#include <fmt/format.h>

#include "models/traces/formats.hpp"

namespace windtunnel::traces {

namespace {

struct Served {
  double came = 0, took = 0;  // seconds; came to the target
  std::uint32_t target = 0;
  bool error = false;
};

constexpr std::size_t targets_max = 10'000;
constexpr int workers_max = 2'000;

class Log final : public Watcher {
 public:
  explicit Log(Calibration& told) : told_(told) {}

  void saw(const Row& row) override {
    if (row.service < Nanoseconds(0)) {
      ++told_.without_time;
      return;
    }
    if (requests.size() == calibrated_max) {
      told_.more = true;
      return;
    }
    if (requests.empty()) first_ = row.at;
    const auto known = targets_.find(row.target);
    std::uint32_t target = 0;
    if (known != targets_.end()) {
      target = known->second;
    } else if (targets_.size() < targets_max) {
      target = static_cast<std::uint32_t>(targets_.size());
      targets_.emplace(row.target, target);
    }
    const Nanoseconds came = row.at - first_ + std::max(row.waited, Nanoseconds(0));
    const int status = row.target_status > 0 ? row.target_status : row.status;
    requests.push_back({std::chrono::duration<double>(came).count(),
                        std::chrono::duration<double>(row.service).count(), target, status >= 500});
    whole_milliseconds =
        whole_milliseconds && row.service % std::chrono::milliseconds(1) == Nanoseconds(0);
  }
  std::size_t targets() const { return targets_.size(); }
  Date first() const { return first_; }

  std::vector<Served> requests;
  bool whole_milliseconds = true;

 private:
  Calibration& told_;
  Date first_{};
  std::map<std::string, std::uint32_t, std::less<>> targets_;
};

// First come, first served: when the workers of each target are free again.
class Workers {
 public:
  Workers(std::size_t targets, int workers)
      : free_(targets), workers_(static_cast<std::size_t>(workers)) {}

  double begins(std::uint32_t target, double came) const {
    const auto& free = free_[target];
    return free.size() < workers_ ? came : std::max(came, free.top());
  }
  void ends(std::uint32_t target, double at) {
    auto& free = free_[target];
    if (free.size() == workers_) free.pop();
    free.push(at);
  }

 private:
  using Earliest = std::priority_queue<double, std::vector<double>, std::greater<>>;
  std::vector<Earliest> free_;
  std::size_t workers_;
};

using Requests = std::vector<Served>;

// Service times if every target had so many workers; `grain` is how finely times are logged.
struct Supposed {
  Sums sums;
  std::uint64_t impossible = 0;  // left before they can have begun
};
Supposed suppose(const Requests& requests, std::size_t end, std::size_t targets, int workers,
                 double grain, std::vector<double>* times = nullptr) {
  Supposed supposed;
  Workers queue(targets, workers);
  for (std::size_t i = 0; i < end; ++i) {
    const Served& request = requests[i];
    const double left = request.came + request.took;
    const double time = left - queue.begins(request.target, request.came);
    queue.ends(request.target, left);
    supposed.impossible += time < -2 * grain;
    supposed.sums.add(std::max(time, grain / 2));
    if (times != nullptr) times->push_back(std::max(time, grain / 2));
  }
  return supposed;
}

// An impossible time costs as much as a request in e^20.
double likelihood(const Supposed& supposed) {
  return fits(supposed.sums).front().log_likelihood - 20 * static_cast<double>(supposed.impossible);
}

int most_at_once(const Requests& requests, std::size_t end, std::size_t targets) {
  std::vector<std::priority_queue<double, std::vector<double>, std::greater<>>> inside(targets);
  std::size_t most = 0;
  for (std::size_t i = 0; i < end; ++i) {
    auto& there = inside[requests[i].target];
    while (!there.empty() && there.top() <= requests[i].came) there.pop();
    there.push(requests[i].came + requests[i].took);
    most = std::max(most, there.size());
  }
  return static_cast<int>(std::min<std::size_t>(most, workers_max));
}

// With as many workers as requests were ever there nobody waited; fewer must explain the log much
// better. Of very many numbers only some are tried, then those around the best.
int likeliest_workers(const Requests& requests, std::size_t end, std::size_t targets, int most,
                      double grain) {
  const auto of = [&](int workers) {
    return likelihood(suppose(requests, end, targets, workers, grain));
  };
  const double none_waits = of(most);
  int best = most;
  double at_best = none_waits + 10;
  const auto attempt = [&](int workers) {
    if (workers < 1 || workers >= most) return;
    const double value = of(workers);
    if (value <= at_best) return;
    at_best = value;
    best = workers;
  };
  const int step = std::max(1, most / 64);
  for (int workers = 1; workers < most; workers += step) attempt(workers);
  const int around = best;
  for (int workers = around - step + 1; step > 1 && workers < around + step; ++workers)
    attempt(workers);
  return best;
}

double quantile(std::vector<double>& values, double q) {
  const auto at = static_cast<std::size_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

// Of sorted times, against as many drawn from the law: Boost has no distribution functions for
// ours.
double distance_of(std::vector<double> times, const sim::Distribution& law) {
  sim::Stream chance(7);
  std::vector<double> drawn(200'000);
  for (double& time : drawn) time = sim::seconds(law.sample(chance));
  std::sort(times.begin(), times.end());
  std::sort(drawn.begin(), drawn.end());
  double most = 0;
  for (std::size_t i = 0, j = 0; i < times.size(); ++i) {
    while (j < drawn.size() && drawn[j] <= times[i]) ++j;
    const double ours = static_cast<double>(i + 1) / static_cast<double>(times.size());
    const double theirs = static_cast<double>(j) / static_cast<double>(drawn.size());
    most = std::max(most, std::abs(ours - theirs));
  }
  return most;
}

Share wilson(std::uint64_t hits, std::uint64_t n) {
  const double z2 = 1.96 * 1.96, of = static_cast<double>(n);
  const double p = of > 0 ? static_cast<double>(hits) / of : 0;
  const double middle = (p + z2 / (2 * of)) / (1 + z2 / of);
  const double reach = 1.96 / (1 + z2 / of) * std::sqrt(p * (1 - p) / of + z2 / (4 * of * of));
  return {p, std::max(0.0, middle - reach), std::min(1.0, middle + reach)};
}

void tell_errors(const Requests& requests, std::size_t end, Calibration& told) {
  std::uint64_t errors = 0, runs = 0;
  double times[2] = {};
  bool before = false;
  for (std::size_t i = 0; i < end; ++i) {
    const bool error = requests[i].error;
    errors += error;
    runs += error && !before;
    before = error;
    times[error] += requests[i].took;
  }
  told.errors = wilson(errors, end);
  told.error_run = runs > 0 ? static_cast<double>(errors) / static_cast<double>(runs) : 0;
  told.error_time = errors > 0 ? times[1] / static_cast<double>(errors) : 0;
  told.success_time = end > errors ? times[0] / static_cast<double>(end - errors) : 0;
}

// The held-out requests come when they did; the model serves them, several times over.
void check(const Requests& requests, std::size_t from, Calibration& told) {
  if (from >= requests.size()) return;
  std::vector<double> measured, predicted;
  std::uint64_t errors = 0;
  for (std::size_t i = from; i < requests.size(); ++i) {
    measured.push_back(requests[i].took);
    errors += requests[i].error;
  }
  const int workers = told.workers > 0 ? told.workers : workers_max;
  const int times = static_cast<int>(std::clamp<std::size_t>(200'000 / measured.size(), 1, 50));
  for (int run = 0; run < times; ++run) {
    sim::Stream chance(static_cast<std::uint64_t>(run) + 1);
    Workers queue(std::max<std::size_t>(told.targets, 1), workers);
    for (std::size_t i = from; i < requests.size(); ++i) {
      const Served& request = requests[i];
      const double left = queue.begins(request.target, request.came) +
                          sim::seconds(told.laws.front().distribution.sample(chance));
      queue.ends(request.target, left);
      predicted.push_back(left - request.came);
    }
  }
  const auto mean = [](const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  };
  told.checked.push_back({"mean", mean(measured), mean(predicted)});
  for (const auto& [name, q] : {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}}) {
    told.checked.push_back({name, quantile(measured, q), quantile(predicted, q)});
  }
  told.checked.push_back({"errors",
                          static_cast<double>(errors) / static_cast<double>(measured.size()),
                          told.errors.value});
}

void read_log(Cut cut, Log& log, Calibration& told, Nanoseconds& resolution) {
  {
    const Opened opened = open_trace(open_file(cut.file), cut.options);
    resolution = opened.reader->resolution;
    told.zone = opened.reader->zone;
    told.format = opened.format->name;
  }
  cut.watcher = &log;
  cut.spread = false;
  cut.paths.clear();
  OpenedCut opened = open_cut(cut, sim::Stream(1));
  if (opened.requests == nullptr) {
    throw Bad{1, 1, "holds counts: a service is calibrated by a log of requests with their times"};
  }
  for (Request request; !told.more && opened.requests->next(request);) {
  }
  if (log.requests.size() < 100) {
    throw Bad{1, 1,
              fmt::format("has {} answered requests with a time of the target; 100 are needed",
                          log.requests.size())};
  }
  std::stable_sort(log.requests.begin(), log.requests.end(),
                   [](const Served& a, const Served& b) { return a.came < b.came; });
}

Calibration calibrated(const Cut& cut, double held_out) {
  Calibration told;
  Log log(told);
  Nanoseconds resolution{0};
  read_log(cut, log, told, resolution);
  const Requests& requests = log.requests;
  const auto n = static_cast<double>(requests.size());
  const auto used = static_cast<std::size_t>(n * (1 - held_out));
  told.from = log.first();
  told.to = told.from + Nanoseconds(std::llround(requests.back().came * 1e9));
  told.requests = requests.size();
  told.held_out = requests.size() - used;
  told.targets = std::max<std::size_t>(log.targets(), 1);
  told.rate = n / std::max(requests.back().came - requests.front().came, 1e-9);
  const double grain = log.whole_milliseconds ? 1e-3 : 1e-6;
  told.seen_at_once = most_at_once(requests, used, told.targets);
  int supposed = workers_max;
  if (resolution < std::chrono::seconds(1)) {
    supposed = likeliest_workers(requests, used, told.targets, told.seen_at_once, grain);
    if (supposed < told.seen_at_once) told.workers = supposed;
  }
  std::vector<double> times;
  told.laws = fits(suppose(requests, used, told.targets, supposed, grain, &times).sums);
  told.distance = distance_of(std::move(times), told.laws.front().distribution);
  tell_errors(requests, used, told);
  check(requests, used, told);
  return told;
}

}  // namespace

Calibration calibrate(const Cut& cut, double held_out) {
  try {
    return calibrated(cut, held_out);
  } catch (Bad& bad) {
    bad.file = cut.file;
    throw;
  }
}

}  // namespace windtunnel::traces
