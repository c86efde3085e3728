#include "models/mechanisms/termination_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using Candidates = std::vector<TerminationCandidate>;
using Policies = std::vector<TerminationPolicy>;

const sim::Time now = sim::time_zero + 100h;

// All that may be chosen, by many draws.
std::set<std::uint32_t> chosen_of(const Candidates& candidates, const Policies& policies) {
  std::set<std::uint32_t> chosen;
  sim::Stream chance(1);
  for (int i = 0; i < 200; ++i) {
    const auto one = choose_to_terminate(candidates, policies, now, chance);
    if (one) chosen.insert(*one);
  }
  return chosen;
}

TerminationCandidate candidate(std::uint32_t instance, sim::ZoneId zone, sim::Duration age = 1h) {
  return {.instance = instance, .zone = zone, .launched = now - age};
}

TEST(TerminationPolicies, TakeTheZoneWithTheMostInstancesBeforeAnythingElse) {
  const Candidates candidates = {candidate(0, 0, 90h), candidate(1, 1), candidate(2, 1)};
  EXPECT_THAT(chosen_of(candidates, {TerminationPolicy::oldest_instance}),
              testing::ElementsAre(1, 2));
}

TEST(TerminationPolicies, TakeSeveralFullestZonesTogether) {
  const Candidates candidates = {candidate(0, 0, 3h), candidate(1, 0), candidate(2, 1, 2h),
                                 candidate(3, 1, 4h), candidate(4, 2, 9h)};
  EXPECT_THAT(chosen_of(candidates, {TerminationPolicy::oldest_instance}), testing::ElementsAre(3));
}

TEST(TerminationPolicies, NeedAnInstanceOfTheZoneThatIsNotProtected) {
  Candidates candidates = {candidate(0, 0), candidate(1, 1), candidate(2, 1)};
  candidates[1].protected_from_scale_in = candidates[2].protected_from_scale_in = true;
  EXPECT_THAT(chosen_of(candidates, {TerminationPolicy::default_policy}), testing::ElementsAre(0));
  candidates[0].protected_from_scale_in = true;
  EXPECT_THAT(chosen_of(candidates, {TerminationPolicy::default_policy}), testing::IsEmpty());
}

TEST(TerminationPolicies, BreakTiesOfEachOtherInOrderAndTheLastByChance) {
  Candidates candidates = {candidate(0, 0, 2h), candidate(1, 0, 2h), candidate(2, 0, 3h),
                           candidate(3, 0, 5h)};
  candidates[3].launch_template = 1;
  EXPECT_THAT(chosen_of(candidates, {TerminationPolicy::oldest_launch_template,
                                     TerminationPolicy::newest_instance}),
              testing::ElementsAre(0, 1));
}

TEST(TerminationPolicies, DefaultGoesByAllocationStrategyTemplateAndBillingHour) {
  Candidates candidates = {candidate(0, 0, 50min), candidate(1, 0, 59min), candidate(2, 0, 61min)};
  EXPECT_THAT(chosen_of(candidates, {TerminationPolicy::default_policy}), testing::ElementsAre(1));
  candidates[1].launch_template = 1;
  EXPECT_THAT(chosen_of(candidates, {TerminationPolicy::default_policy}), testing::ElementsAre(0));
  candidates[2].misfit = 1;
  EXPECT_THAT(chosen_of(candidates, {TerminationPolicy::default_policy}), testing::ElementsAre(2));
}

}  // namespace
}  // namespace windtunnel
