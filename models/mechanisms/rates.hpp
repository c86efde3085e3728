// Rates of arrivals over time, piece by piece: what recorded counts, profiles and their products
// have in common. A piece's rate is a straight line; its integral is kept as such, so that totals
// are exact.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "models/mechanisms/arrivals.hpp"
#include "sim/random.hpp"
#include "sim/time.hpp"

namespace windtunnel {

struct RatePiece {
  sim::Duration start{0}, end{0};
  double expected = 0;  // arrivals within it
  double slope = 0;     // of the rate, per second squared

  double length() const { return sim::seconds(end - start); }
  // Requests a second at `seconds` after the start.
  double rate(double seconds) const {
    return expected / length() + slope * (seconds - length() / 2);
  }
  // The part within [from, to); its length may be 0.
  RatePiece within(sim::Duration from, sim::Duration to) const;
};

class Rates {
 public:
  virtual ~Rates() = default;
  // The next piece, behind the one before; between pieces nothing comes. False: there is none.
  virtual bool next(RatePiece& piece) = 0;
  // How long it lasts, once next() was false.
  virtual sim::Duration length() const { return sim::forever; }
};

// Arrivals at these rates: a Poisson process whose rate follows them, or evenly spaced by their
// integral, the n-th where it reaches n - 1/2: whole counts of a bin are exact then.
std::unique_ptr<ArrivalSource> arrivals_at(std::unique_ptr<Rates> rates, bool evenly,
                                           sim::Stream chance);

// The product, as numbers per second; 0 where one of them has no piece.
std::unique_ptr<Rates> product(std::unique_ptr<Rates> a, std::unique_ptr<Rates> b);

// Counted anew in bins of this width from 0 on.
std::unique_ptr<Rates> resampled(std::unique_ptr<Rates> rates, sim::Duration bin);

// Pieces that are there already: for tests.
std::unique_ptr<Rates> given_rates(std::vector<RatePiece> pieces);

}  // namespace windtunnel
