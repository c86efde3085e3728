#include "models/mechanisms/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/mechanisms/wildcard.hpp"
#include "tests/models/program_world.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using testing::ElementsAre;

// One call to an instance, of a class of requests, with a time from a trace.
struct Request {
  sim::RequestClass of;
  Duration service_time{0};
};

// Sends a request and remembers when it was answered.
class Caller final : public sim::Component {
 public:
  Caller(sim::Simulation& sim, Callable& to, Request request, Duration at)
      : Component(sim, fmt::format("caller {}", sim.components().size())),
        to_(to),
        request_(std::move(request)),
        at_(at) {}
  void start() override { sim().at<&Caller::on_due>(sim::time_zero + at_, this, 0); }
  void on_due() {
    const sim::Handle handle = sim().open_call(*this, 0, sim::Operation::read);
    sim::Call& call = sim().call(handle);
    call.request_class = sim().number_of(request_.of);
    call.service_time = request_.service_time;
    sim::Stream chance(1);
    sim().send(handle, to_.resolve({sim::Operation::read, chance}).addresses.at(0));
  }
  void on_answer(sim::Call&, sim::Handle) override { took = sim().now() - sim::time_zero - at_; }
  std::optional<Duration> took;

 private:
  Callable& to_;
  Request request_;
  Duration at_;
};

Caller& request(ProgramWorld& world, Request request, Duration at = 10s) {
  return static_cast<Caller&>(
      world.sim.add(std::make_unique<Caller>(world.sim, world.web, std::move(request), at)));
}

// ---- classes of requests

constexpr const char* classes =
    "service_time: 1s, classes: [{path: /api/*, service_time: 2s}, {host: img.*, service_time: "
    "3s}, "
    "{path: /api/slow, service_time: 9s}]";

TEST(Program, AClassOfRequestsTakesItsOwnTime) {
  ProgramWorld world(classes, {});
  Caller& api = request(world, {{"www.example.com", "/api/x"}});
  Caller& image = request(world, {{"img.example.com", "/x"}}, 20s);
  Caller& other = request(world, {{"www.example.com", "/apixx"}}, 30s);
  world.sim.run();
  EXPECT_EQ(api.took, 2s);
  EXPECT_EQ(image.took, 3s);
  EXPECT_EQ(other.took, 1s);
}

TEST(Program, TheFirstClassThatFitsCounts) {
  ProgramWorld world(classes, {});
  Caller& slow = request(world, {{"img.example.com", "/api/slow"}});
  world.sim.run();
  EXPECT_EQ(slow.took, 2s);
}

TEST(Program, AServiceTimeOfATraceCountsInsteadOfTheLaw) {
  ProgramWorld world(classes, {});
  Caller& traced = request(world, {{"", "/api/x"}, 7s});
  world.sim.run();
  EXPECT_EQ(traced.took, 7s);
}

TEST(Program, AClassMayMakeNoCalls) {
  ProgramWorld world(
      "service_time: 1s, calls: [{to: web, timeout: 5s}], classes: [{path: /api/*, makes_calls: "
      "true}, {makes_calls: false}]",
      {});
  // The program calls itself with the same class: only a class without calls comes to an end.
  Caller& page = request(world, {{"", "/page"}});
  world.sim.run();
  EXPECT_EQ(page.took, 1s);
}

// A call to itself that makes no further call would end after 2 s. The class is inherited, so the
// calls go on, and the first times out; the trace's service time is not, or each would take 4 s.
TEST(Program, CallsInheritTheClassButNotTheTracesServiceTime) {
  ProgramWorld world(
      "service_time: 1s, calls: [{to: web, timeout: 5s}], classes: [{path: /loop, makes_calls: "
      "true}, {makes_calls: false}]",
      {.horizon = 17s});
  Caller& loop = request(world, {{"", "/loop"}, 4s});
  world.sim.run();
  EXPECT_EQ(loop.took, std::nullopt);
  EXPECT_EQ(world.metric("RequestCount"), 4);  // at 10 s, 14 s, 15 s and 16 s
}

TEST(Wildcards, StandForAnyTextAndForOneCharacter) {
  EXPECT_TRUE(matches_wildcard("*", ""));
  EXPECT_TRUE(matches_wildcard("/img/*", "/img/"));
  EXPECT_TRUE(matches_wildcard("/a*c*e", "/abccde"));
  EXPECT_TRUE(matches_wildcard("/?x", "/ax"));
  EXPECT_FALSE(matches_wildcard("/?x", "/x"));
  EXPECT_FALSE(matches_wildcard("/img/*", "/im"));
  EXPECT_FALSE(matches_wildcard("/img", "/img/"));
}

// ---- vCPUs

TEST(Program, HasTheVcpusOfItsInstanceType) {
  ProgramWorld world("service_time: 1s", {.type = "m5.xlarge"});  // 4
  Machine& client = world.machine();
  for (int i = 0; i < 8; ++i) world.script.at(10s, [&] { client.call(); });
  world.sim.run();
  EXPECT_EQ(client.ended.back().at, 12s);
  EXPECT_EQ(world.metric("BusyCpuUnits", "max"), 4 * 1024);
}

TEST(Program, TellsTheCpuTimeThatItHasUsed) {
  ProgramWorld world("service_time: 1s, vcpus: 2", {.horizon = 20s});
  Machine& client = world.machine();
  for (int i = 0; i < 3; ++i) world.script.at(10s, [&] { client.call(); });  // 1.5 s on both
  double at_half = 0;
  world.script.at(11s, [&] { at_half = world.web.cpu_seconds(0); });
  world.sim.run();
  EXPECT_DOUBLE_EQ(at_half, 2);
  EXPECT_DOUBLE_EQ(world.web.cpu_seconds(0), 3);
  EXPECT_DOUBLE_EQ(world.web.cpu_seconds(1), 0);
}

// ---- an instance's slot has another tenant

TEST(Program, AProgramOfOneSlotServesWithEveryTenant) {
  ProgramWorld world("service_time: 1s, vcpus: 1", {});
  Machine& client = world.machine();
  world.script.at(10s, [&] { client.call(); });
  world.script.at(10500ms, [&] { world.fleet.terminate(0); });
  world.script.at(11s, [&] { world.fleet.in_service_now(0); });
  Caller& later = request(world, {{}}, 12s);
  world.sim.run();
  EXPECT_EQ(client.ended.front().outcome, sim::Outcome::connection_reset);
  EXPECT_EQ(later.took, 1s);
}

}  // namespace
}  // namespace windtunnel::test
