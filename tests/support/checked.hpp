// What `windtunnel check` says of an experiment's text: errors, warnings and notes.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "topologies/load.hpp"

namespace windtunnel::test {

inline std::string checked(const std::string& text) {
  // Tests run beside each other, sanitized ones too.
  const auto path = std::filesystem::temp_directory_path() /
                    ("windtunnel_check_" + std::to_string(getpid()) + ".yaml");
  std::ofstream(path) << text;
  Diagnostics diagnostics;
  check_file(path.string(), {}, diagnostics);
  std::filesystem::remove(path);
  return diagnostics.print();
}

}  // namespace windtunnel::test
