// UTF-8: how long a character is, and how a user's text may stand in a message or a picture.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace windtunnel::traces {

// Bytes of the character at the front; 0 if it is none (overlong, surrogates and beyond U+10FFFF).
inline std::size_t utf8_size(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return text.empty() ? 0 : 1;
  if (first >= 0xc2 && first < 0xe0) return follows(1) ? 2 : 0;
  if ((first & 0xf0U) == 0xe0 && follows(1) && follows(2)) {
    const bool wrong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0);
    return wrong ? 0 : 3;
  }
  if (first >= 0xf0 && first < 0xf5 && follows(1) && follows(2) && follows(3)) {
    const bool wrong = (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90);
    return wrong ? 0 : 4;
  }
  return 0;
}

// In quotes, without control characters, cut when long.
inline std::string quoted(std::string_view text, std::size_t most = 60) {
  std::string out = "'";
  for (std::size_t i = 0; i < text.size();) {
    if (i >= most) {
      out += "...";
      break;
    }
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t size = utf8_size(text.substr(i));
    if (size == 0 || byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
      ++i;
      continue;
    }
    out.append(text.substr(i, size));
    i += size;
  }
  return out + "'";
}

}  // namespace windtunnel::traces
