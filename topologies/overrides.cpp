#include "topologies/overrides.hpp"

#include <fmt/format.h>

#include <charconv>
#include <span>
#include <system_error>

#include "topologies/names.hpp"

namespace windtunnel {

namespace {

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> segments(1);
  for (const char c : path) {
    if (c == '.') {
      segments.emplace_back();
    } else {
      segments.back() += c;
    }
  }
  return segments;
}

// Walks down the tree along one path.
class Walk {
 public:
  Walk(Node& root, const Override& change, Diagnostics& diagnostics)
      : node_(&root), change_(change), diagnostics_(diagnostics) {}

  // False after an error.
  bool go(std::span<const std::string> path) {
    for (std::size_t i = 0; i < path.size(); ++i) {
      const bool is_component = i == 1 && path[0] == "components";
      const bool is_setting = i == 2 && path[0] == "components";
      if (is_component && !is_known(path[i])) return false;
      if (is_setting) enter_model(path[i]);
      if (!enter(path[i])) return false;
    }
    return true;
  }

  void put() {
    *node_ = change_.value;
    if (member_ != nullptr) member_->place = change_.place;
  }

 private:
  bool is_known(const std::string& component) {
    std::vector<std::string> names;
    for (const Member& member : node_->members) names.push_back(member.key);
    if (node_->find(component) != nullptr) return true;
    diagnostics_.error(change_.place, fmt::format("no component {}{}", shown(component),
                                                  did_you_mean(component, names)));
    return false;
  }

  // A component is {MODEL: settings}; the path may leave MODEL out.
  void enter_model(const std::string& next) {
    if (node_->kind != Node::Kind::MAP || node_->members.size() != 1) return;
    if (node_->members.front().key == next) return;
    member_ = &node_->members.front();
    node_ = &member_->value;
  }

  bool enter(const std::string& segment) {
    if (node_->kind == Node::Kind::LIST) return enter_item(segment);
    if (node_->kind != Node::Kind::MAP) {
      *node_ = Node{Node::Kind::MAP, "", {}, change_.place};
      if (member_ != nullptr) member_->place = change_.place;
    }
    member_ = node_->find(segment);
    if (member_ == nullptr) {
      node_->members.push_back({segment, change_.place, {Node::Kind::MAP, "", {}, change_.place}});
      member_ = &node_->members.back();
    }
    node_ = &member_->value;
    return true;
  }

  bool enter_item(const std::string& segment) {
    std::size_t index = 0;
    const auto [end, error] =
        std::from_chars(segment.data(), segment.data() + segment.size(), index);
    const bool all = error == std::errc() && end == segment.data() + segment.size();
    if (!all || index >= node_->members.size()) {
      diagnostics_.error(change_.place, fmt::format("no item {} in a list of {}, counted from 0",
                                                    shown(segment), node_->members.size()));
      return false;
    }
    member_ = &node_->members[index];
    node_ = &member_->value;
    return true;
  }

  Node* node_;
  Member* member_ = nullptr;
  const Override& change_;
  Diagnostics& diagnostics_;
};

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

std::optional<Override> parse_override(const std::string& assignment, Diagnostics& diagnostics) {
  const std::size_t equals = assignment.find('=');
  const std::string path = assignment.substr(0, equals);
  const Place place{"--set " + path, 1, 1};
  const std::vector<std::string> segments = split(path);
  const bool blank_value = equals == std::string::npos || is_blank(assignment.substr(equals + 1));
  bool blank_segment = false;
  for (const std::string& segment : segments) blank_segment |= segment.empty();
  if (blank_value || blank_segment) {
    diagnostics.error(place, "write PATH=VALUE, such as components.web.workers=4");
    return std::nullopt;
  }
  auto value = parse_document(assignment.substr(equals + 1), place.file, diagnostics);
  if (!value) return std::nullopt;
  return Override{segments, std::move(*value), place};
}

void apply_override(Node& root, const Override& change, Diagnostics& diagnostics) {
  std::span<const std::string> path = change.path;
  const bool prefixed = path[0] == "topology" && path.size() > 1;
  if (prefixed) path = path.subspan(1);
  const bool in_topology = path[0] == "components" || path[0] == "regions" || path[0] == "network";
  Member* topology = root.find("topology");
  const bool enters = topology != nullptr && (prefixed || in_topology);
  Walk walk(enters ? topology->value : root, change, diagnostics);
  if (walk.go(path)) walk.put();
}

}  // namespace windtunnel
