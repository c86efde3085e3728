#include "models/mechanisms/profile.hpp"

#include <algorithm>
#include <boost/random/exponential_distribution.hpp>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace windtunnel {

using sim::Duration;

namespace {

constexpr Duration day = std::chrono::hours(24);

// Pieces one behind another, each made when it is asked for.
class Law : public Rates {
 public:
  bool next(RatePiece& piece) override {
    if (at_ >= sim::horizon_limit) return false;
    piece.start = at_;
    make(piece);
    at_ = piece.end;
    return true;
  }

 protected:
  // Fills in all but the start.
  virtual void make(RatePiece& piece) = 0;

  static void level(RatePiece& piece, double rate, Duration lasting) {
    piece.end = piece.start + lasting;
    piece.expected = rate * sim::seconds(lasting);
    piece.slope = 0;
  }
  static void line(RatePiece& piece, double from, double to, Duration lasting) {
    level(piece, (from + to) / 2, lasting);
    piece.slope = (to - from) / sim::seconds(lasting);
  }

 private:
  Duration at_{0};
};

class Steps final : public Law {
 public:
  Steps(std::vector<Step> steps, bool repeated) : steps_(std::move(steps)), repeated_(repeated) {}

 private:
  void make(RatePiece& piece) override {
    if (step_ == steps_.size() && repeated_) step_ = 0;
    if (step_ == steps_.size()) return level(piece, steps_.back().rate, day);
    level(piece, steps_[step_].rate, steps_[step_].lasting);
    ++step_;
  }
  std::vector<Step> steps_;
  bool repeated_;
  std::size_t step_ = 0;
};

class Ramp final : public Law {
 public:
  Ramp(double from, double to, Duration over) : from_(from), to_(to), over_(over) {}

 private:
  void make(RatePiece& piece) override {
    if (piece.start >= over_) return level(piece, to_, day);
    line(piece, from_, to_, over_);
  }
  double from_, to_;
  Duration over_;
};

class Lines final : public Law {
 public:
  Lines(std::vector<RatePoint> points, Duration every) : points_(std::move(points)), every_(every) {
    if (points_.front().at > Duration::zero()) {
      points_.insert(points_.begin(), {Duration::zero(), points_.front().rate});
    }
    if (every_ < sim::horizon_limit && points_.back().at < every_) {
      points_.push_back({every_, points_.back().rate});
    }
  }

 private:
  void make(RatePiece& piece) override {
    while (next_ < points_.size() && points_[next_].at == points_[next_ - 1].at) ++next_;
    if (next_ == points_.size()) {
      if (every_ >= sim::horizon_limit) return level(piece, points_.back().rate, day);
      next_ = 1;
      return make(piece);
    }
    const RatePoint &from = points_[next_ - 1], &to = points_[next_];
    line(piece, from.rate, to.rate, to.at - from.at);
    ++next_;
  }
  std::vector<RatePoint> points_;
  Duration every_;
  std::size_t next_ = 1;
};

class Diurnal final : public Law {
 public:
  Diurnal(double mean, double swing, Duration peak_at, Duration starts_at)
      : mean_(mean), swing_(swing), offset_(starts_at - peak_at) {}

 private:
  static constexpr Duration grain = std::chrono::minutes(1);
  double angle(Duration at) const {
    return 2 * std::numbers::pi * sim::seconds((at + offset_) % day) / sim::seconds(day);
  }
  void make(RatePiece& piece) override {
    const double from = angle(piece.start), to = from + angle_of_grain();
    line(piece, mean_ * (1 + swing_ * std::cos(from)), mean_ * (1 + swing_ * std::cos(to)), grain);
    const double radius = sim::seconds(day) / (2 * std::numbers::pi);
    piece.expected =
        mean_ * (sim::seconds(grain) + swing_ * radius * (std::sin(to) - std::sin(from)));
  }
  static double angle_of_grain() {
    return 2 * std::numbers::pi * sim::seconds(grain) / sim::seconds(day);
  }
  double mean_, swing_;
  Duration offset_;
};

class Weekly final : public Law {
 public:
  Weekly(double mean, std::vector<double> days, std::vector<double> hours, Duration starts_at)
      : mean_(mean), days_(std::move(days)), hours_(std::move(hours)), starts_at_(starts_at) {
    for (std::vector<double>* list : {&days_, &hours_}) {
      const double sum = std::accumulate(list->begin(), list->end(), 0.0);
      for (double& factor : *list) factor *= static_cast<double>(list->size()) / sum;
    }
  }

