#include "topologies/document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <map>
#include <streambuf>
#include <utility>

#include "models/traces/utf8.hpp"

namespace windtunnel {

namespace {

// Ends yaml-cpp's parse; it never leaves parse_document.
struct Refused {
  Place place;
  std::string text;
};

Place place_of(const std::string& file, const YAML::Mark& mark) {
  return mark.is_null() ? Place{file, 1, 1} : Place{file, mark.line + 1, mark.column + 1};
}

std::size_t count(const Node& node) {
  std::size_t nodes = 1;
  for (const Member& member : node.members) nodes += count(member.value);
  return nodes;
}

int depth(const Node& node) {
  int deepest = 0;
  for (const Member& member : node.members) deepest = std::max(deepest, depth(member.value));
  return deepest + 1;
}

// Builds the tree from yaml-cpp's events, so that the limits hold before memory is spent.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, Diagnostics& diagnostics)
      : file_(file), diagnostics_(diagnostics) {}

  Node take_root() { return std::move(root_); }
  // Of the list or map that is being read.
  Place open_place() const { return open_.empty() ? Place{file_, 1, 1} : open_.back().node.place; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(Node{Node::Kind::NOTHING, "", {}, place_of(file_, mark)}, anchor, 1);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    add(Node{Node::Kind::SCALAR, value, {}, place_of(file_, mark)}, anchor, 1);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end()) {
      throw Refused{place_of(file_, mark), "the alias stands within what it repeats"};
    }
    const auto& [node, nodes, levels] = found->second;
    if (static_cast<int>(open_.size()) + levels > document_depth_max) too_deep(mark);
    spend(nodes, place_of(file_, mark));
    Node copy = node;
    copy.place = place_of(file_, mark);
    add(std::move(copy), YAML::NullAnchor, 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(Node::Kind::LIST, mark, tag, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(Node::Kind::MAP, mark, tag, anchor);
  }
  void OnMapEnd() override { end(); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor;
    bool awaits_value = false;
    std::string key;
    Place key_place;
    std::map<std::string, Place, std::less<>> keys;
  };
  struct Anchored {
    Node node;
    std::size_t nodes;
    int levels;
  };

  void begin(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
             YAML::anchor_t anchor) {
    refuse_tag(mark, tag);
    if (static_cast<int>(open_.size()) >= document_depth_max) too_deep(mark);
    if (awaits_key()) refuse_key(place_of(file_, mark));
    open_.push_back({{kind, "", {}, place_of(file_, mark)}, anchor, false, "", {}, {}});
  }

  void end() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    add(std::move(closed.node), closed.anchor, 1);
  }

  bool awaits_key() const {
    return !open_.empty() && open_.back().node.kind == Node::Kind::MAP &&
           !open_.back().awaits_value;
  }

  void add(Node node, YAML::anchor_t anchor, std::size_t nodes) {
    spend(nodes, node.place);
    if (anchor != YAML::NullAnchor) {
      anchored_[anchor] = {node, count(node), depth(node)};
      spend(anchored_[anchor].nodes, node.place);  // the copy kept for aliases
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::LIST) {
      const Place place = node.place;
      parent.node.members.push_back({"", place, std::move(node)});
    } else if (!parent.awaits_value) {
      take_key(parent, node);
    } else {
      take_value(parent, std::move(node));
    }
  }

  void take_key(Open& parent, Node& node) {
    if (node.kind != Node::Kind::SCALAR) refuse_key(node.place);
    parent.key = std::move(node.text);
    parent.key_place = node.place;
    parent.awaits_value = true;
  }

  void take_value(Open& parent, Node node) {
    parent.awaits_value = false;
    const auto [first, added] = parent.keys.try_emplace(parent.key, parent.key_place);
    if (!added) {
      diagnostics_.error(parent.key_place,
                         fmt::format("duplicate key {}, first at {}:{}", shown(parent.key),
                                     first->second.line, first->second.column));
      return;
    }
    parent.node.members.push_back({std::move(parent.key), parent.key_place, std::move(node)});
  }

  void spend(std::size_t nodes, const Place& place) {
    nodes_ += nodes;
    if (nodes_ > document_nodes_max) {
      throw Refused{place, fmt::format("more than {} values, aliases counted as often as used",
                                       document_nodes_max)};
    }
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw Refused{place_of(file_, mark), fmt::format("the tag {} is not read", shown(tag))};
  }

