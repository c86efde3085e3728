#include "models/traces/input.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "models/traces/bad.hpp"

namespace windtunnel::traces {

namespace {

class File final : public Source {
 public:
  explicit File(const std::string& path) : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw Bad{1, 1, told("cannot be read")};
    struct stat status {};
    if (fstat(descriptor_, &status) == 0 && !S_ISREG(status.st_mode)) {
      close(descriptor_);
      throw Bad{1, 1,
                S_ISDIR(status.st_mode)
                    ? "cannot be read: is a directory"
                    : "is no regular file; a trace is read more than once, so keep it in one"};
    }
  }
  ~File() override { close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::size_t read(char* to, std::size_t size) override {
    ssize_t got = 0;
    do {
      got = ::read(descriptor_, to, size);
    } while (got < 0 && errno == EINTR);
    if (got < 0) throw Bad{1, 1, told("cannot be read")};
    return static_cast<std::size_t>(got);
  }

 private:
  static std::string told(const char* what) {
    return fmt::format("{}: {}", what, std::strerror(errno));
  }
  int descriptor_;
};

class Memory final : public Source {
 public:
  explicit Memory(std::string_view bytes) : rest_(bytes) {}
  std::size_t read(char* to, std::size_t size) override {
    const std::size_t n = std::min(size, rest_.size());
    if (n > 0) std::memcpy(to, rest_.data(), n);
    rest_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view rest_;
};

// What was read to look at comes first.
class Resumed final : public Source {
 public:
  Resumed(std::string start, std::unique_ptr<Source> rest)
      : start_(std::move(start)), rest_(std::move(rest)) {}
  std::size_t read(char* to, std::size_t size) override {
    if (at_ == start_.size()) return rest_->read(to, size);
    const std::size_t n = std::min(size, start_.size() - at_);
    std::memcpy(to, start_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  std::string start_;
  std::unique_ptr<Source> rest_;
  std::size_t at_ = 0;
};

// gzip, several members one after another included.
class Gzip final : public Source {
 public:
  explicit Gzip(std::unique_ptr<Source> packed) : packed_(std::move(packed)), in_(128u << 10) {
    if (inflateInit2(&state_, 15 + 16) != Z_OK) throw Bad{1, 1, "gzip cannot be unpacked here"};
  }
  ~Gzip() override { inflateEnd(&state_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  std::size_t read(char* to, std::size_t size) override {
    size = std::min<std::size_t>(size, 1u << 30);
    state_.next_out = reinterpret_cast<Bytef*>(to);
    state_.avail_out = static_cast<uInt>(size);
    while (state_.avail_out == size && !ended_) step();
    const std::size_t got = size - state_.avail_out;
    out_total_ += got;
    if (out_total_ > inflated_unquestioned && out_total_ / in_total_ > inflated_ratio_max) {
      throw Bad{1, 1,
                fmt::format("grows more than {} times when unpacked: no log, a gzip bomb",
                            inflated_ratio_max)};
    }
    return got;
  }

 private:
  void step() {
    if (state_.avail_in == 0 && !refill()) {
      if (between_members_) {
        ended_ = true;
        return;
      }
      throw Bad{1, 1, "the gzip data end too early: the file is truncated"};
    }
    if (between_members_) {
      // Padding after the last member is zeros; inflate tells whatever else is not gzip.
      if (*state_.next_in == 0) {
        ++state_.next_in;
        --state_.avail_in;
        return;
      }
      inflateReset(&state_);
      between_members_ = false;
    }
    const int code = inflate(&state_, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      between_members_ = true;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      throw Bad{1, 1,
                fmt::format("the gzip data are damaged: {}",
                            state_.msg != nullptr ? state_.msg : "not in gzip's format")};
    }
  }

  bool refill() {
    const std::size_t got = packed_->read(in_.data(), in_.size());
    in_total_ += got;
    state_.next_in = reinterpret_cast<Bytef*>(in_.data());
    state_.avail_in = static_cast<uInt>(got);
    return got > 0;
  }

  std::unique_ptr<Source> packed_;
  std::vector<char> in_;
  z_stream state_{};
  std::uint64_t in_total_ = 0, out_total_ = 0;
  bool between_members_ = false, ended_ = false;
};

struct Magic {
  std::string_view starts, name;
};
constexpr Magic not_read[] = {{"\x28\xb5\x2f\xfd", "zstd-compressed"},
                              {"BZh", "bzip2-compressed"},
                              {"\xfd"
                               "7zXZ",
                               "xz-compressed"},
                              {"PK\x03\x04", "a zip archive"},
                              {"PAR1", "a Parquet file"},
                              {"\x89HDF", "an HDF5 file"},
                              {"%PDF", "a PDF"}};

// The first bytes, which are taken from the source; none of a file that is not read.
std::string readable_start(Source& source) {
  std::string start(8, '\0');
  std::size_t got = 0;
  while (got < start.size()) {
    const std::size_t more = source.read(start.data() + got, start.size() - got);
    if (more == 0) break;
    got += more;
  }
  start.resize(got);
  for (const Magic& magic : not_read) {
    if (start.starts_with(magic.starts)) {
      throw Bad{1, 1, fmt::format("is {}; plain text and gzip are read", magic.name)};
    }
  }
  return start;
}

std::unique_ptr<Source> unpacked(std::unique_ptr<Source> source) {
  std::string start = readable_start(*source);
  const bool gzip = start.starts_with("\x1f\x8b");
  auto whole = std::make_unique<Resumed>(std::move(start), std::move(source));
  if (!gzip) return whole;
  auto text = std::make_unique<Gzip>(std::move(whole));
  start = readable_start(*text);
  return std::make_unique<Resumed>(std::move(start), std::move(text));
}

}  // namespace

std::unique_ptr<Source> open_file(const std::string& path) {
  return unpacked(std::make_unique<File>(path));
}

std::unique_ptr<Source> open_bytes(std::string_view bytes) {
  return unpacked(std::make_unique<Memory>(bytes));
}

}  // namespace windtunnel::traces
