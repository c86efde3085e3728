#include "models/mechanisms/write_ledger.hpp"

#include <algorithm>

namespace windtunnel {

using sim::Duration;
using sim::Time;

std::uint64_t WriteLedger::acknowledge(Time now) {
  ++last_;
  ++acknowledged_;
  last_acknowledged_ = now;
  if (applied_.empty()) return last_;  // no replica can lack it
  if (dates_.full()) make_room();
  dates_.push_back(now);
  return last_;
}

// Called with the number of the write to come in last_.
void WriteLedger::make_room() {
  const std::uint64_t everywhere = *std::min_element(applied_.begin(), applied_.end());
  std::uint64_t first = last_ - dates_.size();
  for (; !dates_.empty() && first <= everywhere; ++first) dates_.pop_front();
  // Half full at most after growing or forgetting, so that both are rare.
  if (dates_.size() * 2 > dates_.capacity() || dates_.capacity() == 0) {
    dates_.set_capacity(std::max<std::size_t>(1024, dates_.capacity() * 2));
  }
}

void WriteLedger::apply_until(std::uint32_t replica, Time date) {
  // Dates are in order: numbers are given in order of acknowledgement.
  const auto after = std::upper_bound(dates_.begin(), dates_.end(), date);
  const auto upto = first_kept() + static_cast<std::uint64_t>(after - dates_.begin()) - 1;
  applied_[replica] = std::max(applied_[replica], upto);
}

void WriteLedger::fail(Time now) {
  failure_ = {.at = now, .last_acknowledged = last_acknowledged_, .oldest_lost = {}};
}

std::uint64_t WriteLedger::recover(std::uint64_t survivor) {
  WT_CHECK(survivor <= last_, "a replica has applied what was never written");
  const std::uint64_t lost = last_ - survivor;
  if (lost > 0) {
    WT_CHECK(failure_.at && survivor + 1 >= first_kept(),
             "a loss without a failure, or a lost write was forgotten");
    failure_.oldest_lost = date_of(survivor + 1);
    dates_.erase_end(lost);
    last_ = survivor;
    lost_ += lost;
    for (std::uint64_t& applied : applied_) applied = std::min(applied, survivor);
  }
  if (stretch(failure_) >= stretch(worst_)) worst_ = failure_;
  failure_ = {};
  return lost;
}

Duration WriteLedger::stretch(const Failure& failure) {
  if (!failure.oldest_lost) return Duration::zero();
  return std::max(*failure.at, *failure.last_acknowledged) - *failure.oldest_lost;
}

sim::WriteOutcome WriteLedger::outcome(std::string component, bool recovered) const {
  // A failure that it has not recovered from has lost nothing yet.
  const Failure& told = failure_.at && lost_ == 0 ? failure_ : worst_;
  return {.component = std::move(component),
          .acknowledged = acknowledged_,
          .lost = lost_,
          .unknown = unknown_,
          .oldest_lost = told.oldest_lost,
          .last_acknowledged = told.at ? told.last_acknowledged : last_acknowledged_,
          .failed = told.at,
          .recovered = recovered};
}

}  // namespace windtunnel
