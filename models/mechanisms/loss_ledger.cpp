#include "models/mechanisms/loss_ledger.hpp"

#include <fmt/format.h>

#include "models/mechanisms/messages.hpp"

namespace windtunnel {

LossLedger::Account LossLedger::open(const sim::Component& component, MessageAccount& account,
                                     const Holder& holder) {
  WT_CHECK(holders_.size() < 0x7fff, "more than 32,767 holders of messages");
  holders_.push_back({&component, &account, &holder});
  return static_cast<Account>(holders_.size() - 1);
}

void LossLedger::hold(HolderRecord& holder, std::int64_t change) {
  holder.account->held.add(sim_.now(), change);
}

// Takes it out of the sender's custody; the record, or nullptr where it was not (any more).
LossLedger::Record* LossLedger::hand_on(const Message& message, Account by, bool as_dead_letter) {
  Record* record = records_.find(message.number);
  if (record == nullptr || record->account != message.account || message.account == by) {
    return nullptr;
  }
  HolderRecord& from = holder_of(*record);
  (as_dead_letter ? from.account->dead_lettered : from.account->forwarded).add();
  --from.numbered;
  hold(from, -1);
  return record;
}

void LossLedger::accept(Message& message, Account by, bool as_dead_letter) {
  HolderRecord& to = holders_[by];
  Record* record = hand_on(message, by, as_dead_letter);
  if (record == nullptr) {
    message.number = records_.create();
    record = &records_[message.number];
    record->effect = 0;
  }
  record->account = by & 0x7fff;
  record->accepted = ++acceptances_ & 0xffff'ffff'ffff;
  message.account = by;
  to.account->accepted.add();
  ++to.numbered;
  hold(to, +1);
}

Message LossLedger::copy(const Message& message) {
  const Record& original = records_[message.number];
  HolderRecord& holder = holder_of(original);
  Message another = message;
  another.number = records_.create();
  records_[another.number] = {original.accepted, original.account, 0};
  holder.account->copied.add();
  ++holder.numbered;
  hold(holder, +1);
  return another;
}

void LossLedger::count_end(HolderRecord& from, std::uint64_t messages, Fate fate) {
  MessageAccount& account = *from.account;
  sim::Counter* const counters[] = {&account.delivered, &account.discarded, &account.expired,
                                    &account.lost};
  counters[static_cast<std::size_t>(fate)]->add(messages);
  hold(from, -static_cast<std::int64_t>(messages));
}

void LossLedger::end(Number number, Fate fate) {
  const Record& record = records_[number];
  WT_CHECK(fate != Fate::delivered || record.effect == 1,
           "a message counts as delivered without an effect");
  HolderRecord& from = holder_of(record);
  count_end(from, 1, record.effect == 1 ? Fate::delivered : fate);
  --from.numbered;
  records_.destroy(number);
}

void LossLedger::effect(const Message& message) {
  MessageAccount& account = *holders_[message.account].account;
  Record* record = records_.find(message.number);
  if (record == nullptr || record->effect == 1) return account.duplicated.add();
  record->effect = 1;
  account.to_effect.record(sim_.now() - message.sent);
  if (message.line == no_line || record->account != message.account) return;
  std::uint64_t& newest = lines_[message.line];
  if (record->accepted < newest) {
    account.reordered.add();
  } else {
    newest = record->accepted;
  }
}

LossLedger::Line LossLedger::open_line() {
  if (free_lines_.empty()) {
    lines_.push_back(0);
    return static_cast<Line>(lines_.size() - 1);
  }
  const Line line = free_lines_.back();
  free_lines_.pop_back();
  lines_[line] = 0;
  return line;
}

// Holders that count only -----------------------------------------------------------------------

void LossLedger::accept_many(Message& message, Account by) {
  if (hand_on(message, by, false) != nullptr) records_.destroy(message.number);
  message.number = {};
  message.account = by;
  holders_[by].account->accepted.add(message.count);
  hold(holders_[by], message.count);
}

void LossLedger::effect_many(Account of, std::uint64_t messages, sim::Time sent, bool again) {
  MessageAccount& account = *holders_[of].account;
  if (again) return account.duplicated.add(messages);
  for (std::uint64_t i = 0; i < messages; ++i) account.to_effect.record(sim_.now() - sent);
}

void LossLedger::end_many(Account of, std::uint64_t messages, Fate fate) {
  count_end(holders_[of], messages, fate);
}

void LossLedger::forward_many(Account of, std::uint64_t messages) {
  holders_[of].account->forwarded.add(messages);
  hold(holders_[of], -static_cast<std::int64_t>(messages));
}

// -----------------------------------------------------------------------------------------------

void LossLedger::close() {
  std::uint64_t numbered = 0;
  for (const HolderRecord& it : holders_) {
    const MessageAccount& a = *it.account;
    const std::uint64_t in = a.accepted.total() + a.copied.total();
    const std::uint64_t out = a.delivered.total() + a.discarded.total() + a.expired.total() +
                              a.lost.total() + a.forwarded.total() + a.dead_lettered.total();
    const auto held = static_cast<std::uint64_t>(a.held.value());
    const std::uint64_t really = it.holder->messages_held();
    if (in != out + held || held != really) {
      const std::string text =
          fmt::format("the messages of {} do not add up: {} in, {} out, {} held, {} found",
                      it.component->name(), in, out, held, really);
      sim::check_failed(text.c_str(), __FILE__, __LINE__);
    }
    numbered += it.numbered;
  }
  WT_CHECK(numbered == records_.size(), "a message is in nobody's custody");
}

}  // namespace windtunnel
