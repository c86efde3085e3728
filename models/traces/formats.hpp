// The formats there are, and how a file's is recognised: by its content, not its name. A new format
// is one file with a Reader, and one row in formats.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/traces/text.hpp"
#include "models/traces/trace.hpp"

namespace windtunnel::traces {

struct Format {
  const char* name;      // as a user writes it: elb_log
  const char* sentence;  // what it is and how it is told from others
  // Whether the beginning of the text looks like it; `first` is the first line that is not empty.
  bool (*looks_like)(std::string_view sample, std::string_view first);
  std::unique_ptr<Reader> (*open)(std::unique_ptr<Text> text, const Options& options);
};

// In the order in which they are tried.
const std::vector<Format>& formats();

struct Opened {
  const Format* format;
  std::unique_ptr<Reader> reader;
};

// Recognises the format, or takes the one of the options. Throws Bad, with what was looked for.
Opened open_trace(std::unique_ptr<Source> source, const Options& options = {});

// Bytes to their end: what a fuzzer, or a test, wants to know. Never throws Bad.
struct Reading {
  std::uint64_t rows = 0;
  double requests = 0;
  std::string format;
  std::optional<Bad> bad;
};
Reading read_all(std::string_view bytes, const Options& options = {});

}  // namespace windtunnel::traces
