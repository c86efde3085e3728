// Path patterns as Application Load Balancers' rules have them: * is any number of characters, ? is
// one; the case of letters counts (ALB user guide, path conditions).
#pragma once

#include <cstddef>
#include <string_view>

namespace windtunnel::traces {

inline bool matches(std::string_view pattern, std::string_view path) {
  std::size_t p = 0, at = 0;
  std::size_t star = std::string_view::npos, resume = 0;  // the last *, and what it has swallowed
  while (at < path.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = at;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == path[at])) {
      ++p;
      ++at;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace windtunnel::traces
