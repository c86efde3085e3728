// Popularity by Zipf's law: the object of rank k is asked for with a share proportional to k^-s. A
// draw takes constant time and no memory for any number of objects: rejection-inversion (W.
// Hörmann, G. Derflinger, Rejection-inversion to generate variates from monotone discrete
// distributions, ACM TOMACS 6 (1996) 169-184).
#pragma once

#include <cstdint>

#include "sim/random.hpp"

namespace windtunnel {

class Zipf {
 public:
  // Ranks 1 .. n; s >= 0, 0 is evenly.
  Zipf(std::uint32_t n, double s);

  std::uint32_t draw(sim::Stream& chance) const {
    if (n_ == 1) return 1;
    for (;;) {
      const double u = end_ + chance.uniform() * (start_ - end_);
      const double x = inverse(u);
      const std::uint32_t k = rank_of(x);
      if (k - x <= surely_ || u >= integral(k + 0.5) - density(k)) return k;
    }
  }

 private:
  std::uint32_t rank_of(double x) const {
    return x < 1.5 ? 1 : x >= n_ ? n_ : static_cast<std::uint32_t>(x + 0.5);
  }
  double density(double x) const;   // x^-s
  double integral(double x) const;  // of the density, from 1
  double inverse(double u) const;   // of the integral

  std::uint32_t n_;
  double s_;
  double start_ = 0, end_ = 0;  // of the area that is drawn from
  double surely_ = 0;           // closer to its rank than this, a draw is kept
};

}  // namespace windtunnel
