#include "sim/calendar.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "sim/random.hpp"

namespace windtunnel::sim {
namespace {

Event event(std::uint64_t key, std::uint64_t number) { return {key, nullptr, nullptr, number}; }

// A calendar and std::multimap side by side; multimap keeps insertion order within a key.
class Pair {
 public:
  void push(std::uint64_t key) {
    calendar.push(event(key, number_));
    model_.emplace(std::max(key, last_), number_++);
  }
  void pop() {
    ASSERT_EQ(calendar.next_key(), model_.begin()->first);
    const Event got = calendar.pop();
    ASSERT_EQ(got.key, model_.begin()->first);
    ASSERT_EQ(got.argument, model_.begin()->second);
    last_ = got.key;
    model_.erase(model_.begin());
  }
  void peek() { ASSERT_EQ(calendar.next_key(), model_.begin()->first); }
  bool empty() const { return model_.empty(); }
  std::uint64_t first() const { return model_.begin()->first; }
  std::uint64_t last() const { return last_; }

  Calendar calendar;

 private:
  std::multimap<std::uint64_t, std::uint64_t> model_;
  std::uint64_t number_ = 0, last_ = 0;
};

std::uint64_t random_increment(Stream& chance) {
  switch (chance.below(6)) {
    case 0:
      return 0;  // now
    case 1:
      return chance.below(4);  // another turn
    case 2:
      return 4 * std::uint64_t{20'000'000};  // a constant
    case 3:
      return 4 * std::uint64_t{60'000'000'000};  // a timeout
    case 4:
      return chance() >> (12 + chance.below(50));  // any scale
    default:
      return static_cast<std::uint64_t>(-4e9 * std::log(chance.uniform()));
  }
}

void million_operations(std::uint64_t seed, std::uint32_t pushes_in_100) {
  Stream chance(seed);
  Pair pair;
  for (int i = 0; i < 1'000'000 && !testing::Test::HasFatalFailure(); ++i) {
    if (pair.empty() || chance.below(100) < pushes_in_100) {
      pair.push(pair.last() + random_increment(chance));
    } else {
      pair.pop();
    }
    if (!pair.empty() && chance.below(8) == 0) {
      pair.peek();
      pair.push(pair.last() + (pair.first() - pair.last()) / 2);  // earlier than what was seen
    }
    ASSERT_EQ(pair.empty(), pair.calendar.empty());
  }
  while (!pair.empty() && !testing::Test::HasFatalFailure()) pair.pop();
}

TEST(Calendar, AgreesWithAMultimapOverAMillionRandomOperationsWhenShort) {
  million_operations(1, 40);
}
TEST(Calendar, AgreesWithAMultimapOverAMillionRandomOperationsWhenLong) {
  million_operations(2, 60);
}

TEST(Calendar, AgreesWithAMultimapWhenBurstsOfTiesFillAndEmptyIt) {
  Stream chance(3);
  Pair pair;
  for (int round = 0; round < 300; ++round) {
    const std::uint64_t base = pair.last() + chance.below(1000);
    for (std::uint32_t n = chance.below(600); n > 0; --n) pair.push(base + chance.below(3));
    for (std::uint32_t n = chance.below(700); n > 0 && !pair.empty(); --n) pair.pop();
  }
  while (!pair.empty()) pair.pop();
}

TEST(Calendar, KeepsTheOrderOfInsertionAmongTies) {
  Calendar calendar;
  for (std::uint64_t i = 0; i < 1000; ++i) calendar.push(event(77, i));
  for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(calendar.pop().argument, i);
  EXPECT_TRUE(calendar.empty());
}

TEST(Calendar, LiftsAnEarlierKeyToTheLastOnePopped) {
  Calendar calendar;
  calendar.push(event(event_key(time_zero + Duration(5), Turn::control), 1));
  calendar.push(event(event_key(time_zero + Duration(5), Turn::control), 2));
  calendar.pop();
  calendar.push(event(event_key(time_zero + Duration(5), Turn::fault), 3));
  calendar.push(event(event_key(time_zero + Duration(5), Turn::sample), 4));
  EXPECT_EQ(calendar.pop().argument, 2u);
  EXPECT_EQ(calendar.pop().argument, 3u);
  EXPECT_EQ(calendar.pop().argument, 4u);
}

TEST(Calendar, PeekingLetsSomethingEarlierBePosted) {
  Calendar calendar;
  for (std::uint64_t i = 0; i < 200; ++i) calendar.push(event(1'000'000 + i, i));
  EXPECT_EQ(calendar.next_key(), 1'000'000u);
  calendar.push(event(10, 500));
  EXPECT_EQ(calendar.next_key(), 10u);
  EXPECT_EQ(calendar.pop().argument, 500u);
  EXPECT_EQ(calendar.next_key(), 1'000'000u);
}

TEST(Calendar, ForgetsEverythingWhenClearedAndGoesOnFromTheLastKey) {
  Calendar calendar;
  for (std::uint64_t i = 0; i < 1000; ++i) calendar.push(event(100 + i * i, i));
  for (int i = 0; i < 10; ++i) calendar.pop();
  calendar.clear();
  EXPECT_TRUE(calendar.empty());
  EXPECT_EQ(calendar.size(), 0u);
  calendar.push(event(5, 1));  // before the last key popped, 100 + 81
  EXPECT_EQ(calendar.next_key(), 181u);
}

enum Increment { exponential, mixed, constant };

double bytes_per_event(std::size_t pending, Increment kind) {
  Stream chance(7);
  const auto next = [&]() -> std::uint64_t {
    if (kind == constant) return 4 * std::uint64_t{60'000'000'000};
    if (kind == mixed) return 4 * std::uint64_t{chance.chance(0.5) ? 20'000'000u : 60'000'000'000u};
    return static_cast<std::uint64_t>(-4e9 * std::log(chance.uniform()));
  };
  Calendar calendar;
  for (std::size_t i = 0; i < pending; ++i) calendar.push(event(next() + (chance() >> 32), i));
  for (std::size_t i = 0; i < 3 * pending; ++i) {
    Event moved = calendar.pop();
    moved.key += next();
    calendar.push(moved);
  }
  return static_cast<double>(calendar.bytes()) / static_cast<double>(pending);
}

TEST(Calendar, TakesAtMost64BytesAPendingEvent) {
  for (const std::size_t pending : {100'000u, 1'000'000u}) {
    for (const Increment kind : {exponential, mixed, constant}) {
      EXPECT_LE(bytes_per_event(pending, kind), 64.0) << pending << " pending, kind " << kind;
    }
  }
}

TEST(Calendar, KeepsItsPagesInUseWhenTheLoadMovesInTime) {
  Calendar calendar;
  for (std::uint64_t i = 0; i < 10'000; ++i) calendar.push(event(i, i));
  const std::size_t first = calendar.bytes();
  for (std::uint64_t round = 1; round < 50; ++round) {
    for (std::uint64_t i = 0; i < 10'000; ++i) {
      calendar.pop();
      calendar.push(event(round * 1'000'000 + i * 77, i));
    }
  }
  EXPECT_LE(calendar.bytes(), first + 70 * 4096);  // a page more for each bucket at most
}

}  // namespace
}  // namespace windtunnel::sim
