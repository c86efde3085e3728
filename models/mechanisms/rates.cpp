#include "models/mechanisms/rates.hpp"

#include <algorithm>
#include <boost/random/exponential_distribution.hpp>
#include <cmath>
#include <utility>

namespace windtunnel {

using sim::Duration;

namespace {

// Where, as a share of the piece's length, its integral is `share` of the whole.
double inverse(const RatePiece& piece, double share) {
  const double length = piece.length();
  const double tilt = piece.slope * length * length / piece.expected;  // (last - first) / mean
  if (std::abs(tilt) < 1e-12) return share;
  // (1 - tilt/2) x + tilt/2 x^2 = share; the form that does not cancel.
  const double linear = 1 - tilt / 2;
  const double root = std::sqrt(std::max(0.0, linear * linear + 2 * tilt * share));
  return linear + root > 0 ? std::clamp(2 * share / (linear + root), 0.0, 1.0) : share;
}

class RateArrivals final : public ArrivalSource {
 public:
  RateArrivals(std::unique_ptr<Rates> rates, bool evenly, sim::Stream chance)
      : rates_(std::move(rates)), chance_(chance), evenly_(evenly) {
    step();
  }

  bool next(Arrival& arrival) override {
    // `used_` and `goal_` are integrals of the rate within the piece.
    while (goal_ > piece_.expected || piece_.expected <= 0) {
      goal_ -= piece_.expected;
      if (!rates_->next(piece_)) {
        piece_ = {};
        goal_ = 1;
        return false;
      }
    }
    const double at = inverse(piece_, goal_ / piece_.expected) * piece_.length();
    const Duration last = piece_.end - Duration(1);
    arrival = {sim::time_zero + std::min(piece_.start + sim::from_seconds(at), last), -1,
               Duration(0)};
    step();
    return true;
  }
  sim::Duration length() const override { return rates_->length(); }

 private:
  // Evenly: half an arrival before the first.
  void step() {
    if (evenly_) {
      goal_ += first_ ? 0.5 : 1;
      first_ = false;
    } else {
      goal_ += boost::random::exponential_distribution<double>()(chance_);
    }
  }

  std::unique_ptr<Rates> rates_;
  sim::Stream chance_;
  bool evenly_, first_ = true;
  RatePiece piece_;
  double goal_ = 0;
};

// Pieces of at most a minute, within which a product of lines is taken for a line of the same
// integral.
class Product final : public Rates {
 public:
  Product(std::unique_ptr<Rates> a, std::unique_ptr<Rates> b)
      : a_{std::move(a), {}}, b_{std::move(b), {}} {}

  bool next(RatePiece& piece) override {
    while (a_.reach(at_) && b_.reach(at_)) {
      at_ = std::max({at_, a_.piece.start, b_.piece.start});
      const Duration end = std::min({a_.piece.end, b_.piece.end, at_ + longest});
      if (end <= at_) continue;
      const RatePiece a = a_.piece.within(at_, end), b = b_.piece.within(at_, end);
      const double length = a.length(), mean_a = a.expected / length, mean_b = b.expected / length;
      piece = {at_, end, length * (mean_a * mean_b + a.slope * b.slope * length * length / 12),
               (a.rate(length) * b.rate(length) - a.rate(0) * b.rate(0)) / length};
      at_ = end;
      return true;
    }
    return false;
  }
  Duration length() const override { return std::min(a_.rates->length(), b_.rates->length()); }

 private:
  static constexpr Duration longest = std::chrono::minutes(1);
  struct Side {
    std::unique_ptr<Rates> rates;
    RatePiece piece;
    bool reach(Duration at) {
      while (piece.end <= at) {
        if (!rates->next(piece)) return false;
      }
      return true;
    }
  };
  Side a_, b_;
  Duration at_{0};
};

class Resampled final : public Rates {
 public:
  Resampled(std::unique_ptr<Rates> rates, Duration bin) : rates_(std::move(rates)), bin_(bin) {}

  bool next(RatePiece& piece) override {
    if (!any_ && !more()) return false;
    const Duration start = piece_.start / bin_ * bin_;
    piece = {start, start + bin_, 0, 0};
    while (any_ && piece_.start < piece.end) {
      piece.expected += piece_.within(piece.start, piece.end).expected;
      if (piece_.end > piece.end) {
        piece_ = piece_.within(piece.end, piece_.end);
        break;
      }
      more();
    }
    return true;
  }
  // The last bin may reach beyond the end.
  Duration length() const override { return rates_->length(); }

 private:
  bool more() { return any_ = rates_->next(piece_); }
  std::unique_ptr<Rates> rates_;
  Duration bin_;
  RatePiece piece_;
  bool any_ = false;
};

class Given final : public Rates {
 public:
  explicit Given(std::vector<RatePiece> pieces) : pieces_(std::move(pieces)) {}
  bool next(RatePiece& piece) override {
    if (at_ == pieces_.size()) return false;
    piece = pieces_[at_++];
    return true;
  }
  Duration length() const override { return pieces_.empty() ? Duration(0) : pieces_.back().end; }

 private:
  std::vector<RatePiece> pieces_;
  std::size_t at_ = 0;
};

}  // namespace

RatePiece RatePiece::within(Duration from, Duration to) const {
  if (from <= start && to >= end) return *this;
  RatePiece part{std::max(start, from), std::min(end, to), 0, slope};
  if (part.end <= part.start) return {part.start, part.start, 0, 0};
  const double middle = (sim::seconds(part.start - start) + sim::seconds(part.end - start)) / 2;
  part.expected = std::max(0.0, rate(middle) * part.length());
  return part;
}

std::unique_ptr<ArrivalSource> arrivals_at(std::unique_ptr<Rates> rates, bool evenly,
                                           sim::Stream chance) {
  return std::make_unique<RateArrivals>(std::move(rates), evenly, chance);
}
std::unique_ptr<Rates> product(std::unique_ptr<Rates> a, std::unique_ptr<Rates> b) {
  return std::make_unique<Product>(std::move(a), std::move(b));
}
std::unique_ptr<Rates> resampled(std::unique_ptr<Rates> rates, Duration bin) {
  return std::make_unique<Resampled>(std::move(rates), bin);
}
std::unique_ptr<Rates> given_rates(std::vector<RatePiece> pieces) {
  return std::make_unique<Given>(std::move(pieces));
}

}  // namespace windtunnel
