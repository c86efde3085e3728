// YAML or JSON text as a light tree that knows where everything stands. The only reader of text
// there is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "topologies/diagnostics.hpp"

namespace windtunnel {

struct Member;

struct Node {
  enum class Kind { NOTHING, SCALAR, LIST, MAP };

  Kind kind = Kind::NOTHING;
  std::string text;             // of a scalar
  std::vector<Member> members;  // of a list or map, in the order of the text
  Place place;

  const Member* find(std::string_view key) const;
  Member* find(std::string_view key);
};

struct Member {
  std::string key;  // empty in a list
  Place place;      // of the key; in a list, of the item
  Node value;
};

// Limits of what is read; beyond them there is one error and no tree. Aliases count as often as
// they are used.
inline constexpr std::size_t document_bytes_max = 16 << 20;
inline constexpr int document_depth_max = 64;
inline constexpr std::size_t document_nodes_max = 250'000;

// `file` is the name in messages. Duplicated keys, text that is not UTF-8, aliases within
// themselves, tags and second documents are errors. No tree after a syntax error; duplicated keys
// are told and the first one is kept.
std::optional<Node> parse_document(std::string_view text, const std::string& file,
                                   Diagnostics& diagnostics);

// The whole text; a missing file, a directory or one that is too large is an error at 1:1.
std::optional<std::string> read_text(const std::string& path, Diagnostics& diagnostics);

// "a list", "a map", "nothing", for messages.
std::string_view kind_of(const Node& node);

}  // namespace windtunnel
