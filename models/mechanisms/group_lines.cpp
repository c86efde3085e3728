#include "models/mechanisms/group_lines.hpp"

#include <algorithm>

namespace windtunnel {

using sim::Time;

std::uint32_t GroupLines::number_of(std::uint32_t slot) const {
  return *numbers_.find(messages_[slot].key);
}

LossLedger::Line GroupLines::line_of(std::uint32_t slot) const {
  return groups_[number_of(slot)].line;
}

void GroupLines::make_ready(std::uint32_t number) {
  Group& group = groups_[number];
  if (group.ready || group.out > 0 || group.head == no_slot) return;
  group.ready = true;
  ready_.push_back(number);
}

void GroupLines::add(std::uint32_t slot) {
  const std::uint32_t key = messages_[slot].key;
  if (numbers_.find(key) == nullptr) {
    const std::uint32_t made = groups_.take();
    groups_[made] = {.key = key, .line = ledger_.open_line()};
    numbers_.insert(key, made);
  }
  const std::uint32_t number = number_of(slot);
  Group& group = groups_[number];
  messages_[slot].next = no_slot;
  if (group.head == no_slot) {
    group.head = slot;
  } else {
    messages_[group.tail].next = slot;
  }
  group.tail = slot;
  make_ready(number);
}

void GroupLines::take(std::uint32_t most, std::uint32_t, Time, std::vector<std::uint32_t>& taken) {
  while (!ready_.empty() && taken.size() < most) {
    const std::uint32_t number = ready_.pop_front();
    Group& group = groups_[number];
    group.ready = false;
    if (group.head == no_slot) forget_if_empty(number);  // all of it has expired
    for (std::uint32_t slot = group.head; slot != no_slot && taken.size() < most;
         slot = messages_[slot].next) {
      taken.push_back(slot);
      ++group.out;
    }
  }
}

void GroupLines::leased(std::uint32_t) {}

void GroupLines::one_less_out(std::uint32_t number) {
  --groups_[number].out;
  make_ready(number);
  forget_if_empty(number);
}

void GroupLines::forget_if_empty(std::uint32_t number) {
  const Group& group = groups_[number];
  if (group.head != no_slot || group.out > 0 || group.ready) return;
  ledger_.close_line(group.line);
  numbers_.erase(group.key);
  groups_.give_back(number);
}

void GroupLines::visible_again(std::uint32_t slot, Time, Time) { one_less_out(number_of(slot)); }

// Those in flight stand first, and they are few.
void GroupLines::unlink(Group& group, std::uint32_t slot) {
  std::uint32_t previous = no_slot;
  for (std::uint32_t at = group.head; at != slot; at = messages_[at].next) previous = at;
  const std::uint32_t next = messages_[slot].next;
  (previous == no_slot ? group.head : messages_[previous].next) = next;
  if (group.tail == slot) group.tail = previous;
}

bool GroupLines::gone(std::uint32_t slot, From from, Time, Time) {
  const std::uint32_t number = number_of(slot);
  unlink(groups_[number], slot);
  if (from == From::line) {
    forget_if_empty(number);
  } else {
    one_less_out(number);
  }
  return true;
}

Time GroupLines::oldest() const {
  Time found = Time::max();
  for (std::uint32_t number = 0; number < groups_.slots(); ++number) {
    const std::uint32_t head = groups_[number].head;
    if (head != no_slot) found = std::min(found, messages_[head].enqueued);
  }
  return found;
}

}  // namespace windtunnel
