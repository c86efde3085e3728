// Prints a run while it goes, for people: the events of one component, the calls it takes part in,
// and everything that is noted (faults, alarms, decisions, steps).
#pragma once

#include <cstdio>
#include <map>
#include <string>

#include "sim/simulation.hpp"

namespace windtunnel::experiments {

class ReplayTrace final : public sim::Watcher {
 public:
  struct What {
    std::string component;  // empty: only what is noted
    sim::Time from = sim::time_zero, to = sim::Time::max();
  };
  ReplayTrace(sim::Simulation& sim, What what);

  // After the run: what was noted last.
  void end() { print_notes(); }

  void on_event(const sim::Event& event) override;
  void on_operation(const sim::Event& event) override;
  void on_call(sim::CallStep step, sim::Handle handle, sim::Call& call) override;

 private:
  bool is_wanted(const sim::Entity& entity) const;
  bool is_now() const { return sim_.now() >= what_.from && sim_.now() < what_.to; }
  void print(const std::string& who, const std::string& text) const;
  void print_notes();
  std::string name_of(const sim::Entity& entity) const;

  sim::Simulation& sim_;
  What what_;
  std::uint64_t name_hash_;
  std::map<std::uint64_t, std::string> names_;
  std::size_t notes_ = 0;  // printed so far
};

}  // namespace windtunnel::experiments
