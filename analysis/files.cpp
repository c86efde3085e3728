#include "analysis/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace windtunnel::analysis {

File::File(std::string path, int flags)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), flags | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) fail("can't be opened");
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

File::File(File&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

void File::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("can't be written");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string File::read_all() {
  std::string bytes;
  std::array<char, 1 << 16> piece;
  for (;;) {
    const ssize_t got = ::read(descriptor_, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("can't be read");
    if (got == 0) return bytes;
    bytes.append(piece.data(), static_cast<std::size_t>(got));
  }
}

void File::cut(std::size_t length) {
  const auto end = static_cast<off_t>(length);
  if (::ftruncate(descriptor_, end) != 0 || ::lseek(descriptor_, end, SEEK_SET) != end) {
    fail("can't be cut");
  }
}

void File::sync() {
  if (::fdatasync(descriptor_) != 0) fail("can't be synced");
}

void File::fail(std::string_view what) const {
  throw FileError(fmt::format("{}:1:1: {}: {}", path_, what, std::strerror(errno)));
}

void sync_directory_of(const std::string& path) {
  const auto directory = std::filesystem::path(path).parent_path();
  const File opened(directory.empty() ? "." : directory.string(), O_RDONLY | O_DIRECTORY);
  // Some file systems can't sync a directory; they have no better promise to give.
  if (::fsync(opened.descriptor()) != 0 && errno != EINVAL) opened.fail("can't be synced");
}

void publish(const std::string& temporary, const std::string& path) {
  File file(temporary, O_RDWR);
  file.sync();
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    throw FileError(fmt::format("{}:1:1: can't be replaced: {}", path, std::strerror(errno)));
  }
  sync_directory_of(path);
}

}  // namespace windtunnel::analysis
