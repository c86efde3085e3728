// Two experiments side by side, replication by replication: with common random numbers the pairs
// see the same traffic, so their differences say more than the two means.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/results_file.hpp"
#include "analysis/statistics.hpp"

namespace windtunnel::analysis {

enum class Change { better, worse, undecided, same };
const char* to_string(Change change);

struct MeasureChange {
  std::string name;
  bool is_share = false;
  std::size_t pairs = 0;                  // replications where both have it, censored ones included
  std::size_t censored = 0;               // of these, pairs with a censored side
  std::optional<double> a, b;             // means over the pairs; none with a censored one
  std::optional<double> difference;       // mean of b - a, in seconds or as a share
  std::optional<Interval> ci95;           // of it
  std::size_t b_better = 0, b_worse = 0;  // pairs
  // By the interval of the mean difference; with a censored pair by the exact interval of the share
  // of pairs in which b is better (a sign test).
  Change change = Change::undecided;
};

// Of every measure that both have; `a` and `b` were run with one seed.
std::vector<MeasureChange> compare(const Results& a, const Results& b);

// Positions of a replication in both that went another way; none: all pairs have one fingerprint.
struct Parted {
  std::size_t in_a, in_b;
};
std::optional<Parted> first_parted(const Results& a, const Results& b);

std::string compare_text(const std::string& name_a, const std::string& name_b, const Results& a,
                         const Results& b, const std::vector<MeasureChange>& changes);

}  // namespace windtunnel::analysis
