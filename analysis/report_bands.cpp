#include "analysis/report_bands.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "analysis/statistics.hpp"

namespace windtunnel::analysis {
namespace {

using nlohmann::json;

constexpr std::size_t intervals_max = 720;

double in_seconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

// A line over time; one that never changes is one number.
json line_of(const std::vector<double>& values) {
  const auto same = [&](double v) {
    return v == values.front() || (std::isnan(v) && std::isnan(values.front()));
  };
  if (!values.empty() && std::all_of(values.begin(), values.end(), same)) {
    return short_number(values.front());
  }
  json line = json::array();
  for (const double value : values) line.push_back(short_number(value));
  return line;
}

struct Band {
  std::vector<double> low, middle, high;
};

// `rows` hold one value an interval each; NaN where there is none.
Band band_of(const std::vector<std::vector<double>>& rows) {
  Band band;
  std::vector<double> sample;
  for (std::size_t i = 0; i < rows.front().size(); ++i) {
    sample.clear();
    for (const auto& row : rows) {
      if (!std::isnan(row[i])) sample.push_back(row[i]);
    }
    std::sort(sample.begin(), sample.end());
    const auto at = [&](double q) { return sample.empty() ? NAN : quantile(sample, q); };
    band.low.push_back(at(0.1));
    band.middle.push_back(at(0.5));
    band.high.push_back(at(0.9));
  }
  return band;
}

void add_band(const Band& band, json& data) {
  data["p10"] = line_of(band.low);
  data["p50"] = line_of(band.middle);
  data["p90"] = line_of(band.high);
}

// How many intervals are drawn as one.
std::size_t together_of(std::size_t intervals) {
  return std::max<std::size_t>((intervals + intervals_max - 1) / intervals_max, 1);
}

// The mean of those that have a value.
std::vector<double> coarser(const std::vector<double>& values, std::size_t together) {
  if (together == 1) return values;
  std::vector<double> result;
  for (std::size_t begin = 0; begin < values.size(); begin += together) {
    double sum = 0;
    int n = 0;
    for (std::size_t i = begin; i < std::min(begin + together, values.size()); ++i) {
      if (std::isnan(values[i])) continue;
      sum += values[i];
      ++n;
    }
    result.push_back(n > 0 ? sum / n : NAN);
  }
  return result;
}

std::size_t size_of_lines(const json& data) {
  std::size_t size = 0;
  for (const char* line : {"p10", "p50", "p90", "worst"}) {
    if (data.contains(line)) size += data[line].is_array() ? data[line].size() : 1;
  }
  return size;
}

// One series with the position of its replication.
struct Row {
  std::size_t position;
  const Series* series;
};

class SeriesBands {
 public:
  SeriesBands(const Results& results, const Summary& summary)
      : summary_(summary),
        interval_(results.header.recording().interval()),
        intervals_(interval_ > 0 ? static_cast<std::size_t>(results.header.horizon() / interval_)
                                 : 0) {}

  double interval() const {
    return in_seconds(interval_) * static_cast<double>(together_of(intervals_));
  }

  json data_of(const std::vector<Row>& rows) const {
    const Series& first = *rows.front().series;
    // Sums become rates, so that intervals of any length can be read.
    const bool is_sum = first.statistic() == "Sum" || first.statistic() == "SampleCount";
    const double scale = is_sum ? 1 / in_seconds(interval_) : 1;
    std::vector<std::vector<double>> values;
    json data{{"component", first.component()},
              {"metric", first.metric()},
              {"statistic", first.statistic()},
              {"unit", is_sum ? "1/s" : first.unit()},
              {"sentence", first.sentence()}};
    for (const Row& row : rows) {
      values.push_back(coarser(values_of(*row.series, scale), together_of(intervals_)));
      const bool is_told = first.component().empty() && summary_.worst == row.position;
      if (is_told) data["worst"] = line_of(values.back());
    }
    add_band(band_of(values), data);
    return data;
  }

 private:
  std::vector<double> values_of(const Series& series, double scale) const {
    std::vector<double> values(intervals_, NAN);
    const int n = series.values_size();
    for (std::size_t i = 0; n > 0 && i < intervals_; ++i) {
      values[i] = double{series.values(std::min(static_cast<int>(i), n - 1))} * scale;
    }
    return values;
  }

  const Summary& summary_;
  std::int64_t interval_;
  std::size_t intervals_;
};

}  // namespace

json short_number(double value) {
  if (!std::isfinite(value)) return nullptr;
  if (value == 0) return 0;
  const double magnitude = std::pow(10, 3 - std::floor(std::log10(std::abs(value))));
  const double rounded = std::round(value * magnitude) / magnitude;
  constexpr double exact = 1e15;
  if (rounded == std::floor(rounded) && std::abs(rounded) < exact) {
    return static_cast<std::int64_t>(rounded);
  }
  return rounded;
}

json series_data(const Results& results, const Summary& summary, std::size_t& room) {
  using Key = std::tuple<std::string, std::string, std::string>;
  std::vector<Key> keys;
  std::map<Key, std::vector<Row>> rows;
  std::size_t recorded = 0;
  for (std::size_t i = 0; i < results.records.size(); ++i) {
    recorded += results.records[i].series_size() > 0;
    for (const Series& series : results.records[i].series()) {
      const Key key{series.component(), series.metric(), series.statistic()};
      auto& of_key = rows[key];
      if (of_key.empty()) keys.push_back(key);
      of_key.push_back({i, &series});
    }
  }
  std::stable_partition(keys.begin(), keys.end(),
                        [](const Key& key) { return std::get<0>(key).empty(); });
  const SeriesBands bands(results, summary);
  json all = json::array();
  std::size_t left_out = 0;
  for (const Key& key : keys) {
    json one = bands.data_of(rows[key]);
    const std::size_t size = size_of_lines(one);
    if (size > room) {
      ++left_out;
      continue;
    }
    room -= size;
    all.push_back(std::move(one));
  }
  return {{"interval", bands.interval()},
          {"series", all},
          {"left_out", left_out},
          {"replications", recorded}};
}

json windows_data(const Results& results, const Summary& summary) {
  int windows = 0;
  for (const auto& record : results.records) {
    windows = std::max(windows, record.windows().arrived_size());
  }
  if (windows == 0) return nullptr;
  const auto together = static_cast<int>(together_of(static_cast<std::size_t>(windows)));
  json data{{"interval", in_seconds(results.header.service_level().window()) * together}};
  std::vector<std::vector<double>> rows;
  for (std::size_t i = 0; i < results.records.size(); ++i) {
    const auto& of_record = results.records[i].windows();
    std::vector<double>& row = rows.emplace_back();
    for (int begin = 0; begin < windows; begin += together) {
      std::uint64_t arrived = 0, good = 0;
      for (int w = begin; w < std::min(begin + together, of_record.arrived_size()); ++w) {
        arrived += of_record.arrived(w);
        good += of_record.good(w);
      }
      row.push_back(arrived > 0 ? static_cast<double>(good) / static_cast<double>(arrived) : NAN);
    }
    if (summary.worst == i) data["worst"] = line_of(row);
  }
  add_band(band_of(rows), data);
  return data;
}

}  // namespace windtunnel::analysis
