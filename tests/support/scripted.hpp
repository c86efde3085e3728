// Parts for tests of the engine: a component that does what a test says at the dates it says, and a
// procedure that runs a lambda.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sim/simulation.hpp"

namespace windtunnel::test {

inline std::int64_t ns(sim::Time t) { return t.time_since_epoch().count(); }

class Script final : public sim::Component {
 public:
  using Component::Component;

  // As an event at a date. Before the run or during it.
  void at(sim::Duration date, std::function<void()> what, sim::Turn turn = sim::Turn::traffic) {
    steps_.push_back({date, turn, std::move(what)});
    if (started_) post(steps_.size() - 1);
  }
  // As an operation at a date.
  void operate_at(sim::Duration date, std::function<void()> what,
                  sim::Turn turn = sim::Turn::fault) {
    at(
        date, [this, i = keep(std::move(what))] { sim().operate<&Script::on_operation>(this, i); },
        turn);
  }
  // As an operation now, from an event or a procedure.
  void operate(std::function<void()> what) {
    sim().operate<&Script::on_operation>(this, keep(std::move(what)));
  }

  void start() override {
    started_ = true;
    for (std::size_t i = 0; i < steps_.size(); ++i) post(i);
  }

  std::vector<std::int64_t> log;  // for tests to write to
  std::function<void(std::uint32_t node, sim::HostLoss)> host_lost;
  std::function<void(std::uint32_t node)> host_restored;

  void on_host_lost(std::uint32_t node, sim::HostLoss loss) override {
    if (host_lost) host_lost(node, loss);
  }
  void on_host_restored(std::uint32_t node) override {
    if (host_restored) host_restored(node);
  }
  std::vector<Node>& nodes_to_change() { return nodes_; }

 private:
  struct Step {
    sim::Duration date;
    sim::Turn turn;
    std::function<void()> what;
  };
  void post(std::size_t i) {
    sim().at<&Script::on_step>(sim::time_zero + steps_[i].date, this, i, steps_[i].turn);
  }
  std::size_t keep(std::function<void()> what) {
    operations_.push_back(std::move(what));
    return operations_.size() - 1;
  }
  // Copies, because what runs may add more.
  void on_step(std::uint64_t i) {
    const auto what = steps_[i].what;
    what();
  }
  void on_operation(std::uint64_t i) {
    const auto what = operations_[i];
    what();
  }

  bool started_ = false;
  std::vector<Step> steps_;
  std::vector<std::function<void()>> operations_;
};

inline Script& add_script(sim::Simulation& sim, std::string name = "script") {
  return static_cast<Script&>(sim.add(std::make_unique<Script>(sim, std::move(name))));
}

class Steps final : public sim::Procedure {
 public:
  using Body = std::function<void(Steps&)>;
  Steps(sim::Simulation& sim, std::string_view name, Body body)
      : Procedure(sim, name), body_(std::move(body)) {}

  using Procedure::transfer;
  using Procedure::wait;
  std::function<void()> killed;

 private:
  void run() override { body_(*this); }
  void on_killed() override {
    if (killed) killed();
  }
  Body body_;
};

}  // namespace windtunnel::test
