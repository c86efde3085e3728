// The calendar against a bare 4-ary heap in the same run: the hold model, that is, pop the next
// event and push one an increment later, with a constant number pending. The heap orders by (key,
// number of insertion), as it must to be stable; the calendar also answers next_key() before every
// pop, as the engine asks it to.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sim/calendar.hpp"
#include "sim/random.hpp"
#include "tests/bench/ratio.hpp"

namespace windtunnel::bench {
namespace {

using sim::Event;

enum Increment : std::int64_t { exponential, mixed, constant };

// Increments drawn beforehand, so that no logarithm is measured. Keys are ns * 4 + turn.
class Increments {
 public:
  explicit Increments(std::int64_t kind) : values_(1u << 16) {
    sim::Stream chance(1);
    for (std::uint64_t& value : values_) {
      const double second = 1e9;
      double ns = -std::log(chance.uniform()) * second;                          // mean 1 s
      if (kind == mixed) ns = chance.chance(0.5) ? 0.02 * second : 60 * second;  // service, timeout
      if (kind == constant) ns = 60 * second;
      value = 4 * static_cast<std::uint64_t>(ns) + 1;
    }
  }
  std::uint64_t next() { return values_[next_++ & 0xffff]; }

 private:
  std::vector<std::uint64_t> values_;
  std::size_t next_ = 0;
};

class QuaternaryHeap {
 public:
  void push(const Event& event) {
    std::size_t i = items_.size();
    const Item item{event, order_++};
    items_.push_back(item);
    for (; i > 0; i = (i - 1) / 4) {
      const Item& parent = items_[(i - 1) / 4];
      if (!before(item, parent)) break;
      items_[i] = parent;
    }
    items_[i] = item;
  }

  std::uint64_t next_key() const { return items_.front().event.key; }

  Event pop() {
    const Event first = items_.front().event;
    const Item last = items_.back();
    items_.pop_back();
    const std::size_t n = items_.size();
    if (n == 0) return first;
    std::size_t i = 0;
    for (std::size_t child = 1; child < n; child = 4 * i + 1) {
      std::size_t least = child;
      for (std::size_t c = child + 1; c < std::min(child + 4, n); ++c) {
        if (before(items_[c], items_[least])) least = c;
      }
      if (!before(items_[least], last)) break;
      items_[i] = items_[least];
      i = least;
    }
    items_[i] = last;
    return first;
  }

 private:
  struct Item {
    Event event;
    std::uint64_t order;
  };
  static bool before(const Item& a, const Item& b) {
    return a.event.key != b.event.key ? a.event.key < b.event.key : a.order < b.order;
  }
  std::vector<Item> items_;
  std::uint64_t order_ = 0;
};

template <typename Queue>
void fill(Queue& queue, Increments& increments, std::int64_t pending) {
  // Spread over the first second, also where all increments are equal.
  sim::Stream chance(2);
  for (std::int64_t i = 0; i < pending; ++i) {
    queue.push({increments.next() + (chance() >> 32), nullptr, nullptr, 0});
  }
}

template <typename Queue>
void hold(benchmark::State& state) {
  Queue queue;
  Increments increments(state.range(1));
  fill(queue, increments, state.range(0));
  const auto step = [&] {
    benchmark::DoNotOptimize(queue.next_key());
    Event event = queue.pop();
    event.key += increments.next();
    queue.push(event);
  };
  for (std::int64_t i = 0; i < 2 * state.range(0); ++i) step();  // to the steady state
  for (auto _ : state) step();
  if constexpr (std::is_same_v<Queue, sim::Calendar>) {
    state.counters["bytes_per_event"] =
        static_cast<double>(queue.bytes()) / static_cast<double>(state.range(0));
  }
}

void arguments(benchmark::internal::Benchmark* bench) {
  for (const std::int64_t pending : {1'000, 100'000, 1'000'000}) {
    for (const std::int64_t kind : {exponential, mixed, constant}) bench->Args({pending, kind});
  }
  bench->ArgNames({"pending", "increment"})->Repetitions(3)->MinTime(0.3);
}

BENCHMARK(hold<sim::Calendar>)->Name("calendar")->Apply(arguments);
BENCHMARK(hold<QuaternaryHeap>)->Name("heap")->Apply(arguments);

}  // namespace
}  // namespace windtunnel::bench

int main(int argc, char** argv) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const char* pending : {"1000", "100000", "1000000"}) {
    for (const char* kind : {"0", "1", "2"}) {
      const std::string of = std::string("/pending:") + pending + "/increment:" + kind;
      pairs.emplace_back("calendar" + of, "heap" + of);
    }
  }
  return windtunnel::bench::run_and_compare(argc, argv, pairs);
}
