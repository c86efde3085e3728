// `--set PATH=VALUE`: values of the command line, put into the tree before it is read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "topologies/document.hpp"

namespace windtunnel {

struct Override {
  std::vector<std::string> path;  // "components", "web", "workers"
  Node value;
  Place place;  // `--set components.web.workers`, 1:1
};

// PATH=VALUE; the value is YAML. An error is told at `--set PATH:1:1`.
std::optional<Override> parse_override(const std::string& assignment, Diagnostics& diagnostics);

// Puts the value in, over what stands there. Components may be named with or without `topology.`
// before them and their model after them; items of a list have numbers from 0. Keys that are not
// there yet are added: the reader knows which are allowed. A component or an item that does not
// exist is an error.
void apply_override(Node& root, const Override& change, Diagnostics& diagnostics);

}  // namespace windtunnel
