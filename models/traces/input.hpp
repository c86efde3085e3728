// Where a trace's bytes come from: a file or memory, plain or gzip. Constant memory, whatever the
// size. Compressed text that grows more than a log can is refused (a gzip bomb).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace windtunnel::traces {

class Source {
 public:
  virtual ~Source() = default;
  // Up to `size` bytes, 0 at the end. Throws Bad.
  virtual std::size_t read(char* to, std::size_t size) = 0;
};

// A file; other compressions and binary formats are refused by name.
std::unique_ptr<Source> open_file(const std::string& path);
// Bytes that live elsewhere, gzip or plain: for tests and fuzzers.
std::unique_ptr<Source> open_bytes(std::string_view bytes);

// After this much text, more than so many bytes out of one byte in are refused. Access logs shrink
// 10 to 30 times, regular CSV up to 100; deflate's limit is 1,032.
inline constexpr std::uint64_t inflated_unquestioned = 64u << 20;
inline constexpr std::uint64_t inflated_ratio_max = 300;

}  // namespace windtunnel::traces
