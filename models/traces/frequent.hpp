// The commonest of very many texts in bounded memory (Misra and Gries 1982): a count is at most
// `error()` too low, and whatever came more often than that is there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace windtunnel::traces {

class Frequent {
 public:
  static constexpr std::size_t most = 4096, bytes_max = 200;

  void add(std::string_view text) {
    text = text.substr(0, bytes_max);
    const auto found = counts_.find(text);
    if (found != counts_.end()) {
      ++found->second;
      return;
    }
    if (counts_.size() == most) shrink();
    counts_.emplace(text, 1);
  }
  std::uint64_t error() const { return error_; }

  struct Entry {
    std::string text;
    std::uint64_t count;
  };
  std::vector<Entry> top(std::size_t n) const {
    std::vector<Entry> all;
    for (const auto& [text, count] : counts_) all.push_back({text, count});
    std::stable_sort(all.begin(), all.end(),
                     [](const Entry& a, const Entry& b) { return a.count > b.count; });
    all.resize(std::min(n, all.size()));
    return all;
  }

 private:
  // Takes the median off all: half of them go.
  void shrink() {
    std::vector<std::uint64_t> counts;
    for (const auto& [text, count] : counts_) counts.push_back(count);
    std::nth_element(counts.begin(), counts.begin() + most / 2, counts.end());
    const std::uint64_t median = counts[most / 2];
    error_ += median;
    for (auto entry = counts_.begin(); entry != counts_.end();) {
      entry->second -= std::min(entry->second, median);
      entry = entry->second == 0 ? counts_.erase(entry) : std::next(entry);
    }
  }

  std::map<std::string, std::uint64_t, std::less<>> counts_;
  std::uint64_t error_ = 0;
};

}  // namespace windtunnel::traces
