// What stands behind RPO: every acknowledged write has a number and a date, and every replica knows
// how far it has applied. When a store fails over, the writes that the survivor lacks are lost.
// Only dates that some replica still needs are kept.
//
// A write is acknowledged when its caller gets the OK; `unknown` when the caller never learned: it
// was in hand when the store died, or the answer found nobody. An OK that is lost on its way to a
// waiting caller counts as acknowledged, because the store cannot see that.
#pragma once

#include <boost/circular_buffer.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/log.hpp"
#include "sim/time.hpp"

namespace windtunnel {

class WriteLedger {
 public:
  explicit WriteLedger(std::uint32_t replicas = 0) : applied_(replicas, 0) {}

  // Its number in the store's history, from 1. After a loss the history goes on behind the last
  // write that survived.
  std::uint64_t acknowledge(sim::Time now);
  void count_unknown() { ++unknown_; }

  // The last write of the present history.
  std::uint64_t last() const { return last_; }
  // The last write that a replica has applied.
  std::uint64_t applied(std::uint32_t replica) const { return applied_[replica]; }
  // A replica has applied all writes acknowledged at `date` or before. It never goes back.
  void apply_until(std::uint32_t replica, sim::Time date);
  void apply_all(std::uint32_t replica) { applied_[replica] = last_; }

  // The store takes no writes from now on.
  void fail(sim::Time now);
  // It goes on with a history that ends with write `survivor`: what a replica has applied, or
  // last() if the storage itself survived. Returns the number of writes lost.
  std::uint64_t recover(std::uint64_t survivor);

  // For the log. With several failures RPO is about the one that lost the longest stretch, else
  // about the last.
  sim::WriteOutcome outcome(std::string component, bool recovered) const;
  std::size_t dates_kept() const { return dates_.size(); }

 private:
  struct Failure {
    std::optional<sim::Time> at, last_acknowledged, oldest_lost;
  };
  // Length of the stretch that was lost.
  static sim::Duration stretch(const Failure& failure);
  // When a write whose date is kept was acknowledged.
  sim::Time date_of(std::uint64_t write) const { return dates_[write - first_kept()]; }
  std::uint64_t first_kept() const { return last_ - dates_.size() + 1; }
  void make_room();

  boost::circular_buffer<sim::Time> dates_;  // of writes first_kept() .. last_
  std::vector<std::uint64_t> applied_;       // by replica
  std::uint64_t last_ = 0;
  std::uint64_t acknowledged_ = 0, lost_ = 0, unknown_ = 0;
  std::optional<sim::Time> last_acknowledged_;
  Failure failure_, worst_;
};

}  // namespace windtunnel
