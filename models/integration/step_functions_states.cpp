#include "models/integration/step_functions_states.hpp"

#include <algorithm>
#include <cmath>

#include "models/integration/step_functions_state_machine.pb.h"
#include "models/mechanisms/settings.hpp"

namespace windtunnel {

using S = settings::StepFunctionsStateMachine;

namespace {

StepRetry retry_of(const S::Retry& retry) {
  StepRetry it;
  it.errors = static_cast<StepRetry::Errors>(retry.error_equals());
  it.interval = to_duration(retry.interval());
  if (retry.has_max_delay()) it.max_delay = to_duration(retry.max_delay());
  it.max_attempts = static_cast<std::uint32_t>(retry.max_attempts());
  it.backoff_rate = retry.backoff_rate();
  it.full_jitter = retry.jitter_strategy() == S::Retry::FULL;
  return it;
}

StepTask task_of(sim::Component& owner, const S::Task& task) {
  const sim::Duration timeout = task.has_timeout() ? to_duration(task.timeout()) : sim::forever;
  StepTask made{
      std::make_unique<Integration>(owner, task.to(), timeout, false, Messages::of(owner.sim())),
      std::nullopt, task.writes()};
  if (task.has_retry()) made.retry = retry_of(task.retry());
  return made;
}

// One after the other; returns the place of the first.
template <typename Branch>
std::uint16_t add_branch(sim::Component& owner, const Branch& branch,
                         std::vector<StepTask>& tasks) {
  const auto first = static_cast<std::uint16_t>(tasks.size());
  if (branch.has_task()) tasks.push_back(task_of(owner, branch.task()));
  for (const S::Task& task : branch.tasks()) {
    tasks.push_back(task_of(owner, task));
    tasks.back().is_last = false;
  }
  tasks.back().is_last = true;
  return first;
}

std::uint16_t place_of(const S& settings, const std::string& name) {
  for (int i = 0; i < settings.states_size(); ++i) {
    if (settings.states(i).name() == name) return static_cast<std::uint16_t>(i);
  }
  return StepState::none;
}

}  // namespace

sim::Duration StepRetry::pause(std::uint32_t retry, sim::Stream& chance) const {
  const double seconds = sim::seconds(interval) * std::pow(backoff_rate, retry - 1.0);
  const sim::Duration whole = std::min(max_delay, sim::from_seconds(seconds));
  return full_jitter ? sim::from_seconds(sim::seconds(whole) * chance.uniform()) : whole;
}

std::vector<StepState> step_states_of(sim::Component& owner, const S& settings,
                                      std::vector<StepTask>& tasks) {
  std::vector<StepState> states;
  for (int i = 0; i < settings.states_size(); ++i) {
    const S::State& state = settings.states(i);
    StepState it;
    if (!state.end()) {
      it.next = !state.next().empty()            ? place_of(settings, state.next())
                : i + 1 < settings.states_size() ? static_cast<std::uint16_t>(i + 1)
                                                 : StepState::none;
    }
    if (!state.catch_().empty()) it.caught = place_of(settings, state.catch_());
    if (state.has_task()) {
      it.branches.push_back(static_cast<std::uint16_t>(tasks.size()));
      tasks.push_back(task_of(owner, state.task()));
    } else if (state.has_parallel()) {
      for (const auto& branch : state.parallel().branches()) {
        it.branches.push_back(add_branch(owner, branch, tasks));
      }
    } else if (state.has_map()) {
      it.branches.push_back(add_branch(owner, state.map(), tasks));
      it.is_map = true;
      it.items = static_cast<std::uint32_t>(state.map().items());
      it.most_at_once = static_cast<std::uint32_t>(state.map().max_concurrency());
    } else if (state.has_wait()) {
      it.kind = StepState::Kind::wait;
      it.wait = to_distribution(state.wait());
    } else {
      it.kind = StepState::Kind::choice;
      double total = 0, below = 0;
      for (const auto& branch : state.choice().branches()) total += branch.weight();
      for (const auto& branch : state.choice().branches()) {
        below += branch.weight() / total;
        it.choices.emplace_back(below, place_of(settings, branch.next()));
      }
    }
    it.has_states = state.has_parallel() || state.has_map();
    states.push_back(std::move(it));
  }
  return states;
}

}  // namespace windtunnel
