#include "topologies/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <numeric>

#include "models/mechanisms/geography.hpp"
#include "topologies/diagnostics.hpp"

namespace windtunnel {

namespace {

constexpr std::size_t name_max = 64;

// Edits that turn one word into the other: insert, delete, replace, swap neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({replaced, last[j] + 1, now[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        now[j] = std::min(now[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

}  // namespace

bool is_name(std::string_view text) {
  const auto letter_or_digit = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
  };
  return !text.empty() && text.size() <= name_max && letter_or_digit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return letter_or_digit(c) || c == '_' || c == '-'; });
}

std::string did_you_mean(std::string_view text, const std::vector<std::string>& candidates) {
  if (text.size() > name_max) return "";
  const std::string* nearest = nullptr;
  std::size_t distance = std::max<std::size_t>(1, text.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t longer = std::max(text.size(), candidate.size());
    if (longer - std::min(text.size(), candidate.size()) >= distance) continue;  // cheap bound
    const std::size_t edits = edit_distance(text, candidate);
    if (edits >= distance || edits >= candidate.size()) continue;
    nearest = &candidate;
    distance = edits;
  }
  return nearest == nullptr ? "" : fmt::format(", did you mean {}?", shown(*nearest));
}

std::string listed(const std::vector<std::string>& words, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? fmt::format(" {} ", last) : ", ";
    text += words[i];
  }
  return text;
}

const std::vector<std::string>& known_regions() {
  static const auto regions = [] {
    std::vector<std::string> codes;
    for (const Location& region : aws_regions()) codes.emplace_back(region.code);
    return codes;
  }();
  return regions;
}

}  // namespace windtunnel
