#include "topologies/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "models/traces/utf8.hpp"

namespace windtunnel {

namespace {

constexpr std::size_t shown_max = 80;

std::string escaped(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text[0]);
    const std::size_t size = traces::utf8_size(text);
    if (size == 0 || byte < 0x20 || byte == 0x7f) {
      safe += fmt::format("\\x{:02x}", byte);
    } else {
      safe += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return safe;
}

// Not in the middle of a UTF-8 character.
std::string_view cut(std::string_view text, std::size_t size) {
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

}  // namespace

std::string shown(std::string_view text) {
  if (text.size() <= shown_max) return fmt::format("'{}'", escaped(text));
  return fmt::format("'{}...' ({} bytes)", escaped(cut(text, shown_max)), text.size());
}

std::string to_string(const Diagnostic& diagnostic) {
  static const std::map<Severity, const char*> words = {
      {Severity::ERROR, ""}, {Severity::WARNING, "warning: "}, {Severity::NOTE, "note: "}};
  const Place& place = diagnostic.place;
  return fmt::format("{}:{}:{}: {}{}", escaped(place.file), place.line, place.column,
                     words.at(diagnostic.severity), diagnostic.text);
}

void Diagnostics::add(const Place& place, Severity severity, std::string text) {
  list_.push_back({place, severity, std::move(text)});
  if (severity == Severity::ERROR) ++errors_;
}

void Diagnostics::error(const Place& place, std::string text) {
  add(place, Severity::ERROR, std::move(text));
}

void Diagnostics::warning(const Place& place, std::string text) {
  add(place, Severity::WARNING, std::move(text));
}

void Diagnostics::note(const Place& place, std::string text) {
  add(place, Severity::NOTE, std::move(text));
}

std::vector<Diagnostic> Diagnostics::sorted() const {
  std::map<std::string_view, std::size_t> rank;
  for (const Diagnostic& diagnostic : list_) rank.try_emplace(diagnostic.place.file, rank.size());
  std::vector<Diagnostic> result = list_;
  const auto key = [&](const Diagnostic& diagnostic) {
    const Place& place = diagnostic.place;
    return std::make_tuple(rank.at(place.file), place.line, place.column);
  };
  std::stable_sort(result.begin(), result.end(),
                   [&](const auto& a, const auto& b) { return key(a) < key(b); });
  return result;
}

std::string Diagnostics::print() const {
  std::string lines;
  for (const Diagnostic& diagnostic : sorted()) lines += to_string(diagnostic) + "\n";
  return lines;
}

}  // namespace windtunnel
