#include "sim/pool.hpp"

#include <gtest/gtest.h>

namespace windtunnel::sim {
namespace {

TEST(Pool, FindsNothingByAnEmptyHandle) {
  Pool<int> pool;
  EXPECT_EQ(pool.find({}), nullptr);
}

TEST(Pool, FindsNothingByTheHandleOfADestroyedObjectAlsoWhenItsSlotIsUsedAgain) {
  struct Thing {
    int number = 0;
  };
  Pool<Thing> pool;
  const Handle old = pool.create();
  pool[old].number = 5;
  pool.destroy(old);
  EXPECT_EQ(pool.find(old), nullptr);
  const Handle next = pool.create();
  EXPECT_EQ(next.slot(), old.slot());
  EXPECT_NE(next.life(), old.life());
  EXPECT_EQ(pool.find(old), nullptr);
  EXPECT_EQ(pool[next].number, 0);  // a new object, not the old one's value
}

TEST(Pool, NeverMovesAnObject) {
  Pool<int> pool;
  const Handle first = pool.create();
  const int* address = &pool[first];
  for (int i = 0; i < 10'000; ++i) pool.create();
  EXPECT_EQ(&pool[first], address);
  EXPECT_EQ(pool.size(), 10'001u);
}

TEST(Pool, UsesItsSlotsAgain) {
  Pool<int> pool;
  for (int round = 0; round < 1000; ++round) {
    std::vector<Handle> handles;
    for (int i = 0; i < 100; ++i) handles.push_back(pool.create());
    for (const Handle handle : handles) pool.destroy(handle);
  }
  EXPECT_EQ(pool.size(), 0u);
  EXPECT_LE(pool.bytes(), 1024u * 16);  // one chunk
}

TEST(PoolDeathTest, AbortsWhenAnObjectIsDestroyedTwice) {
  EXPECT_DEATH(
      {
        Pool<int> pool;
        const Handle handle = pool.create();
        pool.destroy(handle);
        pool.destroy(handle);
      },
      "destroyed twice");
}

TEST(PoolDeathTest, AbortsWhenAHandleThatMustBeLiveIsStale) {
  EXPECT_DEATH(
      {
        Pool<int> pool;
        const Handle handle = pool.create();
        pool.destroy(handle);
        pool[handle] = 1;
      },
      "stale");
}

}  // namespace
}  // namespace windtunnel::sim
