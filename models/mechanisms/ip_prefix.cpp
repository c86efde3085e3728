#include "models/mechanisms/ip_prefix.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <string>

namespace windtunnel {

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  IpPrefix prefix;
  prefix.v6 = address.find(':') != std::string::npos;
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(prefix.v6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) != 1) return {};
  for (std::size_t i = 0; i < 16; ++i) {
    (i < 8 ? prefix.high : prefix.low) = (i < 8 ? prefix.high : prefix.low) << 8 | bytes[i];
  }
  const unsigned longest = prefix.v6 ? 128 : 32;
  unsigned length = longest;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const char* end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, length);
    if (read.ec != std::errc{} || read.ptr != end || length > longest) return {};
  }
  prefix.length = static_cast<std::uint8_t>(length);
  const auto behind = [length](std::uint64_t half, unsigned first) {
    if (length >= first + 64) return false;
    return (length <= first ? half : half << (length - first)) != 0;
  };
  if (behind(prefix.high, 0) || behind(prefix.low, 64)) return {};
  return prefix;
}

}  // namespace windtunnel
