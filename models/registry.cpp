#include "models/registry.hpp"

#include <cstdio>
#include <cstdlib>

#include "models/schema.pb.h"

namespace windtunnel {

namespace {
std::map<std::string, ModelEntry>& registered() {
  static std::map<std::string, ModelEntry> entries;
  return entries;
}
}  // namespace

const std::map<std::string, ModelEntry>& models() { return registered(); }

bool register_model(const ModelEntry& entry) {
  const std::string& name = entry.descriptor()->options().GetExtension(schema::model).name();
  if (name.empty() || !registered().emplace(name, entry).second) {
    std::fprintf(stderr, "internal error: model '%s' has no name or is registered twice\n",
                 name.c_str());
    std::abort();
  }
  return true;
}

}  // namespace windtunnel
