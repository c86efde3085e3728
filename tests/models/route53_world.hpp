// Names in Route 53 over two services, east and west, that faults break.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/mechanisms/geography.hpp"
#include "models/mechanisms/ports.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel::test {

inline std::string two_services(const std::string& components, const std::string& rest) {
  return small_experiment(
      components + ", east: {station: {service_time: 1ms}}, west: {station: {service_time: 1ms}}",
      rest);
}

// Whose address a name answers with; "nobody".
inline std::string answer_of(SmallRun& run, const std::string& name, sim::Stream& chance,
                             const Location* from = nullptr) {
  Query query{sim::Operation::read, chance};
  query.from = from;
  const Resolution answer = run.find<Callable>(name).resolve(query);
  if (answer.addresses.empty()) return "nobody";
  return dynamic_cast<sim::Component&>(*answer.addresses[0].entity).name();
}

// The answers over time, looked up every second, when they change.
using Answers = std::vector<std::pair<sim::Duration, std::string>>;
inline Answers answers(SmallRun& run, const std::string& name) {
  using namespace std::chrono_literals;
  Answers changes;
  sim::Stream chance(1);
  const auto look = [&] {
    const std::string answer = answer_of(run, name, chance);
    if (changes.empty() || changes.back().second != answer) {
      changes.emplace_back(run.sim.now() - sim::time_zero, answer);
    }
  };
  for (sim::Duration date{0}; date < run.sim.options().horizon; date += 1s) {
    run.script.at(date, look, sim::Turn::sample);
  }
  run.sim.run();
  return changes;
}

}  // namespace windtunnel::test
