#include "models/traces/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "models/traces/utf8.hpp"

namespace windtunnel::traces {

namespace {

// The buffer grows with the longest line.
constexpr std::size_t buffer_bytes = 128u << 10, buffer_bytes_max = line_bytes_max + buffer_bytes;

// Whether a byte is 0 or above 127. Eight at a time: subtracting 1 from each borrows into the top
// bit of a 0 (and, behind it, of a 1, for which a second look costs little).
bool has_special(const char* from, std::size_t size) {
  std::uint64_t seen = 0;
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, from + i, 8);
    seen |= word | (word - 0x0101010101010101u);
  }
  for (; i < size; ++i) seen |= static_cast<unsigned char>(from[i] - 1) | (from[i] & 0x80u);
  return (seen & 0x8080808080808080u) != 0;
}

}  // namespace

Text::Text(std::unique_ptr<Source> source) : source_(std::move(source)), buffer_(buffer_bytes) {
  while (end_ < sample_bytes && fill()) {
  }
  check_start();
}

std::string_view Text::sample() const {
  return {buffer_.data() + at_, std::min(end_ - at_, sample_bytes)};
}

void Text::check_start() {
  const std::string_view start(buffer_.data(), end_);
  const auto wide = [](const char* name) {
    throw Bad{1, 1, fmt::format("is {} text; convert it to UTF-8 first", name)};
  };
  if (start.starts_with("\xff\xfe") || start.starts_with("\xfe\xff")) wide("UTF-16");
  if (start.starts_with("\xef\xbb\xbf")) at_ = 3;
  if (end_ == at_) throw Bad{1, 1, "is empty"};
}

// More bytes behind those that are not yet read; false: there are none, or no room.
bool Text::fill() {
  if (ended_) return false;
  if (at_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + at_, end_ - at_);
    end_ -= at_;
    at_ = 0;
    if (end_ == 0) special_ = false;
  }
  if (end_ == buffer_.size()) {
    if (end_ >= buffer_bytes_max) return false;
    buffer_.resize(std::min(2 * end_, buffer_bytes_max));
  }
  std::size_t got = 0;
  try {
    got = source_->read(buffer_.data() + end_, buffer_.size() - end_);
  } catch (const Bad& told) {
    throw Bad{line_number_ + 1, 1, told.text};
  }
  if (got == 0) {
    ended_ = true;
    return false;
  }
  special_ = special_ || has_special(buffer_.data() + end_, got);
  end_ += got;
  return true;
}

bool Text::line(std::string_view& line) {
  std::size_t searched = 0;
  const char* newline = nullptr;
  while (true) {
    const char* from = buffer_.data() + at_ + searched;
    const std::size_t left = end_ - at_ - searched;
    newline = left > 0 ? static_cast<const char*>(std::memchr(from, '\n', left)) : nullptr;
    if (newline != nullptr) break;
    searched = end_ - at_;
    if (searched > line_bytes_max) too_long();
    if (!fill()) break;
  }
  if (newline == nullptr && at_ == end_) return false;
  line_start_ = buffer_.data() + at_;
  complete_ = newline != nullptr;
  const char* end = newline != nullptr ? newline : buffer_.data() + end_;
  line = {line_start_, static_cast<std::size_t>(end - line_start_)};
  at_ = static_cast<std::size_t>(end - buffer_.data()) + (newline != nullptr ? 1 : 0);
  ++line_number_;
  if (line.size() > line_bytes_max) {
    --line_number_;
    too_long();
  }
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (special_) check_encoding(line);
  return true;
}

void Text::too_long() const {
  throw Bad{line_number_ + 1, line_bytes_max,
            fmt::format("the line is longer than {} MiB", line_bytes_max >> 20)};
}

void Text::check_encoding(std::string_view line) const {
  if (!has_special(line.data(), line.size())) return;
  for (std::size_t i = 0; i < line.size();) {
    if (line[i] == '\0') bad(i + 1, "a NUL byte: the file is binary, UTF-16 or damaged");
    const std::size_t size = utf8_size(line.substr(i));
    if (size == 0) {
      bad(i + 1, fmt::format("byte 0x{:02x} is not UTF-8; convert the file first",
                             static_cast<unsigned char>(line[i])));
    }
    i += size;
  }
}

void Text::bad(std::size_t column, std::string text) const {
  throw Bad{std::max<std::size_t>(line_number_, 1), column, std::move(text)};
}

void Text::bad(std::string_view part, std::string text) const {
  bad(static_cast<std::size_t>(part.data() - line_start_) + 1, std::move(text));
}

void Text::bad_here(std::string text) const {
  throw Bad{line_number_ + 1, std::max<std::size_t>(column_, 1), std::move(text)};
}

}  // namespace windtunnel::traces