 private:
  void make(RatePiece& piece) override {
    const Duration now = (piece.start + starts_at_) % (7 * day);
    const Duration of_hour = day / static_cast<std::int64_t>(hours_.size());
    const auto today = static_cast<std::size_t>(now / day);
    const auto hour = static_cast<std::size_t>(now % day / of_hour);
    level(piece, mean_ * days_[today] * hours_[std::min(hour, hours_.size() - 1)],
          of_hour - now % day % of_hour);
  }
  double mean_;
  std::vector<double> days_, hours_;
  Duration starts_at_;
};

class Crowd final : public Law {
 public:
  explicit Crowd(const FlashCrowd& crowd) : crowd_(crowd) {}

 private:
  void make(RatePiece& piece) override {
    const Duration risen = crowd_.at + crowd_.rise, falls = risen + crowd_.hold;
    if (piece.start < crowd_.at) return level(piece, crowd_.base, crowd_.at);
    if (piece.start < risen) return line(piece, crowd_.base, crowd_.peak, crowd_.rise);
    if (piece.start < falls) return level(piece, crowd_.peak, crowd_.hold);
    fall(piece, sim::seconds(piece.start - falls) / sim::seconds(crowd_.half_life));
  }
  // A 32nd of a half-life; after 40 of them nothing is left.
  void fall(RatePiece& piece, double half_lives) {
    if (half_lives > 40 || crowd_.half_life == Duration(0)) return level(piece, crowd_.base, day);
    const Duration grain = std::max(crowd_.half_life / 32, Duration(1));
    const double step = sim::seconds(grain) / sim::seconds(crowd_.half_life);
    const double above = (crowd_.peak - crowd_.base) * std::exp2(-half_lives);
    const double later = above * std::exp2(-step);
    line(piece, crowd_.base + above, crowd_.base + later, grain);
    piece.expected = crowd_.base * sim::seconds(grain) +
                     (above - later) * sim::seconds(crowd_.half_life) / std::numbers::ln2;
  }
  FlashCrowd crowd_;
};

class Markov final : public Law {
 public:
  Markov(std::vector<MarkovState> states, sim::Stream chance)
      : states_(std::move(states)), chance_(chance) {
    double total = 0;
    for (const MarkovState& state : states_) total += sim::seconds(state.stay);
    double at = chance_.uniform() * total;
    while (state_ + 1 < states_.size() && at >= sim::seconds(states_[state_].stay)) {
      at -= sim::seconds(states_[state_++].stay);
    }
  }

 private:
  void make(RatePiece& piece) override {
    const MarkovState& state = states_[state_];
    const double drawn = boost::random::exponential_distribution<double>()(chance_);
    const Duration stay = sim::from_seconds(drawn * sim::seconds(state.stay));
    level(piece, state.rate, std::clamp(stay, Duration(1), sim::horizon_limit));
    state_ = (state_ + 1) % states_.size();
  }
  std::vector<MarkovState> states_;
  sim::Stream chance_;
  std::size_t state_ = 0;
};

}  // namespace

std::unique_ptr<Rates> constant_rate(double rate) { return steps({{rate, day}}, false); }
std::unique_ptr<Rates> ramp(double from, double to, Duration over) {
  return std::make_unique<Ramp>(from, to, over);
}
std::unique_ptr<Rates> steps(std::vector<Step> steps, bool repeated) {
  return std::make_unique<Steps>(std::move(steps), repeated);
}
std::unique_ptr<Rates> lines(std::vector<RatePoint> points, Duration every) {
  return std::make_unique<Lines>(std::move(points), every);
}

std::unique_ptr<Rates> diurnal(double mean, double peak_to_mean, Duration peak_at,
                               Duration starts_at) {
  return std::make_unique<Diurnal>(mean, peak_to_mean - 1, peak_at, starts_at);
}
std::unique_ptr<Rates> weekly(double mean, std::vector<double> days, std::vector<double> hours,
                              Duration starts_at) {
  return std::make_unique<Weekly>(mean, std::move(days), std::move(hours), starts_at);
}
std::unique_ptr<Rates> flash_crowd(const FlashCrowd& crowd) {
  return std::make_unique<Crowd>(crowd);
}
std::unique_ptr<Rates> markov_modulated(std::vector<MarkovState> states, sim::Stream chance) {
  return std::make_unique<Markov>(std::move(states), chance);
}

}  // namespace windtunnel
