// What a model says of its own settings beyond what the schema can: contradictions between parts of
// them, and what they amount to in this topology. A model that has something to say has
//   static void check(const settings::Message& settings, SettingsCheck& check);
// It runs on settings that were read without errors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace google::protobuf {
class Message;
}

namespace windtunnel {

class SettingsCheck {
 public:
  virtual ~SettingsCheck() = default;

  // `path` is a setting's place within the settings, "rules.0.forward"; empty: the whole component.
  virtual void error(const std::string& path, const std::string& text) = 0;
  // Told by `windtunnel check` alone: what will hurt, and what is good to know.
  virtual void warning(const std::string& path, const std::string& text) = 0;
  virtual void note(const std::string& path, const std::string& text) = 0;

  // The user wrote it.
  virtual bool given(const std::string& path) const = 0;
  // ", did you mean 'api'?", or nothing.
  virtual std::string did_you_mean(std::string_view text,
                                   const std::vector<std::string>& candidates) const = 0;
  // Names of all components, and the settings of one of them; nullptr: there is none such.
  virtual std::vector<std::string> components() const = 0;
  virtual const google::protobuf::Message* settings_of(const std::string& component) const = 0;
  // How many zones this component lives in.
  virtual std::int64_t zones() const = 0;
  // How many instances the component named has; nothing: they are not counted.
  virtual std::optional<std::int64_t> instances(const std::string& component) const = 0;
};

}  // namespace windtunnel
