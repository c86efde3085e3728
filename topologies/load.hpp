// From files to experiments and topologies that are ready to be built.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/experiment.pb.h"
#include "topologies/topology.hpp"

namespace windtunnel {

struct InputText {
  std::string name;  // the file's, as messages name it
  std::string text;
};

struct LoadedExperiment {
  settings::Experiment settings;  // `topology` is left empty, `workload` is already in the clients
  Topology topology;
  Places places;                        // of the experiment's own values: "faults.0.at"
  std::vector<Assumption> assumptions;  // the experiment's own; the topology has its own too
  std::string input_text;               // the file, the topology file it names, the overrides
  std::string file;
  std::vector<InputText> inputs;  // the experiment, and the topology file that it names
};

// `sets` are PATH=VALUE, applied in order over the file (overrides.hpp). Every error of the input
// goes to the diagnostics; the result is there if there was none. Warnings do not prevent it.
std::optional<Topology> load_topology(const std::string& path, const std::vector<std::string>& sets,
                                      Diagnostics& diagnostics);
std::optional<LoadedExperiment> load_experiment(const std::string& path,
                                                const std::vector<std::string>& sets,
                                                Diagnostics& diagnostics);

// The same from text; `file` is its name in messages, and what a path of a topology is relative to.
// Files that are in `inputs` are not read from the disk.
std::optional<Topology> read_topology(const std::string& text, const std::string& file,
                                      const std::vector<std::string>& sets,
                                      Diagnostics& diagnostics);
std::optional<LoadedExperiment> read_experiment(const std::string& text, const std::string& file,
                                                const std::vector<std::string>& sets,
                                                Diagnostics& diagnostics,
                                                const std::vector<InputText>& inputs = {});

// `windtunnel check FILE`: an experiment or a bare topology (told by its keys), with the findings
// of the graph. True if there was no error.
bool check_file(const std::string& path, const std::vector<std::string>& sets,
                Diagnostics& diagnostics);

}  // namespace windtunnel
