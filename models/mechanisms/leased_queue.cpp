#include "models/mechanisms/leased_queue.hpp"

#include <algorithm>

#include "models/mechanisms/group_lines.hpp"
#include "models/mechanisms/standard_lines.hpp"

namespace windtunnel {

namespace {

using sim::Duration;
using sim::Time;
using From = MessageLines::From;

// How often what retention has ended is looked for. UNSOURCED.
constexpr Duration sweep_interval{std::chrono::minutes(1)};

}  // namespace

LeasedQueue::LeasedQueue(sim::Component& component, Owner& owner, const Settings& settings)
    : Entity(component, "leases"),
      owner_(owner),
      settings_(settings),
      ledger_(windtunnel::Messages::of(component.sim()).ledger()),
      chance_(component.stream("replicas")) {
  if (settings.groups) {
    lines_ = std::make_unique<GroupLines>(messages_, ledger_);
    return;
  }
  const StandardLines::Settings order{
      .servers = settings.servers,
      .to_the_back = settings.max_receive_count == 0 ||
                     settings.max_receive_count > StandardLines::receives_to_the_back};
  lines_ = std::make_unique<StandardLines>(messages_, order, ledger_.open_line());
}

LeasedQueue::~LeasedQueue() = default;

void LeasedQueue::put(const Message& message, Time enqueued, Duration delay) {
  const std::uint32_t slot = messages_.take();
  // No receipt of the message that was here before fits.
  const std::uint32_t serial = messages_[slot].serial + 1;
  messages_[slot] = {.sent = message.sent,
                     .enqueued = enqueued,
                     .number = message.number,
                     .content = message.content,
                     .bytes = message.bytes,
                     .key = message.key,
                     .serial = serial,
                     .request_class = message.request_class};
  if (!sweeping_ && settings_.retention < sim().horizon() - enqueued) {
    sweeping_ = true;
    sim().after<&LeasedQueue::on_sweep>(sweep_interval, this, 0, sim::Turn::control);
  }
  if (delay <= Duration::zero()) return become_visible(slot);
  messages_[slot].lease = is_delayed;
  ++delayed_;
  sim().after<&LeasedQueue::on_delay_over>(delay, this, slot);
}

void LeasedQueue::on_delay_over(std::uint64_t argument) {
  const auto slot = static_cast<std::uint32_t>(argument);
  messages_[slot].lease = no_lease;
  --delayed_;
  become_visible(slot);
}

void LeasedQueue::become_visible(std::uint32_t slot) {
  ++visible_;
  lines_->add(slot);
  owner_.on_receivable();
}

void LeasedQueue::receive(std::uint32_t most, Duration visibility, std::uint32_t servers,
                          std::vector<Message>& out) {
  if (visibility < Duration::zero()) visibility = settings_.visibility;
  const auto room = static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, settings_.in_flight_limit - in_flight()));
  most = static_cast<std::uint32_t>(std::min<std::uint64_t>(most, room));
  // Again where some of them were no message to hand out: expired, or dead letters.
  while (out.size() < most && visible_ > 0) {
    std::vector<std::uint32_t> taken = std::move(taken_);
    taken.clear();
    lines_->take(most - static_cast<std::uint32_t>(out.size()), servers, sim().now(), taken);
    const bool any = !taken.empty();
    for (const std::uint32_t slot : taken) hand_out(slot, visibility, out);
    taken_ = std::move(taken);
    if (!any) return;
  }
}

void LeasedQueue::hand_out(std::uint32_t slot, Duration visibility, std::vector<Message>& out) {
  WaitingMessage& waiting = messages_[slot];
  --visible_;
  if (is_expired(waiting)) {
    ++expired_;
    ledger_.end(waiting.number, Fate::expired);
    return forget(slot, From::taken);
  }
  if (settings_.max_receive_count > 0 && waiting.receives >= settings_.max_receive_count) {
    Message message = message_of(slot);
    const Time enqueued = waiting.enqueued;
    forget(slot, From::taken);
    return owner_.on_dead_letter(message, enqueued);
  }
  if (waiting.receives < 0xffff) ++waiting.receives;
  ++waiting.serial;
  Message message = message_of(slot);
  message.receipt = receipt_of(slot);
  message.line = lines_->line_of(slot);
  out.push_back(message);
  begin_lease(slot, visibility);
}

