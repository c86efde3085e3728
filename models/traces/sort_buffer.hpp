// Puts what is nearly in order into order, with bounded memory: logs are written when requests end,
// and by several nodes. What comes later than the buffer can mend is told to the caller.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/traces/trace.hpp"

namespace windtunnel::traces {

template <typename Item>
class SortBuffer {
 public:
  // As many at most; what is `window` older than the newest may leave.
  explicit SortBuffer(Nanoseconds window, std::size_t most = 262'144)
      : window_(window), most_(most) {}

  // False: something that came after it has left already.
  bool push(Date at, const Item& item) {
    if (at < left_) return false;
    newest_ = std::max(newest_, at);
    heap_.push_back({at, count_++, item});
    std::push_heap(heap_.begin(), heap_.end(), Later());
    return true;
  }
  bool ready() const {
    return !heap_.empty() && (heap_.size() >= most_ || newest_ - heap_.front().at >= window_);
  }
  bool empty() const { return heap_.empty(); }
  Date pop(Item& item) {
    std::pop_heap(heap_.begin(), heap_.end(), Later());
    left_ = heap_.back().at;
    item = heap_.back().item;
    heap_.pop_back();
    return left_;
  }
  Date newest() const { return newest_; }

 private:
  struct Entry {
    Date at;
    std::uint64_t number;
    Item item;
  };
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.at != b.at ? a.at > b.at : a.number > b.number;
    }
  };
  Nanoseconds window_;
  std::size_t most_;
  std::vector<Entry> heap_;
  std::uint64_t count_ = 0;
  Date left_ = Date::min(), newest_ = Date::min();
};

}  // namespace windtunnel::traces
