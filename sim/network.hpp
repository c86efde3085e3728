// The request plane's network: one-way times, reachability and loss between zones. A zone is an
// availability zone, or a place outside AWS such as a population of clients. The platform's links
// carry bulk data and follow the same state.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/call.hpp"
#include "sim/distribution.hpp"
#include "sim/random.hpp"

namespace windtunnel::sim {

class Platform;

class Network {
 public:
  Network();
  // The platform whose links follow cut-offs.
  void attach(Platform& platform) { platform_ = &platform; }

  // Outside: a place that no zone fault is meant for.
  enum class Kind : std::uint8_t {
    zone,      // an availability zone, or a place outside AWS (region "")
    regional,  // where a region's own services are: in none of its zones, but lost with all of them
  };
  ZoneId add_zone(std::string name, std::string region, Kind kind = Kind::zone);
  std::size_t zones() const { return zones_.size(); }
  const std::string& name(ZoneId zone) const { return zones_[zone].name; }
  const std::string& region(ZoneId zone) const { return zones_[zone].region; }
  Kind kind(ZoneId zone) const { return zones_[zone].kind; }
  std::optional<ZoneId> find(std::string_view name) const;
  // Zones of a region in order of their making.
  std::vector<ZoneId> zones_of(std::string_view region) const;

  // Median one-way time, both directions.
  void set_one_way(ZoneId a, ZoneId b, Duration median);
  Duration one_way(ZoneId a, ZoneId b) const { return path(a, b).median; }
  // 90th percentile over median of a message's time; 1: no jitter.
  void set_jitter(double p90_over_median);

  // Faults, inside operations only. Factors multiply; a zone that is cut off reaches nobody but
  // itself.
  void set_cut_off(ZoneId zone, bool cut_off) { set_island(zone, cut_off ? 1u + zone : 0); }
  // Zones of one island reach each other and nobody else; 0 is the mainland. Bulk transfers know
  // only the mainland: a zone on any island has its uplink down.
  void set_island(ZoneId zone, std::uint32_t island);
  // Nothing passes between these two, whatever else they reach. Bulk transfers do not know of it.
  void set_severed(ZoneId a, ZoneId b, bool severed);
  void set_slow(ZoneId zone, double factor);
  void set_loss(ZoneId zone, double share);
  bool reaches(ZoneId from, ZoneId to) const { return path(from, to).open; }
  bool cut_off(ZoneId zone) const { return zones_[zone].island != 0; }
  // What latency between two zones is multiplied with.
  double slow(ZoneId from, ZoneId to) const { return path(from, to).slow; }

  static constexpr Duration lost = forever;

  // One-way time of a message, or `lost` if it never arrives. Lost packets are sent again by TCP
  // after 200 ms, doubling (Linux TCP_RTO_MIN; a SYN after 1 s, RFC 6298), up to 15 times
  // (tcp_retries2).
  Duration travel(ZoneId from, ZoneId to, Operation operation, Stream& chance) const {
    const Path& p = path(from, to);
    if (p.plain && p.open) {
      if (p.median == Duration::zero() || !jitter_) return p.median;
      // A draw from the jitter's quantiles: the middle of one of 1,024 equal shares.
      const std::uint64_t factor = jitter_table_[chance() >> 54];
      return Duration(static_cast<std::int64_t>(
          (static_cast<std::uint64_t>(p.median.count()) * factor) >> jitter_bits));
    }
    return p.open ? troubled(p, operation, chance) : lost;
  }

 private:
  static constexpr int jitter_bits = 16;
  struct Zone {
    std::string name, region;
    Kind kind = Kind::zone;
    std::uint32_t island = 0;
    double slow = 1, loss = 0;
  };
  struct Path {
    Duration median{0};
    bool open = true;
    bool plain = true;  // neither slow nor lossy
    bool severed = false;
    double slow = 1, loss = 0;
  };
  const Path& path(ZoneId a, ZoneId b) const { return paths_[a * stride_ + b]; }
  Path& path(ZoneId a, ZoneId b) { return paths_[a * stride_ + b]; }
  Duration troubled(const Path& p, Operation operation, Stream& chance) const;
  void refresh(ZoneId zone);

  Platform* platform_ = nullptr;
  std::vector<Zone> zones_;
  std::vector<Path> paths_;
  std::size_t stride_ = 0;
  bool jitter_ = false;
  std::array<std::uint32_t, 1024> jitter_table_{};
};

}  // namespace windtunnel::sim
