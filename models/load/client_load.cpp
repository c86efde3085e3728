#include "models/load/client_load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "models/mechanisms/profile.hpp"
#include "models/mechanisms/settings.hpp"

namespace windtunnel {

using settings::Profile;
using settings::Trace;
using sim::Duration;
using traces::Bad;
using traces::Cut;
using traces::Requests;

namespace {

sim::Stream branch(sim::Stream& chance) { return sim::Stream(chance()); }

std::vector<Cut> cuts_of(const Trace& trace) {
  std::vector<Cut> cuts{cut_of(trace)};
  for (const Trace::Piece& piece : trace.then()) {
    Cut next = cuts.back();
    if (!piece.file().empty()) next.file = piece.file();
    next.from = piece.from();
    next.to = piece.to();
    next.scale = trace.scale() * piece.scale();
    cuts.push_back(std::move(next));
  }
  return cuts;
}

void move(RatePiece& piece, Duration by) {
  piece.start += by;
  piece.end += by;
}
void move(traces::Request& request, Duration by) { request.at += by; }

std::unique_ptr<Rates>& part_of(traces::OpenedCut& cut, const Rates*) { return cut.rates; }
std::unique_ptr<Requests>& part_of(traces::OpenedCut& cut, const Requests*) { return cut.requests; }

// Cuts one behind another, again and again; each is opened when the one before has ended.
template <typename Base, typename Item>
class Spliced final : public Base {
 public:
  Spliced(std::vector<Cut> cuts, std::int64_t times, std::unique_ptr<Base> first,
          sim::Stream chance)
      : cuts_(std::move(cuts)),
        left_(times * static_cast<std::int64_t>(cuts_.size())),
        open_(std::move(first)),
        chance_(chance) {}

  bool next(Item& item) override {
    while (left_ > 0) {
      if (open_ == nullptr) open();
      if (open_->next(item)) {
        move(item, start_);
        return true;
      }
      start_ += open_->length();
      open_ = nullptr;
      at_ = (at_ + 1) % cuts_.size();
      --left_;
    }
    return false;
  }
  Duration length() const override { return start_; }

 private:
  void open() {
    traces::OpenedCut opened = traces::open_cut(cuts_[at_], branch(chance_));
    open_ = std::move(part_of(opened, open_.get()));
    if (open_ == nullptr) {
      throw Bad{1, 1, "counts and logs can't be spliced, unless logs are resampled",
                cuts_[at_].file};
    }
  }

  std::vector<Cut> cuts_;
  std::int64_t left_;
  std::unique_ptr<Base> open_;
  sim::Stream chance_;
  std::size_t at_ = 0;
  Duration start_{0};
};

// A trace's load in one of its two forms.
struct Material {
  std::string format;
  std::unique_ptr<Rates> rates;
  std::unique_ptr<Requests> requests;
};

Material material_of(const Trace& trace, sim::Stream chance) {
  std::vector<Cut> cuts = cuts_of(trace);
  traces::OpenedCut first = traces::open_cut(cuts.front(), branch(chance));
  Material made{first.format->name, nullptr, nullptr};
  if (first.rates != nullptr) {
    if (trace.arrivals() == Trace::RECORDED) {
      throw Bad{1, 1, "holds counts, not arrivals: say poisson or evenly", trace.file()};
    }
    made.rates = std::make_unique<Spliced<Rates, RatePiece>>(
        std::move(cuts), trace.repeat(), std::move(first.rates), branch(chance));
  } else {
    made.requests = std::make_unique<Spliced<Requests, traces::Request>>(
        std::move(cuts), trace.repeat(), std::move(first.requests), branch(chance));
  }
  const Duration bin =
      trace.resample() > 0 ? Duration(trace.resample()) : Duration(std::chrono::minutes(1));
  const bool as_recorded = trace.resample() == 0 && trace.arrivals() != Trace::POISSON &&
                           trace.arrivals() != Trace::EVENLY;
  if (made.requests != nullptr && !as_recorded) {
    if (trace.classes_size() > 0) {
      throw Bad{1, 1, "is counted anew, which loses the classes of its requests", trace.file()};
    }
    made.rates = traces::counted(std::move(made.requests), bin);
  } else if (made.rates != nullptr && trace.resample() > 0) {
    made.rates = resampled(std::move(made.rates), bin);
  }
  return made;
}

class Replay final : public ArrivalSource {
 public:
  Replay(std::unique_ptr<Requests> requests, bool with_service_times)
      : requests_(std::move(requests)), with_service_times_(with_service_times) {}
  bool next(Arrival& arrival) override {
    traces::Request request;
    if (!requests_->next(request)) return false;
    arrival = {sim::time_zero + request.at, request.path_class,
               with_service_times_ ? request.service_time : Duration(0)};
    return true;
  }

