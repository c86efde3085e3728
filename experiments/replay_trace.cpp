#include "experiments/replay_trace.hpp"

#include <fmt/format.h>

namespace windtunnel::experiments {

using sim::Call;
using sim::CallStep;
using sim::Entity;
using sim::Event;
using sim::Handle;

namespace {

// "10:00.012345678".
std::string exact_date(sim::Time date) {
  const std::int64_t ns = date.time_since_epoch().count();
  constexpr std::int64_t second = 1'000'000'000;
  return fmt::format("{}:{:02}.{:09}", ns / second / 60, ns / second % 60, ns % second);
}

// An event's argument is a number, or a handle: slot and life in one word.
std::string argument_text(std::uint64_t argument) {
  const Handle handle = Handle::of(argument);
  if (handle.life() == 0) return fmt::format("{}", argument);
  return handle ? fmt::format("{}/{}", handle.slot(), handle.life()) : "";
}

}  // namespace

ReplayTrace::ReplayTrace(sim::Simulation& sim, What what)
    : sim_(sim), what_(std::move(what)), name_hash_(sim::hash_name(what_.component)) {
  for (const auto& component : sim.components()) {
    names_.emplace(component->name_hash(), component->name());
  }
}

std::string ReplayTrace::name_of(const Entity& entity) const {
  const auto found = names_.find(entity.name_hash());
  return found == names_.end() ? "the run" : found->second;
}

bool ReplayTrace::is_wanted(const Entity& entity) const {
  return !what_.component.empty() && entity.name_hash() == name_hash_ && is_now();
}

void ReplayTrace::print(const std::string& who, const std::string& text) const {
  fmt::print("{:>16}  {:<12}  {}\n", exact_date(sim_.now()), who, text);
}

void ReplayTrace::print_notes() {
  const auto& events = sim_.log().events;
  for (; notes_ < events.size(); ++notes_) {
    const sim::LoggedEvent& event = events[notes_];
    if (event.at < what_.from || event.at >= what_.to) continue;
    const bool of_component = event.component == what_.component;
    if (!what_.component.empty() && !of_component) continue;
    const bool plain = event.milestone == sim::Milestone::none;
    fmt::print("{:>16}  {:<12}  * {}{}\n", exact_date(event.at), event.component, event.text,
               plain ? "" : fmt::format("  [{}]", sim::to_string(event.milestone)));
  }
}

void ReplayTrace::on_event(const Event& event) {
  print_notes();
  if (!is_wanted(*event.target)) return;
  print(name_of(*event.target),
        fmt::format("{} {}", sim::HandlerName::of(event.handler), argument_text(event.argument)));
}

void ReplayTrace::on_operation(const Event& event) {
  print_notes();
  if (!is_wanted(*event.target)) return;
  print(name_of(*event.target), fmt::format("operation {} {}", sim::HandlerName::of(event.handler),
                                            argument_text(event.argument)));
}

void ReplayTrace::on_call(CallStep step, Handle handle, Call& call) {
  const bool by = is_wanted(*call.caller), to = call.callee != nullptr && is_wanted(*call.callee);
  if (!by && !to) return;
  std::string text =
      fmt::format("call {}/{} {}", handle.slot(), handle.life(), sim::to_string(step));
  if (call.callee != nullptr) {
    text += fmt::format("  {} from {} to {} node {} ({})", sim::to_string(call.operation),
                        name_of(*call.caller), name_of(*call.callee), call.callee_node,
                        sim_.network().name(call.to));
  } else {
    text += fmt::format("  {} by {}", sim::to_string(call.operation), name_of(*call.caller));
  }
  if (step == CallStep::answered || step == CallStep::ended || step == CallStep::late) {
    text += fmt::format(": {}", sim::to_string(call.outcome));
  }
  print(what_.component, text);
}

}  // namespace windtunnel::experiments
