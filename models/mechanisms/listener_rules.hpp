// A listener's rules: conditions on host and path, in order of priority, and where requests go, to
// one target group or to several by weight. What rules say of a class of requests is looked up once
// for each class. Left out: conditions on headers, methods, queries and source addresses; actions
// that answer or redirect.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/random.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

// `*` is any text, none too; `?` is any one character.
bool matches(std::string_view pattern, std::string_view text);

// Target groups by their number, each drawn with its share.
class WeightedGroups {
 public:
  void add(std::uint16_t group, double weight);
  std::uint16_t draw(sim::Stream& chance) const {
    if (shares_.size() == 1) return shares_[0].group;
    double at = chance.uniform() * total_;
    std::size_t i = 0;
    while (i + 1 < shares_.size() && at >= shares_[i].weight) at -= shares_[i++].weight;
    return shares_[i].group;
  }

 private:
  struct Share {
    std::uint16_t group;
    double weight;
  };
  std::vector<Share> shares_;  // none of weight 0
  double total_ = 0;
};

class ListenerRules {
 public:
  struct Rule {
    std::vector<std::string> hosts, paths;  // any of them; empty: no such condition

    bool matches(const sim::RequestClass& request) const;
  };

  void add(Rule rule) { rules_.push_back(std::move(rule)); }
  // Without the default action, which has the number after the last rule's.
  std::uint16_t rules() const { return static_cast<std::uint16_t>(rules_.size()); }

  // The first rule that matches, or rules() for the default action.
  std::uint16_t find(const sim::Simulation& sim, std::uint16_t request_class) {
    if (rules_.empty()) return 0;
    if (request_class >= known_.size() || known_[request_class] == unknown)
      look_up(sim, request_class);
    return known_[request_class];
  }

 private:
  static constexpr std::uint16_t unknown = 0xffff;
  void look_up(const sim::Simulation& sim, std::uint16_t request_class);

  std::vector<Rule> rules_;
  std::vector<std::uint16_t> known_;  // by class of requests
};

}  // namespace windtunnel
