// How an authoritative server of Route 53 chooses among the records of one name. A policy says how
// a record stands with an asker: whether it is a candidate at all, its rank (the lower the better)
// and its weight among those of the same rank. From there on all policies are alike (rule 39):
//
//   of the candidates that are healthy (if none is: of all candidates), those of the best rank; of
//   these as many as the policy gives, drawn by weight, at every query anew.
//
//   simple, multivalue    one rank
//   failover              the primary, then the secondary
//   weighted              weights above 0, then the others, all alike
//   latency               round trip from the asker to the record's region
//   geolocation           subdivision, country, continent, default; what does not match is none
//   IP-based              the longest matching CIDR block, then the default; likewise
//   geoproximity          distance, bias applied
//
// An asker of whom nothing is known is equally far from everything and matches defaults alone.
// Latencies are the long-run ones of the matrix, not live (Route 53 measures over weeks).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/mechanisms/geography.hpp"
#include "models/mechanisms/ip_prefix.hpp"
#include "models/mechanisms/ports.hpp"

namespace windtunnel {

class DnsRouting {
 public:
  struct Standing {
    double rank = 0;
    double weight = 1;
    bool candidate = true;
  };
  virtual ~DnsRouting() = default;
  virtual Standing standing(std::uint32_t record, const Query& asker) const = 0;
  virtual std::size_t most_answers() const { return 1; }
  // By ChangeResourceRecordSets; of weighted records alone.
  virtual void set_weight(std::uint32_t /*record*/, double /*weight*/) {}

  // The records that answer, into `chosen`: none where no record is a candidate.
  void choose(const Query& query, std::span<const std::uint8_t> healthy,
              std::vector<std::uint32_t>& chosen) const;

 private:
  bool gather(const Query& query, std::span<const std::uint8_t> healthy, bool all,
              std::vector<std::uint32_t>& chosen) const;
};

// The first healthy one in order: simple, alias, failover.
class OrderedRouting final : public DnsRouting {
 public:
  Standing standing(std::uint32_t record, const Query&) const override {
    return {.rank = static_cast<double>(record)};
  }
};

class MultivalueRouting final : public DnsRouting {
 public:
  static constexpr std::size_t answers = 8;  // Route 53 guide, Multivalue answer routing
  Standing standing(std::uint32_t, const Query&) const override { return {}; }
  std::size_t most_answers() const override { return answers; }
};

class WeightedRouting final : public DnsRouting {
 public:
  explicit WeightedRouting(std::vector<double> weights) : weights_(std::move(weights)) {}
  Standing standing(std::uint32_t record, const Query&) const override {
    const double weight = weights_[record];
    return weight > 0 ? Standing{.rank = 0, .weight = weight} : Standing{.rank = 1, .weight = 1};
  }
  void set_weight(std::uint32_t record, double weight) override { weights_[record] = weight; }

 private:
  std::vector<double> weights_;
};

// Latency and geoproximity: the nearest by a measure of places, each times a factor of its own.
class NearestRouting final : public DnsRouting {
 public:
  struct Place {
    Location where;
    double factor = 1;
  };
  enum class By : std::uint8_t { round_trip, distance };
  NearestRouting(By by, std::vector<Place> places) : by_(by), places_(std::move(places)) {}
  Standing standing(std::uint32_t record, const Query& asker) const override;

 private:
  By by_;
  std::vector<Place> places_;
  // By the asker's place: worked out once.
  mutable std::map<std::string_view, std::vector<double>> ranks_;
};
// What a distance is multiplied with at a bias of -99 to 99: a positive one draws traffic.
double bias_factor(double bias);

// A record names one of them; country "*" is the default.
struct GeoMatch {
  std::string continent, country, subdivision;
};
class GeolocationRouting final : public DnsRouting {
 public:
  explicit GeolocationRouting(std::vector<GeoMatch> matches) : matches_(std::move(matches)) {}
  Standing standing(std::uint32_t record, const Query& asker) const override;

 private:
  std::vector<GeoMatch> matches_;
};

class IpBasedRouting final : public DnsRouting {
 public:
  // The blocks of a record's CIDR location; none: the default, "*".
  explicit IpBasedRouting(std::vector<std::vector<IpPrefix>> locations)
      : locations_(std::move(locations)) {}
  Standing standing(std::uint32_t record, const Query& asker) const override;

 private:
  std::vector<std::vector<IpPrefix>> locations_;
};

}  // namespace windtunnel