 private:
  std::unique_ptr<Requests> requests_;
  bool with_service_times_;
};

double positive(double number, const char* what) {
  if (number <= 0) throw Bad{1, 1, fmt::format("{} is empty", what)};
  return number;
}

std::unique_ptr<Rates> law_of(const settings::Steps& message) {
  std::vector<Step> list;
  for (const auto& step : message.of()) list.push_back({step.rate(), Duration(step.lasting())});
  positive(message.of_size(), "steps.of");
  return steps(std::move(list), message.repeated());
}

std::unique_ptr<Rates> law_of(const settings::Points& message) {
  std::vector<RatePoint> list;
  for (const auto& point : message.of()) {
    if (!list.empty() && Duration(point.at()) < list.back().at) {
      throw Bad{1, 1, fmt::format("points.of.{}.at lies before the point above it", list.size())};
    }
    list.push_back({Duration(point.at()), point.rate()});
  }
  positive(message.of_size(), "points.of");
  if (message.every() > 0 && list.back().at > Duration(message.every())) {
    throw Bad{1, 1, "points.every ends before the last point"};
  }
  return lines(std::move(list), message.every() > 0 ? Duration(message.every()) : sim::forever);
}

std::unique_ptr<Rates> law_of(const settings::Weekly& message) {
  const auto& d = message.days();
  std::vector<double> days = {d.monday(), d.tuesday(),  d.wednesday(), d.thursday(),
                              d.friday(), d.saturday(), d.sunday()};
  std::vector<double> hours(message.hours().begin(), message.hours().end());
  if (hours.empty()) hours.assign(1, 1.0);
  positive(*std::max_element(days.begin(), days.end()), "weekly.days");
  positive(*std::max_element(hours.begin(), hours.end()), "weekly.hours");
  return weekly(message.mean(), std::move(days), std::move(hours), Duration(message.starts_at()));
}

std::unique_ptr<Rates> law_of(const settings::MarkovModulated& message, sim::Stream chance) {
  std::vector<MarkovState> states;
  for (const auto& state : message.states())
    states.push_back({state.rate(), Duration(state.stay())});
  positive(message.states_size(), "markov_modulated.states");
  return markov_modulated(std::move(states), chance);
}

// Of a Profile or a Factor, whose laws are the same; a trace is none of them.
template <typename Message>
std::unique_ptr<Rates> law_of(const Message& message, sim::Stream chance) {
  switch (message.law_case()) {
    case Message::kRamp:
      return ramp(message.ramp().from(), message.ramp().to(), Duration(message.ramp().over()));
    case Message::kSteps:
      return law_of(message.steps());
    case Message::kPoints:
      return law_of(message.points());
    case Message::kDiurnal: {
      const auto& d = message.diurnal();
      return diurnal(d.mean(), d.peak_to_mean(), Duration(d.peak_at()), Duration(d.starts_at()));
    }
    case Message::kWeekly:
      return law_of(message.weekly());
    case Message::kFlashCrowd: {
      const auto& c = message.flash_crowd();
      return flash_crowd({c.base(), c.peak(), Duration(c.at()), Duration(c.rise()),
                          Duration(c.hold()), Duration(c.half_life())});
    }
    case Message::kMarkovModulated:
      return law_of(message.markov_modulated(), chance);
    case Message::kTrace: {
      Material material = material_of(message.trace(), chance);
      if (material.rates != nullptr) return std::move(material.rates);
      throw Bad{1, 1, "is a log: say resample, to multiply its counts", message.trace().file()};
    }
    default:
      return constant_rate(message.constant());
  }
}

// One part of the load, at its place in time.
class Part final : public ArrivalSource {
 public:
  Part(const Profile& profile, std::int32_t first_class, sim::Stream chance)
      : start_(Duration(profile.starting())), first_class_(first_class) {
    if (profile.lasting() > 0) end_ = sim::time_zero + start_ + Duration(profile.lasting());
    const Trace& trace = profile.trace();
    bool evenly = profile.evenly();
    std::unique_ptr<Rates> rates;
    if (profile.has_trace() && profile.times_size() == 0) {
      Material material = material_of(trace, branch(chance));
      if (material.requests != nullptr) {
        source_ = std::make_unique<Replay>(std::move(material.requests), trace.service_times());
      }
      rates = std::move(material.rates);
    } else {
      rates = law_of(profile, branch(chance));
    }
    if (profile.has_trace()) {
      start_ += Duration(trace.shift());
      evenly = evenly || trace.arrivals() == Trace::EVENLY;
    }
    for (const auto& factor : profile.times()) {
      rates = product(std::move(rates), law_of(factor, branch(chance)));
    }
    if (rates != nullptr) source_ = arrivals_at(std::move(rates), evenly, branch(chance));
  }

  bool next(Arrival& arrival) override {
    if (!source_->next(arrival)) return false;
    arrival.at += start_;
    if (arrival.path_class >= 0) arrival.path_class += first_class_;
    return arrival.at < end_;
  }

