// Recursive resolvers between many machines and a name: each keeps an answer for all the machines
// that ask it, for the time that its own rule makes of the TTL. A machine's runtime keeps what it
// was told by a rule of its own. Answers are shared: a cache holds the number of one.
//
// An empty answer is kept, too, for the zone's negative TTL. Two questions at once to a resolver
// that has no answer are two lookups. Left out: resolvers that fail, that serve stale answers (RFC
// 8767) or fetch ahead; resolvers of unequal size; answers too large for UDP.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "models/mechanisms/huge_pages.hpp"
#include "models/mechanisms/ip_prefix.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/ttl_cache.hpp"
#include "sim/distribution.hpp"
#include "sim/prefetch.hpp"

namespace windtunnel {

// What a cache makes of a TTL.
struct TtlRule {
  double share = 1;  // of the caches that obey it
  double times = 1;
  sim::Duration at_least{0}, at_most = sim::forever;
  bool forever = false;

  sim::Duration kept(sim::Duration ttl) const;
};

// Rules by their shares; none: the TTL itself. A cache's rule never changes.
class TtlRules {
 public:
  TtlRules() = default;
  explicit TtlRules(std::vector<TtlRule> rules) : rules_(std::move(rules)) {}
  const TtlRule& of(std::uint64_t cache, std::uint64_t salt) const;

 private:
  std::vector<TtlRule> rules_;
};

// Answers by their numbers, equal ones once, each for as long as someone holds it.
class AnswerBook {
 public:
  static constexpr std::uint32_t none = 0xffffffff;

  // The caller holds it now.
  std::uint32_t enter(Resolution answer);
  void hold(std::uint32_t number) { ++entries_[number].holders; }
  void release(std::uint32_t number);
  const Resolution& operator[](std::uint32_t number) const { return entries_[number].answer; }
  std::size_t size() const { return entries_.size() - free_.size(); }

 private:
  struct Entry {
    Resolution answer;
    std::uint64_t hash = 0;
    std::uint32_t holders = 0;
  };
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  std::map<std::uint64_t, std::uint32_t> by_hash_;
};

class Resolvers {
 public:
  struct Settings {
    std::uint32_t count = 1;
    TtlRules rules;     // of the resolvers
    TtlRules runtimes;  // of the machines
    sim::Duration negative_ttl = std::chrono::seconds(900);
    sim::Distribution recursion{};      // of a lookup that the resolver has to make itself
    const Location* place = nullptr;    // of the resolvers
    const Location* clients = nullptr;  // of the machines
    bool client_subnet = false;         // EDNS Client Subnet: the server sees the machines
    std::optional<IpPrefix> network, clients_network;
  };
  // `settings` outlives it, as do the streams and the book.
  Resolvers(Callable& target, sim::Operation operation, const Settings& settings,
            std::uint32_t machines, AnswerBook& book, sim::Stream& chance, std::uint64_t salt);

  // A date in ms since the start, rounded down; 49 days and more are 49 days.
  using Ms = std::uint32_t;
  static Ms in_ms(sim::Time date);
  struct Given {
    std::uint32_t answer = AnswerBook::none;  // held by the resolver
    Ms given = 0;                             // by the authoritative server
    bool recursion = false;                   // just now
    sim::Duration ttl{0};                     // what is left of it at the resolver
  };
  void prefetch(std::uint32_t machine) const { sim::prefetch(&caches_[resolver_of(machine)]); }
  // The resolver's time before it can answer: nothing, if its cache can.
  sim::Duration recursion(std::uint32_t machine, sim::Time now, sim::Stream& chance);
  Given ask(std::uint32_t machine, sim::Time now);
  sim::Duration kept_by_runtime(std::uint32_t machine, const Given& given) const;

 private:
  struct Kept {
    std::uint32_t answer = AnswerBook::none;
    Ms given = 0;
  };
  std::uint32_t resolver_of(std::uint32_t machine) const { return machine % settings_.count; }
  sim::Duration ttl_of(const Resolution& answer, std::uint32_t resolver) const;

  Callable& target_;
  sim::Operation operation_;
  const Settings& settings_;
  AnswerBook& book_;
  sim::Stream& chance_;
  std::uint64_t salt_;
  LargeVector<Perishable<Kept>> caches_;  // by resolver
};

}  // namespace windtunnel
