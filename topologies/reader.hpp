// Fills a settings message from a tree by the options of its fields: names, units, limits,
// defaults, rules.
#pragma once

#include <google/protobuf/message.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "topologies/diagnostics.hpp"
#include "topologies/document.hpp"

namespace windtunnel {

// A value that a run rests on. `given`: the user wrote it; else it is the default of the schema.
struct Assumption {
  std::string path;      // "web-alb.health_check.timeout"
  std::string value;     // as it is written: "5s"
  std::string sentence;  // what it is
  std::string source;
  bool given = false;
  bool unsourced = false;  // only of defaults: nothing but our judgement stands behind the value
};

// Where each given value was written, by its path.
class Places {
 public:
  void add(const std::string& path, const Place& place) { places_.insert_or_assign(path, place); }
  // Of the path or of the nearest thing around it; 1:1 of no file if there is none.
  Place at(std::string_view path) const;
  bool has(std::string_view path) const { return places_.contains(path); }

 private:
  std::map<std::string, Place, std::less<>> places_;
};

struct Readings {
  Places places;
  std::vector<Assumption> assumptions;
};

// What a message stands for.
struct Subject {
  std::string path;  // begins its messages: "database"; empty for a file
  std::string what;  // in "unknown field 'x' of <what>"
  Place place;
};

enum class Oneofs { REQUIRED, LEFT_OPEN };

// Every oneof needs one member, unless those of the message itself are left open, for the caller to
// fill in. Errors go to the diagnostics; the message then holds what could be read.
void read_message(const Node& node, const Subject& subject, google::protobuf::Message& message,
                  Readings& readings, Diagnostics& diagnostics, Oneofs oneofs = Oneofs::REQUIRED);

}  // namespace windtunnel
