// A block of IP addresses in CIDR notation: "203.0.113.0/24", "2001:db8::/32".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace windtunnel {

struct IpPrefix {
  std::uint64_t high = 0, low = 0;  // of 128 bits; an IPv4 block's 32 are the first of them
  std::uint8_t length = 0;          // leading bits that count
  bool v6 = false;

  // A block without /length is one address. Nothing for what is no CIDR block, or has bits behind
  // its length.
  static std::optional<IpPrefix> parse(std::string_view text);

  // All of `other` lies in it.
  bool contains(const IpPrefix& other) const {
    if (v6 != other.v6 || length > other.length) return false;
    const std::uint64_t high_mask = length == 0 ? 0 : ~std::uint64_t{0} << (64 - upper());
    const std::uint64_t low_mask = length <= 64 ? 0 : ~std::uint64_t{0} << (128 - length);
    return ((high ^ other.high) & high_mask) == 0 && ((low ^ other.low) & low_mask) == 0;
  }

  friend bool operator==(const IpPrefix&, const IpPrefix&) = default;

 private:
  unsigned upper() const { return length < 64 ? length : 64; }
};

}  // namespace windtunnel
