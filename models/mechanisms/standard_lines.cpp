#include "models/mechanisms/standard_lines.hpp"

#include <algorithm>
#include <cmath>

namespace windtunnel {

namespace {

using sim::Time;

constexpr double noisy_share = 0.1;
constexpr std::uint64_t noisy_in_flight = 30;
constexpr sim::Duration quiet_after{std::chrono::minutes(5)};
constexpr double half_life = 60;  // seconds

}  // namespace

double StandardLines::Recent::read(Time now) const {
  return value * std::exp2(-sim::seconds(now - at) / half_life);
}
void StandardLines::Recent::add(double more, Time now) {
  value = read(now) + more;
  at = now;
}

StandardLines::StandardLines(Messages& messages, const Settings& settings, LossLedger::Line line)
    : messages_(messages),
      settings_(settings),
      line_(line),
      returned_(messages),
      arrived_(messages) {}

StandardLines::Tenant* StandardLines::tenant_of(std::uint32_t slot) {
  const std::uint32_t key = messages_[slot].key;
  if (key == 0) return nullptr;
  const std::uint32_t* number = tenant_numbers_.find(key);
  return number == nullptr ? nullptr : tenants_[*number].get();
}

StandardLines::Tenant& StandardLines::made_tenant_of(std::uint32_t slot) {
  if (Tenant* known = tenant_of(slot)) return *known;
  tenant_numbers_.insert(messages_[slot].key, static_cast<std::uint32_t>(tenants_.size()));
  tenants_.push_back(std::make_unique<Tenant>(messages_));
  tenants_.back()->key = messages_[slot].key;
  return *tenants_.back();
}

void StandardLines::add(std::uint32_t slot) {
  arrived_.push_back(slot);
  if (messages_[slot].key != 0) ++made_tenant_of(slot).visible;
}

void StandardLines::leased(std::uint32_t slot) {
  ++in_flight_;
  if (Tenant* tenant = tenant_of(slot)) ++tenant->in_flight;
}

void StandardLines::released(std::uint32_t slot, Time received, Time now) {
  --in_flight_;
  Tenant* tenant = tenant_of(slot);
  if (tenant == nullptr) return;
  const double time = sim::seconds(now - received);
  processing_.add(time, now);
  tenant->processing.add(time, now);
  if (--tenant->in_flight == 0) tenant->idle_since = now;
}

void StandardLines::visible_again(std::uint32_t slot, Time received, Time now) {
  released(slot, received, now);
  Tenant* tenant = tenant_of(slot);
  if (tenant != nullptr) ++tenant->visible;
  const bool to_the_back =
      settings_.to_the_back && messages_[slot].receives >= receives_to_the_back;
  if (tenant != nullptr && tenant->noisy) {
    tenant->backlog.push_back(slot);
  } else {
    (to_the_back ? arrived_ : returned_).push_back(slot);
  }
}

bool StandardLines::gone(std::uint32_t slot, From from, Time received, Time now) {
  if (from == From::flight) released(slot, received, now);
  if (from != From::line) return true;
  if (Tenant* tenant = tenant_of(slot)) --tenant->visible;
  return false;
}

bool StandardLines::is_too_much(const Tenant& tenant, Time now) const {
  const auto all = static_cast<double>(in_flight_);
  if (tenant.in_flight >= noisy_in_flight &&
      static_cast<double>(tenant.in_flight) > noisy_share * all) {
    return true;
  }
  return tenant.processing.read(now) > noisy_share * processing_.read(now);
}

// Those whose backlog is consumed, or of whom nothing was in flight for long, are quiet again.
void StandardLines::quieten(Time now) {
  std::erase_if(noisy_, [&](Tenant* tenant) {
    const bool idle = tenant->in_flight == 0 && now - tenant->idle_since >= quiet_after;
    if (tenant->visible > 0 && !idle) return false;
    tenant->noisy = false;
    returned_.append(tenant->backlog);
    return true;
  });
}

// A removed message that still stands in a line.
bool StandardLines::removed(std::uint32_t slot) { return !messages_[slot].number; }

void StandardLines::hand_out(std::uint32_t slot, std::vector<std::uint32_t>& taken) {
  if (Tenant* tenant = tenant_of(slot)) --tenant->visible;
  taken.push_back(slot);
}

void StandardLines::take_from(List& list, std::uint32_t most, std::uint32_t servers, Time now,
                              std::vector<std::uint32_t>& taken) {
  std::uint32_t previous = no_slot;
  for (std::uint32_t slot = list.head(); slot != no_slot && taken.size() < most;) {
    const std::uint32_t next = messages_[slot].next;
    Tenant* tenant = tenants_.empty() ? nullptr : tenant_of(slot);
    if (removed(slot)) {
      list.unlink_after(previous);
      messages_.give_back(slot);
    } else if (tenant != nullptr && (tenant->noisy || is_too_much(*tenant, now))) {
      if (!tenant->noisy) noisy_.push_back(tenant);
      tenant->noisy = true;
      list.unlink_after(previous);
      tenant->backlog.push_back(slot);
    } else if (reached(slot, servers)) {
      list.unlink_after(previous);
      hand_out(slot, taken);
    } else {
      previous = slot;
    }
    slot = next;
  }
}

void StandardLines::take_from_noisy(std::uint32_t most, std::uint32_t servers,
                                    std::vector<std::uint32_t>& taken) {
  std::vector<Tenant*> order = noisy_;
  std::stable_sort(order.begin(), order.end(),
                   [](const Tenant* a, const Tenant* b) { return a->in_flight < b->in_flight; });
  for (Tenant* tenant : order) {
    std::uint32_t previous = no_slot;
    for (std::uint32_t slot = tenant->backlog.head(); slot != no_slot && taken.size() < most;) {
      const std::uint32_t next = messages_[slot].next;
      if (removed(slot)) {
        tenant->backlog.unlink_after(previous);
        messages_.give_back(slot);
      } else if (reached(slot, servers)) {
        tenant->backlog.unlink_after(previous);
        hand_out(slot, taken);
      } else {
        previous = slot;
      }
      slot = next;
    }
  }
}

void StandardLines::take(std::uint32_t most, std::uint32_t servers, Time now,
                         std::vector<std::uint32_t>& taken) {
  if (!noisy_.empty()) quieten(now);
  take_from(returned_, most, servers, now, taken);
  take_from(arrived_, most, servers, now, taken);
  if (!noisy_.empty() && taken.size() < most) take_from_noisy(most, servers, taken);
}

Time StandardLines::oldest() const {
  Time found = Time::max();
  const auto look_at = [&](const List& list) {
    for (std::uint32_t slot = list.head(); slot != no_slot; slot = messages_[slot].next) {
      const WaitingMessage& message = messages_[slot];
      if (!message.number || message.receives >= receives_to_the_back) continue;
      found = std::min(found, message.enqueued);
      return;
    }
  };
  look_at(returned_);
  look_at(arrived_);
  for (const Tenant* tenant : noisy_) look_at(tenant->backlog);
  return found;
}

}  // namespace windtunnel
