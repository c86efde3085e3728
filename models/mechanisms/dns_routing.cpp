#include "models/mechanisms/dns_routing.hpp"

#include <algorithm>
#include <utility>

namespace windtunnel {

// Candidates of the best rank; false: there is none.
bool DnsRouting::gather(const Query& query, std::span<const std::uint8_t> healthy, bool all,
                        std::vector<std::uint32_t>& chosen) const {
  double best = 0;
  for (std::uint32_t record = 0; record < healthy.size(); ++record) {
    if (!all && healthy[record] == 0) continue;
    const Standing standing = this->standing(record, query);
    if (!standing.candidate || (!chosen.empty() && standing.rank > best)) continue;
    if (!chosen.empty() && standing.rank < best) chosen.clear();
    best = standing.rank;
    chosen.push_back(record);
  }
  return !chosen.empty();
}

void DnsRouting::choose(const Query& query, std::span<const std::uint8_t> healthy,
                        std::vector<std::uint32_t>& chosen) const {
  chosen.clear();
  if (!gather(query, healthy, false, chosen) && !gather(query, healthy, true, chosen)) return;
  const std::size_t wanted = std::min(most_answers(), chosen.size());
  // Draws without replacement, each to the front of what is left.
  for (std::size_t first = 0; first < wanted && chosen.size() > 1; ++first) {
    double sum = 0;
    for (std::size_t i = first; i < chosen.size(); ++i) sum += standing(chosen[i], query).weight;
    double left = query.chance.uniform() * sum;
    std::size_t at = first;
    while (at + 1 < chosen.size()) {
      left -= standing(chosen[at], query).weight;
      if (left < 0) break;
      ++at;
    }
    std::swap(chosen[first], chosen[at]);
  }
  chosen.resize(wanted);
}

DnsRouting::Standing NearestRouting::standing(std::uint32_t record, const Query& asker) const {
  if (asker.from == nullptr) return {};
  auto [known, fresh] = ranks_.try_emplace(asker.from->code);
  std::vector<double>& ranks = known->second;
  if (fresh) {
    for (const Place& place : places_) {
      const double measure = by_ == By::distance
                                 ? distance_km(*asker.from, place.where)
                                 : sim::seconds(round_trip(*asker.from, place.where));
      ranks.push_back(measure * place.factor);
    }
  }
  return {.rank = ranks[record]};
}

double bias_factor(double bias) { return bias >= 0 ? 1 - bias / 100 : 1 / (1 + bias / 100); }

DnsRouting::Standing GeolocationRouting::standing(std::uint32_t record, const Query& asker) const {
  const GeoMatch& match = matches_[record];
  if (match.country == "*") return {.rank = 3};
  const Location* from = asker.from;
  if (from == nullptr) return {.candidate = false};
  if (!match.continent.empty()) {
    return {.rank = 2, .candidate = from->continent == match.continent};
  }
  const bool here = from->country == match.country;
  if (match.subdivision.empty()) return {.rank = 1, .candidate = here};
  return {.rank = 0, .candidate = here && from->subdivision == match.subdivision};
}

DnsRouting::Standing IpBasedRouting::standing(std::uint32_t record, const Query& asker) const {
  constexpr double default_rank = 1000;  // behind the shortest block
  const std::vector<IpPrefix>& blocks = locations_[record];
  if (blocks.empty()) return {.rank = default_rank};
  double longest = -1;
  for (const IpPrefix& block : blocks) {
    if (asker.subnet != nullptr && block.contains(*asker.subnet)) {
      longest = std::max(longest, static_cast<double>(block.length));
    }
  }
  return {.rank = 128 - longest, .candidate = longest >= 0};
}

}  // namespace windtunnel