Message LeasedQueue::message_of(std::uint32_t slot) const {
  const WaitingMessage& waiting = messages_[slot];
  return {.sent = waiting.sent,
          .number = waiting.number,
          .content = waiting.content,
          .bytes = waiting.bytes,
          .key = waiting.key,
          .request_class = waiting.request_class,
          .receives = waiting.receives,
          .account = ledger_.account_of(waiting.number)};
}

// Leases ------------------------------------------------------------------------------------------

void LeasedQueue::begin_lease(std::uint32_t slot, Duration visibility) {
  const std::uint32_t lease = leases_.take();
  leases_[lease] = {.slot = slot, .received = sim().now()};
  messages_[slot].lease = lease;
  lines_->leased(slot);
  set_end(lease, visibility);
}

void LeasedQueue::set_end(std::uint32_t number, Duration visibility) {
  Lease& lease = leases_[number];
  lease.ends = sim().now() + visibility;
  lease.in_lane = visibility == settings_.visibility;
  if (!lease.in_lane) {
    const std::uint64_t receipt = receipt_of(lease.slot);
    return sim().after<&LeasedQueue::on_lease_due>(visibility, this, receipt);
  }
  lease.next = no_slot;
  lease.previous = lane_tail_;
  (lane_tail_ == no_slot ? lane_head_ : leases_[lane_tail_].next) = number;
  lane_tail_ = number;
  arm_lane();
}

void LeasedQueue::arm_lane() {
  if (lane_armed_ || lane_head_ == no_slot) return;
  lane_armed_ = true;
  sim().after<&LeasedQueue::on_lane_due>(leases_[lane_head_].ends - sim().now(), this);
}

void LeasedQueue::leave_lane(std::uint32_t number) {
  const Lease& lease = leases_[number];
  if (!lease.in_lane) return;
  (lease.previous == no_slot ? lane_head_ : leases_[lease.previous].next) = lease.next;
  (lease.next == no_slot ? lane_tail_ : leases_[lease.next].previous) = lease.previous;
}

void LeasedQueue::end_lease(std::uint32_t number) {
  leave_lane(number);
  messages_[leases_[number].slot].lease = no_lease;
  leases_.give_back(number);
}

void LeasedQueue::on_lane_due() {
  lane_armed_ = false;
  while (lane_head_ != no_slot && leases_[lane_head_].ends <= sim().now()) lease_over(lane_head_);
  arm_lane();
}

// The end that was set when this event was posted may have been changed since.
void LeasedQueue::on_lease_due(std::uint64_t receipt) {
  const std::uint32_t slot = slot_of(receipt);
  if (slot == no_slot || messages_[slot].lease >= is_delayed) return;
  const Lease& lease = leases_[messages_[slot].lease];
  if (!lease.in_lane && lease.ends <= sim().now()) lease_over(messages_[slot].lease);
}

void LeasedQueue::lease_over(std::uint32_t number) {
  const std::uint32_t slot = leases_[number].slot;
  const Time received = leases_[number].received;
  end_lease(number);
  ++visible_;
  lines_->visible_again(slot, received, sim().now());
  owner_.on_receivable();
}

std::uint32_t LeasedQueue::slot_of(std::uint64_t receipt) const {
  const auto slot = static_cast<std::uint32_t>(receipt);
  if (slot >= messages_.slots()) return no_slot;
  const WaitingMessage& message = messages_[slot];
  return message.number && message.serial == receipt >> 32 ? slot : no_slot;
}

