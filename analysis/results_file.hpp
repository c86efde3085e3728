// The results of an experiment in one self-describing HDF5 file; its layout is in README.md. Only
// here is HDF5 known.
#pragma once

#include <string>
#include <vector>

#include "analysis/files.hpp"
#include "analysis/record.pb.h"

namespace windtunnel::analysis {

struct Results {
  ExperimentHeader header;
  std::vector<ReplicationRecord> records;  // in the order of their replications
};

// Written beside `path` and renamed into place when it is complete and on disk. Throws FileError.
// HDF5 must not be touched before the last fork: call it when all replications have ended.
void write_results(const std::string& path, const Results& results);

// It was a results file, but something in it can't be read any more.
struct DamagedFile : WrongFile {
  using WrongFile::WrongFile;
};

// Throws FileError with a sentence for the user: no such file, no results file, another layout,
// damaged.
Results read_results(const std::string& path);

// Of a damaged file what can be read; `lost` names what can't. Throws as read_results() where not
// even the experiment and the list of its replications are left.
Results salvage_results(const std::string& path, std::vector<std::string>& lost);

}  // namespace windtunnel::analysis
