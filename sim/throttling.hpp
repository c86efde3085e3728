// What a component refuses because a quota is used up: refused / offered by caller and reason, and
// the longest throttled spell. A spell goes on as long as the next refusal comes within a second;
// it lasts from its first refusal to its last. Callers are known by their components' names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/entity.hpp"

namespace windtunnel::sim {

class Throttling final : public Metric {
 public:
  static constexpr Duration spell_gap{std::chrono::seconds(1)};

  // `what` is offered, "requests" for example; the reasons are literals.
  Throttling(Component& owner, MetricSet& set, std::string_view name, std::string_view what,
             std::vector<std::string_view> reasons);

  void offer(const Entity& caller, std::uint64_t n = 1) {
    if (last_ >= callers_.size() || callers_[last_].hash != caller.name_hash()) find(caller);
    callers_[last_].offered += n;
  }
  // Of what was offered.
  void refuse(const Entity& caller, std::size_t reason, std::uint64_t n = 1);

  // By caller and reason; an empty one stands for all.
  struct Row {
    std::string_view caller, reason;
    std::uint64_t offered, refused;
    Duration longest_spell;
  };
  Row total() const;
  // The total, then each caller's own and its reasons that occurred.
  std::vector<Row> rows() const;

  std::vector<std::pair<std::string, double>> summary(Time now) const override;
  void restart(Time now) override;
  double reading() const override { return static_cast<double>(all_.refused); }

 private:
  struct Refusals {
    std::uint64_t refused = 0;
    Time began{}, ends = Time::min();  // of the spell
    Duration longest{0};

    void add(Time now, std::uint64_t n);
    void restart(Time now);
  };
  struct Caller {
    std::uint64_t hash;
    std::string name;
    std::uint64_t offered = 0;
    Refusals all;
    std::vector<Refusals> by_reason;
  };
  void find(const Entity& caller);

  const Component& owner_;
  std::vector<std::string_view> reasons_;
  std::vector<Caller> callers_;
  std::size_t last_ = 0;  // the caller that called last
  Refusals all_;
};

}  // namespace windtunnel::sim
