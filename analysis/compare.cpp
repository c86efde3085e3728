#include "analysis/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "analysis/measure_values.hpp"
#include "analysis/text.hpp"

namespace windtunnel::analysis {
namespace {

std::map<std::uint32_t, const ReplicationRecord*> by_number(const Results& results) {
  std::map<std::uint32_t, const ReplicationRecord*> records;
  for (const auto& record : results.records) records.emplace(record.replication(), &record);
  return records;
}

// -1: b is better, 1: worse, 0: alike, or not known. A censored replication has not come back by
// the horizon, so it is worse than any that has.
int order(const MeasureValue& a, const MeasureValue& b, double sign) {
  if (a.censored != b.censored) return a.censored ? -1 : 1;
  if (a.censored) return 0;
  const double difference = sign * (b.value - a.value);
  return difference < 0 ? -1 : difference > 0 ? 1 : 0;
}

Change judge_signs(const MeasureChange& change) {
  const Interval share = share_interval(change.b_better, change.b_better + change.b_worse);
  if (share.low > 0.5) return Change::better;
  if (share.high < 0.5) return Change::worse;
  return Change::undecided;
}

Change judge(const MeasureChange& change, double sign) {
  if (change.pairs == 0) return Change::undecided;
  if (change.b_better + change.b_worse == 0 && change.censored == 0) return Change::same;
  if (change.censored > 0) return judge_signs(change);
  if (!change.ci95) return Change::undecided;
  const double low = sign > 0 ? change.ci95->low : -change.ci95->high;
  const double high = sign > 0 ? change.ci95->high : -change.ci95->low;
  return high < 0 ? Change::better : low > 0 ? Change::worse : Change::undecided;
}

MeasureChange compare_one(const std::string& measure, const Results& a, const Results& b) {
  MeasureChange change;
  change.name = measure;
  change.is_share = is_share(measure);
  const double sign = more_is_better(measure) ? -1 : 1;
  std::vector<double> of_a, of_b, differences;
  const auto others = by_number(b);
  for (const auto& record : a.records) {
    const auto other = others.find(record.replication());
    if (other == others.end()) continue;
    const MeasureValue left = value_of(record.measures(), measure);
    const MeasureValue right = value_of(other->second->measures(), measure);
    if (!left.exists || !right.exists) continue;
    ++change.pairs;
    const int way = order(left, right, sign);
    change.b_better += way < 0;
    change.b_worse += way > 0;
    if (left.censored || right.censored) {
      ++change.censored;
      continue;
    }
    of_a.push_back(left.value);
    of_b.push_back(right.value);
    differences.push_back(right.value - left.value);
  }
  if (change.pairs > 0 && change.censored == 0) {
    change.a = mean_of(of_a);
    change.b = mean_of(of_b);
    change.difference = mean_of(differences);
    change.ci95 = mean_interval(differences);
  }
  change.change = judge(change, sign);
  return change;
}

std::string value_text(double value, bool is_share) {
  return is_share ? share_text(value) : duration_text(value);
}

// With its sign; of shares in percentage points.
std::string difference_text(double value, bool is_share) {
  if (is_share) return fmt::format("{:+.2f} points", value * 100);
  return value > 0 ? "+" + duration_text(value) : duration_text(value);
}

}  // namespace

const char* to_string(Change change) {
  switch (change) {
    case Change::better:
      return "better";
    case Change::worse:
      return "worse";
    case Change::undecided:
      return "undecided";
    case Change::same:
      return "the same";
  }
  return "?";
}

std::vector<MeasureChange> compare(const Results& a, const Results& b) {
  std::vector<MeasureChange> changes;
  for (const std::string& measure : measure_names()) {
    MeasureChange change = compare_one(measure, a, b);
    if (change.pairs > 0) changes.push_back(std::move(change));
  }
  return changes;
}

std::optional<Parted> first_parted(const Results& a, const Results& b) {
  for (std::size_t i = 0; i < a.records.size(); ++i) {
    for (std::size_t k = 0; k < b.records.size(); ++k) {
      if (a.records[i].replication() != b.records[k].replication()) continue;
      if (a.records[i].fingerprint() != b.records[k].fingerprint()) return Parted{i, k};
    }
  }
  return std::nullopt;
}

std::string compare_text(const std::string& name_a, const std::string& name_b, const Results& a,
                         const Results& b, const std::vector<MeasureChange>& changes) {
  const auto pairs = [&] {
    std::size_t n = 0;
    for (const auto& change : changes) n = std::max(n, change.pairs);
    return n;
  };
  std::string text = fmt::format("A  {}  {}\nB  {}  {}\nseed {}, {} replications in pairs\n\n",
                                 a.header.experiment(), name_a, b.header.experiment(), name_b,
                                 a.header.seed(), pairs());
  constexpr const char* row = "{:<20} {:>12} {:>12}   {:<44} {}\n";
  text += fmt::format(fmt::runtime(row), "", "A", "B", "B - A [95 %]", "B is");
  for (const MeasureChange& change : changes) {
    std::string difference = "-";
    if (change.difference) {
      difference = difference_text(*change.difference, change.is_share);
      if (change.ci95) {
        difference += fmt::format(" [{}, {}]", difference_text(change.ci95->low, change.is_share),
                                  difference_text(change.ci95->high, change.is_share));
      }
    } else if (change.censored > 0) {
      difference = fmt::format("better in {}, worse in {} of {} pairs", change.b_better,
                               change.b_worse, change.pairs);
    }
    const auto mean = [&](const std::optional<double>& value) {
      return value ? value_text(*value, change.is_share) : std::string("censored");
    };
    text += fmt::format(fmt::runtime(row), change.name, mean(change.a), mean(change.b), difference,
                        to_string(change.change));
  }
  return text;
}

}  // namespace windtunnel::analysis