  [[noreturn]] void refuse_key(const Place& place) const {
    throw Refused{place, "a key must be plain text, or a bracket here is not closed"};
  }

  [[noreturn]] void too_deep(const YAML::Mark& mark) const {
    throw Refused{place_of(file_, mark),
                  fmt::format("nested deeper than {} levels", document_depth_max)};
  }

  const std::string& file_;
  Diagnostics& diagnostics_;
  Node root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchored_;
  std::size_t nodes_ = 0;
};

// The first byte that no text has, as an error.
std::optional<Refused> binary(std::string_view text, const std::string& file) {
  Place place{file, 1, 1};
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t size = traces::utf8_size(text.substr(at));
    if (size == 0) return Refused{place, fmt::format("not UTF-8 text: byte 0x{:02x}", byte)};
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f) {
      return Refused{place, fmt::format("not text: control character 0x{:02x}", byte)};
    }
    at += size;
    place.column += static_cast<int>(size);
    if (byte == '\n') place = {file, place.line + 1, 1};
  }
  return std::nullopt;
}

// A stream over text that stays where it is.
struct TextBuffer : std::streambuf {
  explicit TextBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // std::streambuf's get area is only read
    setg(begin, begin, begin + text.size());
  }
};

std::string too_large() { return fmt::format("larger than {} MiB", document_bytes_max >> 20); }

Node parse_one(YAML::Parser& parser, TreeBuilder& tree, const std::string& file,
               Diagnostics& diagnostics) {
  if (!parser.HandleNextDocument(tree)) throw Refused{{file, 1, 1}, "the file is empty"};
  Node root = tree.take_root();
  TreeBuilder second(file, diagnostics);
  if (parser.HandleNextDocument(second)) {
    throw Refused{second.take_root().place, "a second document begins here; a file holds one"};
  }
  return root;
}

Node parse_checked(std::string_view text, const std::string& file, Diagnostics& diagnostics) {
  TextBuffer buffer(text);
  std::istream stream(&buffer);
  TreeBuilder tree(file, diagnostics);
  YAML::Parser parser(stream);
  try {
    return parse_one(parser, tree, file, diagnostics);
  } catch (const YAML::Exception& error) {
    const bool unclosed = error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW ||
                          error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW;
    if (unclosed) throw Refused{tree.open_place(), "this bracket is not closed"};
    throw Refused{place_of(file, error.mark), error.msg};
  }
}

}  // namespace

const Member* Node::find(std::string_view key) const {
  if (kind != Kind::MAP) return nullptr;
  for (const Member& member : members) {
    if (member.key == key) return &member;
  }
  return nullptr;
}

Member* Node::find(std::string_view key) {
  return const_cast<Member*>(std::as_const(*this).find(key));
}

std::optional<Node> parse_document(std::string_view text, const std::string& file,
                                   Diagnostics& diagnostics) {
  try {
    if (text.size() > document_bytes_max) throw Refused{{file, 1, 1}, too_large()};
    if (const auto refused = binary(text, file)) throw *refused;
    return parse_checked(text, file, diagnostics);
  } catch (const Refused& refused) {
    diagnostics.error(refused.place, refused.text);
  }
  return std::nullopt;
}

std::optional<std::string> read_text(const std::string& path, Diagnostics& diagnostics) {
  const Place whole_file{path, 1, 1};
  const auto refuse = [&](const std::string& why) {
    diagnostics.error(whole_file, why);
    return std::nullopt;
  };
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return refuse("no such file");
  if (std::filesystem::is_directory(status)) return refuse("is a directory, not a file");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return refuse(std::string("cannot be opened: ") + std::strerror(errno));
  std::string text(document_bytes_max + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return refuse(std::string("cannot be read: ") + std::strerror(errno));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > document_bytes_max) return refuse(too_large());
  return text;
}

std::string_view kind_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::SCALAR:
      return "a single value";
    case Node::Kind::LIST:
      return "a list";
    case Node::Kind::MAP:
      return "a map";
    case Node::Kind::NOTHING:
      break;
  }
  return "nothing";
}

}  // namespace windtunnel
