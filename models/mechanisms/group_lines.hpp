// A FIFO queue's order: first in, first out within a message group. While any message of a group
// is in flight no other of it is received; a receive takes as many of one group as there are, then
// goes on with the next (rule 21). Groups take turns.
#pragma once

#include "models/mechanisms/message_lines.hpp"

namespace windtunnel {

class GroupLines final : public MessageLines {
 public:
  GroupLines(Messages& messages, LossLedger& ledger) : messages_(messages), ledger_(ledger) {}

  void add(std::uint32_t slot) override;
  void take(std::uint32_t most, std::uint32_t servers, sim::Time now,
            std::vector<std::uint32_t>& taken) override;
  void leased(std::uint32_t slot) override;
  void visible_again(std::uint32_t slot, sim::Time received, sim::Time now) override;
  bool gone(std::uint32_t slot, From from, sim::Time received, sim::Time now) override;
  sim::Time oldest() const override;
  LossLedger::Line line_of(std::uint32_t slot) const override;

  std::size_t groups() const { return groups_.size(); }
  std::size_t bytes() const { return groups_.bytes() + numbers_.bytes(); }

 private:
  // Its messages stay in its list until they are gone: those in flight are the first.
  struct Group {
    std::uint32_t key = 0, head = no_slot, tail = no_slot;
    std::uint32_t next = no_slot;  // that is ready
    std::uint32_t out = 0;         // taken and neither gone nor visible again
    LossLedger::Line line = LossLedger::no_line;
    bool ready = false;
  };

  std::uint32_t number_of(std::uint32_t slot) const;
  void unlink(Group& group, std::uint32_t slot);
  void one_less_out(std::uint32_t number);
  void forget_if_empty(std::uint32_t number);
  void make_ready(std::uint32_t number);

  Messages& messages_;
  LossLedger& ledger_;
  Slab<Group> groups_;
  SlabList<Group> ready_{groups_};
  mutable KeyTable numbers_;
};

}  // namespace windtunnel
