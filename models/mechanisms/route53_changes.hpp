// "record_changes": a name in Route 53 whose records can be changed while it runs, by whoever
// operates it. A change is made at the control plane and answered for by it; the servers that
// answer queries have it some time later (rule 42).
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace windtunnel {

class Callable;

// Of one record: a weight, or another target, or both.
struct RecordChange {
  std::string record;  // its set identifier; empty: the only one
  std::optional<double> weight;
  Callable* target = nullptr;  // nullptr: stays
  std::string target_name;
};

class RecordChanges {
 public:
  virtual ~RecordChanges() = default;
  // ChangeResourceRecordSets, all of them or none. Nothing: PENDING, INSYNC after a while. Else the
  // refusal's words.
  virtual std::optional<std::string> change_records(const std::vector<RecordChange>& changes) = 0;
};

}  // namespace windtunnel
