// How a simulated figure is held against a closed form. The rule: at least 20 replications, warm-up
// cut, fixed seed 1; the half-width of the 95 % interval at most 0.5 % of the target (other limits
// are stated at the point); and
//   |mean - target| <= 3.5 standard errors + 0.2 % of the target.
// With a share of the work (support/work.hpp) it is 5 standard errors, and the other limits widen.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "analysis/statistics.hpp"
#include "tests/support/work.hpp"

namespace windtunnel::theory {

struct Point {
  std::string id;                                             // of the table of closed forms
  std::string what;                                           // model, parameters, metric, formula
  double formula;                                             // recomputed in the test
  double tabulated;                                           // the table's figure, six digits
  std::function<double(std::uint64_t replication)> simulate;  // replications count from 1
  double half_width = 0.005;
  int replications = 20;

  friend void PrintTo(const Point& point, std::ostream* out) {
    *out << point.id << ' ' << point.what;
  }
};

inline void check(const Point& point) {
  ASSERT_NEAR(point.formula, point.tabulated, 1e-5 * std::abs(point.tabulated)) << point.what;
  std::vector<double> values;
  for (int r = 1; r <= point.replications; ++r) {
    values.push_back(point.simulate(static_cast<std::uint64_t>(r)));
  }
  const double n = static_cast<double>(values.size());
  double mean = 0, squares = 0;
  for (const double v : values) mean += v / n;
  for (const double v : values) squares += (v - mean) * (v - mean);
  const double error = std::sqrt(squares / (n - 1) / n);
  const double half_width = 2.093 * error;  // Student's t, 19 degrees of freedom
  std::printf("%s  %s: %.6g, simulated %.6g +- %.2f %%\n", point.id.c_str(), point.what.c_str(),
              point.formula, mean, 100 * half_width / point.formula);
  const bool all = test::work_share() == 1;
  EXPECT_LE(half_width, test::widened((all ? 1 : 1.5) * point.half_width) * point.formula)
      << point.what << ": not sharp enough to tell";
  EXPECT_LE(std::abs(mean - point.formula),
            (all ? 3.5 : 5) * error + test::widened(0.002) * point.formula)
      << point.what << ": " << mean << " instead of " << point.formula;
}

inline std::string id_of(const testing::TestParamInfo<Point>& info) { return info.param.id; }

}  // namespace windtunnel::theory
