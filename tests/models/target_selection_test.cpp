#include "models/mechanisms/target_selection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace windtunnel {
namespace {

using Algorithm = TargetSelection::Algorithm;
using Picks = std::vector<std::uint32_t>;

TargetSelection with_all_eligible(Algorithm algorithm, std::uint32_t targets,
                                  std::uint32_t choices = 2) {
  TargetSelection selection(algorithm, targets, choices);
  for (std::uint32_t i = 0; i < targets; ++i) selection.set_eligible(i, true);
  return selection;
}

class TargetSelectionTest : public testing::Test {
 protected:
  Picks pick(TargetSelection& selection, int times) {
    Picks picks;
    for (int i = 0; i < times; ++i) picks.push_back(selection.pick(chance));
    return picks;
  }
  std::vector<double> shares(TargetSelection& selection, std::uint32_t targets, int times) {
    std::vector<double> hits(targets, 0);
    for (int i = 0; i < times; ++i) hits[selection.pick(chance)] += 1.0 / times;
    return hits;
  }
  sim::Stream chance{1};
};

TEST_F(TargetSelectionTest, RoundRobinGoesAroundInOrder) {
  auto selection = with_all_eligible(Algorithm::round_robin, 3);
  EXPECT_EQ(pick(selection, 7), (Picks{0, 1, 2, 0, 1, 2, 0}));
}

TEST_F(TargetSelectionTest, RoundRobinSkipsNobodyWhenATargetLeaves) {
  auto selection = with_all_eligible(Algorithm::round_robin, 4);
  pick(selection, 2);  // 0, 1; it is 2's turn
  selection.set_eligible(0, false);
  EXPECT_EQ(pick(selection, 4), (Picks{2, 3, 1, 2}));
}

TEST_F(TargetSelectionTest, RoundRobinRepeatsNobodyWhenATargetJoins) {
  auto selection = with_all_eligible(Algorithm::round_robin, 4);
  selection.set_eligible(0, false);
  EXPECT_EQ(pick(selection, 1), (Picks{1}));
  selection.set_eligible(0, true);
  EXPECT_EQ(pick(selection, 4), (Picks{2, 3, 0, 1}));
}

TEST_F(TargetSelectionTest, RoundRobinPassesTheTurnOnWhenItsTargetLeaves) {
  auto selection = with_all_eligible(Algorithm::round_robin, 4);
  pick(selection, 3);
  selection.set_eligible(3, false);  // the last, whose turn it was
  EXPECT_EQ(pick(selection, 3), (Picks{0, 1, 2}));
}

TEST_F(TargetSelectionTest, AFlappingTargetDoesNotStarveTheOthers) {
  auto selection = with_all_eligible(Algorithm::round_robin, 4);
  std::vector<int> hits(4, 0);
  for (int i = 0; i < 3000; ++i) {
    selection.set_eligible(0, i % 2 == 0);
    ++hits[selection.pick(chance)];
  }
  EXPECT_LE(*std::max_element(hits.begin() + 1, hits.end()) -
                *std::min_element(hits.begin() + 1, hits.end()),
            1);
}

TEST_F(TargetSelectionTest, RoundRobinOverAThousandTargetsTakesEachOnceARound) {
  auto selection = with_all_eligible(Algorithm::round_robin, 1000);
  for (int round = 0; round < 3; ++round) {
    Picks picks = pick(selection, 1000);
    std::sort(picks.begin(), picks.end());
    EXPECT_EQ(std::unique(picks.begin(), picks.end()), picks.end());
  }
}

TEST_F(TargetSelectionTest, EligibleTargetsStayInOrderWhateverTheOrderOfTheirComing) {
  TargetSelection selection(Algorithm::round_robin, 5);
  for (const std::uint32_t target : {3u, 0u, 4u, 1u}) selection.set_eligible(target, true);
  selection.set_eligible(0, true);  // again: no change
  selection.set_eligible(4, false);
  EXPECT_EQ(selection.eligible(), (Picks{0, 1, 3}));
  EXPECT_TRUE(selection.is_eligible(3));
  EXPECT_FALSE(selection.is_eligible(4));
  EXPECT_FALSE(selection.is_eligible(2));
}

// The stupid one: a search through all targets.
struct PlainLoads {
  std::vector<std::uint32_t> load;
  std::vector<bool> eligible;
  std::uint32_t least() const {
    std::uint32_t least = 0xffffffff;
    for (std::size_t i = 0; i < load.size(); ++i) {
      if (eligible[i]) least = std::min(least, load[i]);
    }
    return least;
  }
};

TEST_F(TargetSelectionTest, LeastOutstandingRequestsAgreesWithASearchThroughAThousandTargets) {
  constexpr std::uint32_t targets = 1000;
  TargetSelection selection(Algorithm::least_outstanding_requests, targets);
  PlainLoads plain{std::vector<std::uint32_t>(targets, 0), std::vector<bool>(targets, false)};
  sim::Stream dice{7};
  for (int step = 0; step < 100'000; ++step) {
    const std::uint32_t target = dice.below(targets);
    const double what = dice.uniform();
    if (what < 0.1) {
      plain.eligible[target] = dice.chance(0.8);
      selection.set_eligible(target, plain.eligible[target]);
    } else if (what < 0.4) {
      if (plain.load[target] == 0) continue;
      selection.ended(target);
      --plain.load[target];
    } else if (what < 0.401) {
      selection.forget(target);
      plain.load[target] = 0;
    } else if (!selection.eligible().empty()) {
      const std::uint32_t picked = selection.pick(chance);
      ASSERT_TRUE(plain.eligible[picked]);
      ASSERT_EQ(plain.load[picked], plain.least()) << "step " << step;
      selection.began(picked);
      ++plain.load[picked];
    }
  }
}

TEST_F(TargetSelectionTest, LeastOutstandingRequestsBreaksTiesEvenly) {
  auto selection = with_all_eligible(Algorithm::least_outstanding_requests, 4);
  selection.began(2);
  const auto share = shares(selection, 4, 90'000);
  EXPECT_EQ(share[2], 0);
  for (const std::uint32_t i : {0u, 1u, 3u}) EXPECT_NEAR(share[i], 1.0 / 3, 0.005);
}

TEST_F(TargetSelectionTest, ATargetThatComesBackKeepsItsRequestsUnderWay) {
  auto selection = with_all_eligible(Algorithm::least_outstanding_requests, 2);
  selection.began(0);
  selection.set_eligible(0, false);
  selection.began(0);
  selection.set_eligible(0, true);
  selection.began(1);
  EXPECT_EQ(pick(selection, 3), (Picks{1, 1, 1}));  // 2 against 1
  selection.ended(0);
  selection.ended(0);
  EXPECT_EQ(pick(selection, 3), (Picks{0, 0, 0}));
}

TEST_F(TargetSelectionTest, RandomIsUniformOverTheEligible) {
  auto selection = with_all_eligible(Algorithm::random, 5);
  selection.set_eligible(1, false);
  const auto share = shares(selection, 5, 200'000);
  EXPECT_EQ(share[1], 0);
  // 4.5 standard errors of a share of 1/4.
  for (const std::uint32_t i : {0u, 2u, 3u, 4u}) {
    EXPECT_NEAR(share[i], 0.25, 4.5 * std::sqrt(0.25 * 0.75 / 200'000));
  }
}

TEST_F(TargetSelectionTest, DistinctChoicesNeverTakeTheMostLoadedOfTwo) {
  auto selection = with_all_eligible(Algorithm::random_choices, 2);
  selection.began(0);
  EXPECT_EQ(shares(selection, 2, 1000)[0], 0);
}

TEST_F(TargetSelectionTest, ChoicesWithReplacementTakeTheMostLoadedWhenBothDrawsHitIt) {
  auto selection = with_all_eligible(Algorithm::random_choices_with_replacement, 2);
  selection.began(0);
  EXPECT_NEAR(shares(selection, 2, 100'000)[0], 0.25, 0.01);  // (1/2)^2
}

// The k-th least loaded of n is taken if it is drawn and none before it: C(n-k, d-1) / C(n, d) for
// distinct draws.
TEST_F(TargetSelectionTest, DistinctChoicesFollowTheBinomialLaw) {
  auto selection = with_all_eligible(Algorithm::random_choices, 5, 3);
  for (std::uint32_t i = 0; i < 5; ++i) {
    for (std::uint32_t n = 0; n < i; ++n) selection.began(i);
  }
  const auto share = shares(selection, 5, 200'000);
  const double expected[] = {6.0 / 10, 3.0 / 10, 1.0 / 10, 0, 0};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(share[i], expected[i], 0.005) << i;
}

TEST_F(TargetSelectionTest, TiesAmongChoicesAreUniform) {
  auto selection = with_all_eligible(Algorithm::random_choices, 4, 2);
  for (const double share : shares(selection, 4, 200'000)) EXPECT_NEAR(share, 0.25, 0.005);
}

TEST_F(TargetSelectionTest, MoreChoicesThanTargetsIsASearchThroughAll) {
  auto selection = with_all_eligible(Algorithm::random_choices, 3, 10);
  selection.began(0);
  selection.began(1);
  EXPECT_EQ(pick(selection, 4), (Picks{2, 2, 2, 2}));
}

TEST_F(TargetSelectionTest, ForgettingATargetMakesItEmptyAgain) {
  auto selection = with_all_eligible(Algorithm::least_outstanding_requests, 2);
  for (int i = 0; i < 5; ++i) selection.began(0);
  selection.began(1);
  selection.forget(0);
  EXPECT_EQ(selection.outstanding(0), 0u);
  EXPECT_EQ(pick(selection, 2), (Picks{0, 0}));
}

TEST_F(TargetSelectionTest, OneSeedGivesOneSequence) {
  for (const Algorithm algorithm :
       {Algorithm::random, Algorithm::random_choices, Algorithm::least_outstanding_requests}) {
    auto a = with_all_eligible(algorithm, 50), b = with_all_eligible(algorithm, 50);
    sim::Stream chance_a{3}, chance_b{3};
    for (int i = 0; i < 100; ++i) ASSERT_EQ(a.pick(chance_a), b.pick(chance_b));
  }
}

}  // namespace
}  // namespace windtunnel
