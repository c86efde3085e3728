#include "models/mechanisms/idle_connections.hpp"

#include <gtest/gtest.h>

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::forever;
using sim::time_zero;
using Taken = IdleConnections::Taken;

TEST(IdleConnectionsTest, TheOneUsedLastIsTakenFirst) {
  IdleConnections connections;
  connections.give_back(time_zero);
  connections.give_back(time_zero + 50s);
  EXPECT_EQ(connections.take(time_zero + 70s, 60s, forever, 0s), Taken::open);
  EXPECT_EQ(connections.take(time_zero + 70s, 60s, forever, 0s), Taken::none);
}

TEST(IdleConnectionsTest, OneThatIdledForTheTimeoutIsClosed) {
  IdleConnections connections;
  connections.give_back(time_zero);
  EXPECT_EQ(connections.take(time_zero + 60s, 60s, forever, 0s), Taken::none);
}

// The target closes at 5 s - 10 ms by this end's clock, and its word is here at 5 s.
TEST(IdleConnectionsTest, OneThatTheTargetClosesMeetsARequestOnItsWay) {
  const auto at = [](sim::Duration date) {
    IdleConnections connections;
    connections.give_back(time_zero);
    return connections.take(time_zero + date, 60s, 5s, 20ms);
  };
  EXPECT_EQ(at(4980ms), Taken::open);
  EXPECT_EQ(at(4981ms), Taken::closing);
  EXPECT_EQ(at(4999ms), Taken::closing);
  EXPECT_EQ(at(5s), Taken::none);
}

}  // namespace
}  // namespace windtunnel
