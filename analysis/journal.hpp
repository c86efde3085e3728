// The journal of an experiment that runs: OUT.journal, the header and then a record a replication,
// each length + CRC-32 + protobuf, synced one by one. HDF5 files that grow don't survive a kill -9;
// this does, and loses at most the record being written.
#pragma once

#include <string>
#include <vector>

#include "analysis/files.hpp"
#include "analysis/record.pb.h"

namespace windtunnel::analysis {

struct JournalContents {
  ExperimentHeader header;
  std::vector<ReplicationRecord> records;  // in order of completion, each replication once
  bool torn = false;                       // its end was incomplete or damaged and is left out
};

// Reads what is intact. Throws FileError if there is no such file or not even its header is intact.
JournalContents read_journal(const std::string& path);

// The one writer of a journal; a second one, in another process, is refused. Only the parent of the
// replications may have it. All members throw FileError.
class Journal {
 public:
  // Begins a new journal in place of an old one.
  static Journal begin(const std::string& path, const ExperimentHeader& header);
  // Goes on with an old one, whose torn end is cut off; begins a new one where there is none, or
  // none with an intact header. Refuses the journal of another input, seed or version of the
  // program. The number of replications may differ; records beyond it are not returned.
  static Journal resume(const std::string& path, const ExperimentHeader& header,
                        std::vector<ReplicationRecord>& done);

  // On disk when it returns.
  void append(const ReplicationRecord& record);
  // After the results file is complete.
  void remove();

 private:
  explicit Journal(const std::string& path);
  void append_frame(const google::protobuf::MessageLite& message);
  void restart(const ExperimentHeader& header);

  File file_;
};

}  // namespace windtunnel::analysis
