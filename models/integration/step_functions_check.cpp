// What is wrong with a state machine's settings before the run.
#include <fmt/format.h>

#include <algorithm>

#include "models/integration/step_functions_state_machine.hpp"
#include "models/integration/step_functions_state_machine.pb.h"
#include "models/settings_check.hpp"

namespace windtunnel {

using S = settings::StepFunctionsStateMachine;

namespace {

class Check {
 public:
  Check(const S& s, SettingsCheck& check) : s_(s), check_(check) {
    for (const auto& state : s.states()) names_.push_back(state.name());
  }

  void run() {
    if (s_.states().empty()) check_.error("", "states is missing: what an execution does");
    for (int i = 0; i < s_.states_size(); ++i) state(s_.states(i), fmt::format("states.{}", i));
    if (s_.synchronous() && s_.type() != S::EXPRESS) {
      check_.error("synchronous",
                   "is of express state machines (Step Functions API, "
                   "StartSyncExecution)");
    }
    if (s_.type() == S::EXPRESS && sim::Duration(s_.timeout()) > std::chrono::minutes(5)) {
      check_.error("timeout",
                   "is above 5min, the most of an express execution (Step Functions "
                   "developer guide, Service quotas)");
    }
  }

 private:
  void state(const S::State& state, const std::string& path) {
    if (!state.name().empty() && std::count(names_.begin(), names_.end(), state.name()) > 1) {
      check_.error(path + ".name", fmt::format("'{}' stands twice", state.name()));
    }
    leads(state.next(), path + ".next");
    leads(state.catch_(), path + ".catch");
    if (state.end() && !state.next().empty()) {
      check_.error(path + ".end", "and next exclude each other (Amazon States Language)");
    }
    if (state.has_parallel() && state.parallel().branches().empty()) {
      check_.error(path + ".parallel", "branches is missing");
    }
    for (int i = 0; i < state.parallel().branches_size(); ++i) {
      tasks(state.parallel().branches(i), fmt::format("{}.parallel.branches.{}", path, i));
    }
    if (state.has_map()) {
      tasks(state.map(), path + ".map");
      items(state.map(), path + ".map");
    }
    if (!state.has_choice()) return;
    double weights = 0;
    for (int i = 0; i < state.choice().branches_size(); ++i) {
      weights += state.choice().branches(i).weight();
      leads(state.choice().branches(i).next(), fmt::format("{}.choice.branches.{}.next", path, i));
    }
    if (weights <= 0) check_.error(path + ".choice", "no branch has a weight above 0");
  }

  template <typename Branch>
  void tasks(const Branch& branch, const std::string& path) {
    if (!branch.has_task() && branch.tasks().empty()) check_.error(path + ".tasks", "is empty");
  }

  void items(const S::Map& map, const std::string& path) {
    const std::int64_t tasks = map.has_task() ? 1 : map.tasks_size();
    const std::int64_t events = map.items() * tasks * 5;
    if (s_.type() == S::EXPRESS || events <= s_.history()) return;
    check_.warning(path, fmt::format("its {} items make {} events in the history of an execution, "
                                     "which fails at {} (Step Functions developer guide, Service "
                                     "quotas)",
                                     map.items(), events, s_.history()));
  }

  void leads(const std::string& name, const std::string& path) {
    if (name.empty() || std::find(names_.begin(), names_.end(), name) != names_.end()) return;
    check_.error(path, fmt::format("no state '{}'{}", name, check_.did_you_mean(name, names_)));
  }

  const S& s_;
  SettingsCheck& check_;
  std::vector<std::string> names_;
};

}  // namespace

void StepFunctionsStateMachine::check(const S& settings, SettingsCheck& check) {
  Check(settings, check).run();
}

}  // namespace windtunnel
