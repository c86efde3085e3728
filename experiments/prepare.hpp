// From a command line, or from what a results file remembers of one, to an experiment that can run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/results_file.hpp"
#include "experiments/commands.hpp"
#include "topologies/load.hpp"

namespace windtunnel::experiments {

// The file and the options on top of it; nothing if there was an error. With `inputs` the files'
// texts come from there.
std::optional<LoadedExperiment> prepare(const RunCommand& command, Diagnostics& diagnostics,
                                        const std::vector<InputText>& inputs = {});
int replications_of(const RunCommand& command, const LoadedExperiment& experiment);

// What is kept of the command line, and the experiment anew from it. Throws analysis::WrongFile
// where it isn't the same any more: a recorded load has changed, or this version reads the input in
// another way.
void keep_options(const RunCommand& command, analysis::ExperimentHeader& header);
LoadedExperiment prepare_again(const std::string& results_file,
                               const analysis::ExperimentHeader& header);

// A results file, or the journal of a run under way or of a killed one. Of a damaged file what can
// be read, with a note on stderr; what can't is added to `lost`. Throws analysis::FileError.
analysis::Results read_any(const std::string& file, std::vector<std::string>* lost = nullptr);

}  // namespace windtunnel::experiments
