#include "models/mechanisms/servers.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace windtunnel {
namespace {

using sim::Handle;
using Entry = Servers::Entry;

Handle call(std::uint32_t n) { return {n, 0}; }
constexpr auto all_wait = [](Handle) { return true; };

TEST(Servers, ServesAtOnceWhileAServerIsFree) {
  Servers servers(2, Servers::unbounded);
  EXPECT_EQ(servers.enter(call(0)), Entry::served);
  EXPECT_EQ(servers.enter(call(1)), Entry::served);
  EXPECT_EQ(servers.enter(call(2)), Entry::queued);
  EXPECT_EQ(servers.busy(), 2);
  EXPECT_EQ(servers.waiting(), 1);
}

TEST(Servers, RefusesWhenAllPlacesAreTaken) {
  Servers servers(1, 2);
  EXPECT_EQ(servers.enter(call(0)), Entry::served);
  EXPECT_EQ(servers.enter(call(1)), Entry::queued);
  EXPECT_EQ(servers.enter(call(2)), Entry::queued);
  EXPECT_EQ(servers.enter(call(3)), Entry::refused);
  EXPECT_EQ(servers.waiting(), 2);
}

TEST(Servers, WithoutPlacesNobodyWaits) {
  Servers servers(1, 0);
  EXPECT_EQ(servers.enter(call(0)), Entry::served);
  EXPECT_EQ(servers.enter(call(1)), Entry::refused);
  EXPECT_FALSE(servers.leave(all_wait));
  EXPECT_EQ(servers.enter(call(2)), Entry::served);
}

TEST(Servers, FirstComeFirstServedThroughManyGrowths) {
  Servers servers(1, Servers::unbounded);
  std::uint32_t entered = 0, left = 1;
  servers.enter(call(entered++));
  for (int round = 0; round < 100; ++round) {  // three in, two out: the queue wraps and grows
    for (int i = 0; i < 3; ++i) EXPECT_EQ(servers.enter(call(entered++)), Entry::queued);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(servers.leave(all_wait), call(left++));
  }
  EXPECT_EQ(servers.waiting(), 100);
  while (servers.waiting() > 0) EXPECT_EQ(servers.leave(all_wait), call(left++));
  EXPECT_FALSE(servers.leave(all_wait));
  EXPECT_EQ(servers.busy(), 0);
  EXPECT_EQ(left, entered);
}

TEST(Servers, TheFreedServerGoesToTheNextInLineAndStaysBusy) {
  Servers servers(1, Servers::unbounded);
  servers.enter(call(0));
  servers.enter(call(1));
  EXPECT_EQ(servers.leave(all_wait), call(1));
  EXPECT_EQ(servers.busy(), 1);
  EXPECT_FALSE(servers.leave(all_wait));
  EXPECT_EQ(servers.busy(), 0);
}

TEST(Servers, ThoseWhoLeftTheQueueAreSkippedAndFreeTheirPlacesAtOnce) {
  Servers servers(1, 2);
  std::set<std::uint32_t> gone;
  const auto still_waits = [&](Handle waiting) { return !gone.contains(waiting.slot()); };
  servers.enter(call(0));
  servers.enter(call(1));
  servers.enter(call(2));
  gone.insert(1);
  servers.abandon();
  EXPECT_EQ(servers.waiting(), 1);
  EXPECT_EQ(servers.enter(call(3)), Entry::queued);
  EXPECT_EQ(servers.enter(call(4)), Entry::refused);
  EXPECT_EQ(servers.leave(still_waits), call(2));
  EXPECT_EQ(servers.leave(still_waits), call(3));
  EXPECT_EQ(servers.waiting(), 0);
  EXPECT_FALSE(servers.leave(still_waits));
  EXPECT_EQ(servers.busy(), 0);
}

TEST(Servers, ClearHandsOverTheQueueAndStartsAfresh) {
  Servers servers(2, 3);
  for (std::uint32_t i = 0; i < 5; ++i) servers.enter(call(i));
  std::vector<Handle> handed;
  servers.clear([&](Handle waiting) { handed.push_back(waiting); });
  EXPECT_EQ(handed, (std::vector<Handle>{call(2), call(3), call(4)}));
  EXPECT_EQ(servers.busy(), 0);
  EXPECT_EQ(servers.waiting(), 0);
  EXPECT_EQ(servers.enter(call(9)), Entry::served);
}

}  // namespace
}  // namespace windtunnel
