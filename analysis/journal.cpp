#include "analysis/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/crc.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <string_view>

namespace windtunnel::analysis {
namespace {

// The last digit is the version of this layout.
constexpr std::string_view magic = "windtunnel journal 1\n";

std::uint32_t checksum(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

void append_number(std::string& bytes, std::uint32_t number) {
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(number >> shift & 0xff);
}

std::uint32_t take_number(std::string_view& bytes) {
  std::uint32_t number = 0;
  for (int i = 3; i >= 0; --i) {
    number = number << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  }
  bytes.remove_prefix(4);
  return number;
}

// Takes the next frame's message; nullopt, and nothing taken, if it isn't intact.
std::optional<std::string_view> take_frame(std::string_view& bytes) {
  std::string_view rest = bytes;
  if (rest.size() < 8) return std::nullopt;
  const std::uint32_t length = take_number(rest), crc = take_number(rest);
  if (rest.size() < length || checksum(rest.substr(0, length)) != crc) return std::nullopt;
  bytes = rest.substr(length);
  return rest.substr(0, length);
}

template <typename Message>
bool parse(std::string_view bytes, Message& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

struct Intact {
  JournalContents contents;
  std::size_t bytes;  // from the start of the file
};

// nullopt if not even the header is intact.
std::optional<Intact> intact_part(std::string_view bytes) {
  Intact intact;
  std::string_view rest = bytes;
  if (!rest.starts_with(magic)) return std::nullopt;
  rest.remove_prefix(magic.size());
  const auto header = take_frame(rest);
  if (!header || !parse(*header, intact.contents.header)) return std::nullopt;
  std::size_t left = rest.size();
  std::set<std::uint32_t> seen;
  for (;; left = rest.size()) {
    const auto frame = take_frame(rest);
    ReplicationRecord record;
    if (!frame || !parse(*frame, record)) break;
    if (seen.insert(record.replication()).second) {
      intact.contents.records.push_back(std::move(record));
    }
  }
  intact.contents.torn = left > 0;
  intact.bytes = bytes.size() - left;
  return intact;
}

// Empty: both are the same experiment.
std::string difference(const ExperimentHeader& old, const ExperimentHeader& now) {
  if (old.input_hash() != now.input_hash()) return "its input was another one";
  if (old.seed() != now.seed()) {
    return fmt::format("its seed was {}, not {}", old.seed(), now.seed());
  }
  if (old.program_version() != now.program_version()) {
    return fmt::format("version {} of windtunnel wrote it, this is {}", old.program_version(),
                       now.program_version());
  }
  return {};
}

}  // namespace

JournalContents read_journal(const std::string& path) {
  auto intact = intact_part(File(path, O_RDONLY).read_all());
  if (!intact)
    throw WrongFile(path + ":1:1: is not a journal of windtunnel, or its header is damaged");
  return std::move(intact->contents);
}

// fcntl(2)'s lock belongs to the process: children don't inherit it, and it ends with a kill -9.
Journal::Journal(const std::string& path) : file_(path, O_RDWR | O_CREAT) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file_.descriptor(), F_SETLK, &lock) == 0) return;
  if (errno == EAGAIN || errno == EACCES) {
    throw FileError(path + ":1:1: is being written by another windtunnel");
  }
  file_.fail("can't be locked");
}

Journal Journal::begin(const std::string& path, const ExperimentHeader& header) {
  Journal journal(path);
  journal.restart(header);
  return journal;
}

Journal Journal::resume(const std::string& path, const ExperimentHeader& header,
                        std::vector<ReplicationRecord>& done) {
  Journal journal(path);
  const std::string bytes = journal.file_.read_all();
  auto intact = intact_part(bytes);
  if (!intact) {
    // A journal cut off within its first bytes may be begun again; a file of someone else may not
    // be overwritten.
    const std::string_view start = std::string_view(bytes).substr(0, magic.size());
    if (!magic.starts_with(start)) throw WrongFile(path + ":1:1: is not a journal of windtunnel");
    journal.restart(header);
    return journal;
  }
  if (const auto why = difference(intact->contents.header, header); !why.empty()) {
    throw WrongFile(fmt::format("{}:1:1: can't be resumed: {}", path, why));
  }
  journal.file_.cut(intact->bytes);
  for (auto& record : intact->contents.records) {
    if (record.replication() < header.replications()) done.push_back(std::move(record));
  }
  return journal;
}

void Journal::restart(const ExperimentHeader& header) {
  file_.cut(0);
  file_.write(magic);
  append_frame(header);
  sync_directory_of(file_.path());
}

void Journal::append(const ReplicationRecord& record) { append_frame(record); }

void Journal::append_frame(const google::protobuf::MessageLite& message) {
  const std::string bytes = message.SerializeAsString();
  std::string frame;
  frame.reserve(bytes.size() + 8);
  append_number(frame, static_cast<std::uint32_t>(bytes.size()));
  append_number(frame, checksum(bytes));
  file_.write(frame + bytes);
  file_.sync();
}

void Journal::remove() {
  if (::unlink(file_.path().c_str()) != 0) file_.fail("can't be removed");
}

}  // namespace windtunnel::analysis
