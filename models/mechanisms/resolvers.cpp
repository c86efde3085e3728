#include "models/mechanisms/resolvers.hpp"

#include <algorithm>

#include "sim/entity.hpp"
#include "sim/hash.hpp"

namespace windtunnel {

using sim::Duration;
using sim::Time;

namespace {

std::uint64_t hash_of(const Resolution& answer) {
  std::uint64_t hash = sim::mix(static_cast<std::uint64_t>(answer.ttl.count()));
  for (const sim::Address& address : answer.addresses) {
    hash = sim::mix(hash ^ address.entity->name_hash());
    hash = sim::mix(hash ^ (std::uint64_t{address.node} << 32 | address.life));
  }
  return hash;
}

bool equal(const Resolution& a, const Resolution& b) {
  return a.addresses == b.addresses && a.ttl == b.ttl &&
         a.connection_lifetime == b.connection_lifetime && a.connection_idle == b.connection_idle;
}

Time after(Time now, Duration time) { return time < Time::max() - now ? now + time : Time::max(); }

}  // namespace

Duration TtlRule::kept(Duration ttl) const {
  if (forever || ttl == sim::forever) return sim::forever;
  const Duration scaled = times == 1 ? ttl : sim::from_seconds(sim::seconds(ttl) * times);
  return std::min(std::max(scaled, at_least), at_most);
}

const TtlRule& TtlRules::of(std::uint64_t cache, std::uint64_t salt) const {
  static const TtlRule honest;
  if (rules_.empty()) return honest;
  if (rules_.size() == 1) return rules_.front();
  double at = static_cast<double>(sim::mix(sim::mix(cache + 1) ^ salt) >> 11) * 0x1.0p-53;
  for (const TtlRule& rule : rules_) {
    if (at < rule.share) return rule;
    at -= rule.share;
  }
  return rules_.back();
}

std::uint32_t AnswerBook::enter(Resolution answer) {
  const std::uint64_t hash = hash_of(answer);
  const auto known = by_hash_.find(hash);
  if (known != by_hash_.end() && equal(entries_[known->second].answer, answer)) {
    hold(known->second);
    return known->second;
  }
  std::uint32_t number = static_cast<std::uint32_t>(entries_.size());
  if (free_.empty()) {
    entries_.emplace_back();
  } else {
    number = free_.back();
    free_.pop_back();
  }
  entries_[number] = {std::move(answer), hash, 1};
  by_hash_.emplace(hash, number);  // of two answers with one hash, the later is not shared
  return number;
}

void AnswerBook::release(std::uint32_t number) {
  if (number == none || --entries_[number].holders > 0) return;
  const auto known = by_hash_.find(entries_[number].hash);
  if (known != by_hash_.end() && known->second == number) by_hash_.erase(known);
  entries_[number] = {};
  free_.push_back(number);
}

Resolvers::Resolvers(Callable& target, sim::Operation operation, const Settings& settings,
                     std::uint32_t machines, AnswerBook& book, sim::Stream& chance,
                     std::uint64_t salt)
    : target_(target),
      operation_(operation),
      settings_(settings),
      book_(book),
      chance_(chance),
      salt_(salt),
      caches_(std::min(settings.count, machines)) {}

Resolvers::Ms Resolvers::in_ms(Time date) {
  constexpr std::int64_t most = 0xffffffff;
  return static_cast<Ms>(
      std::min<std::int64_t>(most, date.time_since_epoch() / std::chrono::milliseconds(1)));
}

Duration Resolvers::recursion(std::uint32_t machine, Time now, sim::Stream& chance) {
  if (caches_[resolver_of(machine)].fresh(now)) return Duration::zero();
  return settings_.recursion.sample(chance);
}

Duration Resolvers::ttl_of(const Resolution& answer, std::uint32_t resolver) const {
  const Duration ttl = answer.addresses.empty() ? settings_.negative_ttl : answer.ttl;
  return settings_.rules.of(resolver, salt_).kept(ttl);
}

Resolvers::Given Resolvers::ask(std::uint32_t machine, Time now) {
  const std::uint32_t resolver = resolver_of(machine);
  Perishable<Kept>& cache = caches_[resolver];
  if (cache.fresh(now)) {
    const bool for_ever = cache.expires == Time::max();
    return {cache.value.answer, cache.value.given, false,
            for_ever ? sim::forever : cache.expires - now};
  }
  const bool shown = settings_.client_subnet;
  const auto& network = shown ? settings_.clients_network : settings_.network;
  const std::uint32_t answer =
      book_.enter(target_.resolve({operation_, chance_, shown ? settings_.clients : settings_.place,
                                   network ? &*network : nullptr, settings_.clients}));
  const Duration ttl = ttl_of(book_[answer], resolver);
  book_.release(cache.value.answer);
  cache = {after(now, ttl), {answer, in_ms(now)}};
  return {answer, cache.value.given, true, ttl};
}

Duration Resolvers::kept_by_runtime(std::uint32_t machine, const Given& given) const {
  if (book_[given.answer].addresses.empty()) return Duration::zero();
  return settings_.runtimes.of(machine, ~salt_).kept(given.ttl);
}

}  // namespace windtunnel
