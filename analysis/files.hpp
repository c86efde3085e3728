// Files that survive a crash: what journal and results file share.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace windtunnel::analysis {

// A file that can't be read or written; what() is a message for the user, "path:1:1: ...".
struct FileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The user's file is the trouble: missing, damaged, of another kind or of another experiment.
struct WrongFile : FileError {
  using FileError::FileError;
};

// An open file descriptor, closed at the end.
class File {
 public:
  // As open(2), closed on exec; throws FileError.
  File(std::string path, int flags);
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&&) = delete;

  const std::string& path() const { return path_; }
  int descriptor() const { return descriptor_; }
  void write(std::string_view bytes);
  std::string read_all();
  // Cuts the file behind `length` bytes and goes there.
  void cut(std::size_t length);
  // fdatasync(2).
  void sync();
  // Throws FileError for what errno says, e.g. fail("can't be written").
  [[noreturn]] void fail(std::string_view what) const;

 private:
  std::string path_;
  int descriptor_;
};

// A name made, renamed or removed in the directory of `path` is on the disk after this.
void sync_directory_of(const std::string& path);

// Renames a complete file into place: after a crash there is the old one or the new one, never a
// part.
void publish(const std::string& temporary, const std::string& path);

}  // namespace windtunnel::analysis