 private:
  Duration start_;
  sim::Time end_ = sim::Time::max();
  std::int32_t first_class_;
  std::unique_ptr<ArrivalSource> source_;
};

// The earliest of all parts' next ones.
class Merged final : public ArrivalSource {
 public:
  explicit Merged(std::vector<std::unique_ptr<ArrivalSource>> parts) {
    for (auto& part : parts) heads_.push_back({std::move(part), {}});
    std::erase_if(heads_, [](Head& head) { return !advance(head); });
  }
  bool next(Arrival& arrival) override {
    if (heads_.empty()) return false;
    const auto first =
        std::min_element(heads_.begin(), heads_.end(),
                         [](const Head& a, const Head& b) { return a.arrival.at < b.arrival.at; });
    arrival = first->arrival;
    if (!advance(*first)) heads_.erase(first);
    return true;
  }

 private:
  struct Head {
    std::unique_ptr<ArrivalSource> source;
    Arrival arrival;
  };
  static bool advance(Head& head) { return head.source->next(head.arrival); }
  std::vector<Head> heads_;
};

class LoadPlan final : public ArrivalPlan {
 public:
  explicit LoadPlan(const settings::Client::Open& open) {
    if (open.has_trace()) {
      parts_.emplace_back();
      *parts_.back().mutable_trace() = open.trace();
    } else if (open.has_profile()) {
      parts_.push_back(open.profile());
    } else {
      parts_.assign(open.sum().of().begin(), open.sum().of().end());
      if (parts_.empty()) throw Bad{1, 1, "sum.of is empty"};
    }
  }

  std::unique_ptr<ArrivalSource> open(sim::Stream chance) const override {
    std::vector<std::unique_ptr<ArrivalSource>> parts;
    std::int32_t classes = 0;
    for (const Profile& profile : parts_) {
      parts.push_back(std::make_unique<Part>(profile, classes, branch(chance)));
      classes += profile.trace().classes_size();
    }
    return std::make_unique<Merged>(std::move(parts));
  }

  std::vector<std::string> paths() const override {
    std::vector<std::string> all;
    for (const Profile& profile : parts_) {
      all.insert(all.end(), profile.trace().classes().begin(), profile.trace().classes().end());
    }
    return all;
  }

 private:
  std::vector<Profile> parts_;
};

std::uint64_t mixed(std::uint64_t hash, Duration at, double number) {
  return sim::mix(hash ^ static_cast<std::uint64_t>(at.count())) ^
         std::bit_cast<std::uint64_t>(number);
}

}  // namespace

Cut cut_of(const Trace& trace) {
  Cut cut;
  cut.file = trace.file();
  cut.from = trace.from();
  cut.to = trace.to();
  cut.scale = trace.scale();
  cut.options.format = trace.format();
  cut.options.series = trace.series();
  cut.options.values = static_cast<traces::Values>(trace.values());
  cut.options.bin = Duration(trace.bin());
  cut.options.day_first = trace.dates() == Trace::DAY_FIRST;
  cut.options.add_repeated = trace.repeated_dates() == Trace::ADD;
  cut.gaps = static_cast<traces::Gaps>(trace.gaps());
  cut.paths.assign(trace.classes().begin(), trace.classes().end());
  cut.sort_window = Duration(trace.sort_window());
  return cut;
}

std::shared_ptr<const ArrivalPlan> plan_of(const settings::Client::Open& open) {
  return std::make_shared<const LoadPlan>(open);
}

std::vector<Trace*> traces_of(settings::Client::Open& open) {
  std::vector<Trace*> found;
  if (open.has_trace()) found.push_back(open.mutable_trace());
  const auto add = [&](Profile& profile) {
    if (profile.has_trace()) found.push_back(profile.mutable_trace());
    for (auto& factor : *profile.mutable_times()) {
      if (factor.has_trace()) found.push_back(factor.mutable_trace());
    }
  };
  if (open.has_profile()) add(*open.mutable_profile());
  if (open.has_sum()) {
    for (auto& profile : *open.mutable_sum()->mutable_of()) add(profile);
  }
  return found;
}

TraceExtent read_through(const Trace& trace) {
  Material material = material_of(trace, sim::Stream(1));
  TraceExtent extent{material.format, material.requests != nullptr, 0, Duration(0), 0};
  if (extent.recorded) {
    for (traces::Request request; material.requests->next(request); ++extent.requests) {
      extent.hash = mixed(extent.hash, request.at, sim::seconds(request.service_time));
    }
    extent.length = material.requests->length();
  } else {
    for (RatePiece piece; material.rates->next(piece); extent.requests += piece.expected) {
      extent.hash = mixed(extent.hash, piece.start, piece.expected);
    }
    extent.length = material.rates->length();
  }
  extent.length += Duration(trace.shift());
  return extent;
}

}  // namespace windtunnel
