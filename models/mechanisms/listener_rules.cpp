#include "models/mechanisms/listener_rules.hpp"

#include <algorithm>

namespace windtunnel {

bool matches(std::string_view pattern, std::string_view text) {
  // A mismatch after a star goes back to it and lets it take one character more; only the last star
  // matters.
  std::size_t p = 0, t = 0;
  std::size_t star = std::string_view::npos, taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

namespace {

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

void WeightedGroups::add(std::uint16_t group, double weight) {
  if (weight <= 0) return;
  shares_.push_back({group, weight});
  total_ += weight;
}

bool ListenerRules::Rule::matches(const sim::RequestClass& request) const {
  const std::string host = lower_case(request.host);
  const auto host_matches = [&](const std::string& pattern) {
    return !host.empty() && windtunnel::matches(lower_case(pattern), host);
  };
  const auto path_matches = [&](const std::string& pattern) {
    return windtunnel::matches(pattern, request.path);
  };
  return (hosts.empty() || std::any_of(hosts.begin(), hosts.end(), host_matches)) &&
         (paths.empty() || std::any_of(paths.begin(), paths.end(), path_matches));
}

void ListenerRules::look_up(const sim::Simulation& sim, std::uint16_t request_class) {
  known_.resize(std::max<std::size_t>(known_.size(), sim.request_classes().size()), unknown);
  const sim::RequestClass& request = sim.request_class(request_class);
  const auto found = std::find_if(rules_.begin(), rules_.end(),
                                  [&](const Rule& rule) { return rule.matches(request); });
  known_[request_class] = static_cast<std::uint16_t>(found - rules_.begin());
}

}  // namespace windtunnel
