// How a service makes itself known. A model's .cpp ends with one line, REGISTER_MODEL(Class,
// settings::Message); no list is edited. Topologies build through this registry and include no
// model's header.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace google::protobuf {
class Message;
class Descriptor;
}  // namespace google::protobuf

namespace windtunnel {

namespace sim {
class Simulation;
class Component;
}  // namespace sim

class SettingsCheck;

struct ModelEntry {
  const google::protobuf::Descriptor* (*descriptor)();
  std::unique_ptr<google::protobuf::Message> (*new_settings)();
  // Makes the component; it is wired later (sim::Component::wire).
  std::unique_ptr<sim::Component> (*create)(sim::Simulation&, const std::string& name,
                                            const google::protobuf::Message& settings);
  // See models/settings_check.hpp.
  void (*check)(const google::protobuf::Message& settings, SettingsCheck& check);
};

// Models by the name written in topologies, in alphabetical order.
const std::map<std::string, ModelEntry>& models();

// Returns true so that a static can hold it; two models of one name abort at the start.
bool register_model(const ModelEntry& entry);

template <typename Model, typename Settings>
ModelEntry model_entry() {
  return {
      [] { return Settings::descriptor(); },
      []() -> std::unique_ptr<google::protobuf::Message> { return std::make_unique<Settings>(); },
      [](sim::Simulation& sim, const std::string& name,
         const google::protobuf::Message& settings) -> std::unique_ptr<sim::Component> {
        return std::make_unique<Model>(sim, name, static_cast<const Settings&>(settings));
      },
      []([[maybe_unused]] const google::protobuf::Message& settings,
         [[maybe_unused]] SettingsCheck& check) {
        if constexpr (requires { Model::check(static_cast<const Settings&>(settings), check); }) {
          Model::check(static_cast<const Settings&>(settings), check);
        }
      }};
}

}  // namespace windtunnel

#define REGISTER_MODEL(Model, Settings)                   \
  [[maybe_unused]] static const bool registered_##Model = \
      ::windtunnel::register_model(::windtunnel::model_entry<Model, Settings>())