Entry LeasedQueue::remove(std::uint64_t receipt) {
  const std::uint32_t slot = slot_of(receipt);
  if (slot == no_slot) return Entry::stale;
  const std::uint32_t lease = messages_[slot].lease;
  if (lease == no_lease && settings_.groups) return Entry::stale;
  if (lease != no_lease && chance_.chance(settings_.comes_back)) return Entry::accepted;
  ledger_.end(messages_[slot].number, Fate::lost);  // delivered, if its effect has happened
  if (lease == no_lease) {
    --visible_;
    forget(slot, From::line);
  } else {
    const Time received = leases_[lease].received;
    end_lease(lease);
    const bool free = lines_->gone(slot, From::flight, received, sim().now());
    messages_[slot].number = {};
    if (free) messages_.give_back(slot);
  }
  owner_.on_receivable();  // its group, or the limit in flight, lets others go
  return Entry::accepted;
}

Entry LeasedQueue::change_visibility(std::uint64_t receipt, Duration visibility) {
  const std::uint32_t slot = slot_of(receipt);
  if (slot == no_slot || messages_[slot].lease >= is_delayed) return Entry::stale;
  const std::uint32_t lease = messages_[slot].lease;
  if (visibility <= Duration::zero()) {
    lease_over(lease);
  } else {
    leave_lane(lease);
    set_end(lease, visibility);
  }
  return Entry::accepted;
}

// What is not in flight leaves the queue; it has left the ledger, or another holder has it.
void LeasedQueue::forget(std::uint32_t slot, From from) {
  const bool free = lines_->gone(slot, from, {}, sim().now());
  messages_[slot].number = {};
  if (free) messages_.give_back(slot);
}

bool LeasedQueue::take_out(Message& message) {
  std::vector<std::uint32_t> taken;
  lines_->take(1, ~0u, sim().now(), taken);
  if (taken.empty()) return false;
  --visible_;
  message = message_of(taken[0]);
  forget(taken[0], From::taken);
  return true;
}

void LeasedQueue::on_sweep() {
  sim().after<&LeasedQueue::on_sweep>(sweep_interval, this, 0, sim::Turn::control);
  const Time oldest = lines_->oldest();
  if (oldest == Time::max() || sim().now() - oldest < settings_.retention) return;
  for (std::uint32_t slot = 0; slot < messages_.slots(); ++slot) {
    const WaitingMessage& message = messages_[slot];
    if (!message.number || message.lease != no_lease || !is_expired(message)) continue;
    ++expired_;
    --visible_;
    ledger_.end(message.number, Fate::expired);
    forget(slot, From::line);
  }
}

Duration LeasedQueue::age_of_oldest() const {
  Time oldest = lines_->oldest();
  for (std::uint32_t lease = 0; lease < leases_.slots(); ++lease) {
    const std::uint32_t slot = leases_[lease].slot;
    if (slot == no_slot || messages_[slot].lease != lease) continue;
    if (!settings_.groups && messages_[slot].receives >= StandardLines::receives_to_the_back) {
      continue;
    }
    oldest = std::min(oldest, messages_[slot].enqueued);
  }
  return oldest == Time::max() ? Duration::zero() : sim().now() - oldest;
}

std::int64_t LeasedQueue::overdue_leases() const {
  std::int64_t overdue = 0;
  for (std::uint32_t lease = 0; lease < leases_.slots(); ++lease) {
    const std::uint32_t slot = leases_[lease].slot;
    overdue += slot != no_slot && messages_[slot].lease == lease && messages_[slot].number &&
               leases_[lease].ends < sim().now();
  }
  return overdue;
}

std::size_t LeasedQueue::noisy_tenants() const {
  const auto* lines = dynamic_cast<const StandardLines*>(lines_.get());
  return lines == nullptr ? 0 : lines->noisy_tenants();
}

std::uint64_t LeasedQueue::messages_held() const {
  std::uint64_t held = 0;
  for (std::uint32_t slot = 0; slot < messages_.slots(); ++slot) {
    held += static_cast<bool>(messages_[slot].number);
  }
  WT_CHECK(held == static_cast<std::uint64_t>(visible_ + delayed_ + in_flight()),
           "a message of a queue is neither visible nor in flight nor delayed");
  return held;
}

}  // namespace windtunnel
