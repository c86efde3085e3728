#include "analysis/journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <fstream>

#include "tests/analysis/messages.hpp"
#include "tests/analysis/samples.hpp"

namespace windtunnel::analysis {
namespace {

using namespace samples;
using ::testing::HasSubstr;

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// The message of the FileError that an action throws; empty if it throws none.
template <typename Action>
std::string refusal(Action action) {
  try {
    action();
  } catch (const FileError& error) {
    return error.what();
  }
  return {};
}

class JournalTest : public ::testing::Test {
 protected:
  void write(std::uint32_t replications) {
    Journal journal = Journal::begin(path_, header());
    for (std::uint32_t i = 0; i < replications; ++i) journal.append(record(i));
  }
  Directory directory_;
  std::string path_ = directory_ / "out.journal";
};

TEST_F(JournalTest, GivesBackWhatWasAppended) {
  write(3);
  const auto contents = read_journal(path_);
  EXPECT_EQ(difference(contents.header, header()), "");
  ASSERT_EQ(contents.records.size(), 3u);
  EXPECT_EQ(difference(contents.records[2], record(2)), "");
  EXPECT_FALSE(contents.torn);
}

TEST_F(JournalTest, CutAtAnyByteKeepsTheWholeRecordsBeforeIt) {
  write(0);
  const std::size_t header_end = bytes_of(path_).size();
  write(1);
  const std::size_t first_end = bytes_of(path_).size();
  write(2);
  const std::string all = bytes_of(path_);
  for (std::size_t length = 0; length < all.size(); ++length) {
    write_bytes(path_, all.substr(0, length));
    if (length < header_end) {
      EXPECT_THAT(refusal([&] { read_journal(path_); }), HasSubstr("header is damaged"));
      continue;
    }
    const auto contents = read_journal(path_);
    ASSERT_EQ(contents.records.size(), length < first_end ? 0u : 1u) << length;
    EXPECT_EQ(contents.torn, length != header_end && length != first_end) << length;
  }
}

TEST_F(JournalTest, CutAtAnyByteCanBeResumed) {
  write(2);
  const std::string all = bytes_of(path_);
  for (std::size_t length = 0; length < all.size(); length += 7) {
    write_bytes(path_, all.substr(0, length));
    std::vector<ReplicationRecord> done;
    {
      Journal journal = Journal::resume(path_, header(), done);
      for (auto i = static_cast<std::uint32_t>(done.size()); i < 2; ++i) journal.append(record(i));
    }
    ASSERT_EQ(bytes_of(path_), all) << length;
  }
}

TEST_F(JournalTest, FlippedBitsAreFound) {
  write(0);
  const std::size_t header_end = bytes_of(path_).size();
  write(2);
  const std::string all = bytes_of(path_);
  for (std::size_t position = header_end; position < all.size(); ++position) {
    std::string damaged = all;
    damaged[position] = static_cast<char>(damaged[position] ^ 0x10);
    write_bytes(path_, damaged);
    const auto contents = read_journal(path_);
    ASSERT_LT(contents.records.size(), 2u) << position;
    ASSERT_TRUE(contents.torn) << position;
  }
}

TEST_F(JournalTest, AnotherInputSeedOrVersionIsRefused) {
  write(1);
  const auto refusal_of = [&](const ExperimentHeader& other) {
    std::vector<ReplicationRecord> done;
    return refusal([&] { Journal::resume(path_, other, done); });
  };
  auto other = header();
  other.set_seed(2);
  EXPECT_THAT(refusal_of(other), HasSubstr("its seed was 1, not 2"));
  other = header();
  other.set_input_hash(1);
  EXPECT_THAT(refusal_of(other), HasSubstr("its input was another one"));
  other = header();
  other.set_program_version("9");
  EXPECT_THAT(refusal_of(other), HasSubstr("version 0.1.0"));
  EXPECT_EQ(read_journal(path_).records.size(), 1u);  // it is as it was
}

TEST_F(JournalTest, MoreReplicationsMayBeAskedForOrFewer) {
  write(3);
  auto other = header();
  std::vector<ReplicationRecord> done;
  other.set_replications(100);
  Journal::resume(path_, other, done);
  EXPECT_EQ(done.size(), 3u);
  done.clear();
  other.set_replications(2);
  Journal::resume(path_, other, done);
  EXPECT_EQ(done.size(), 2u);
}

TEST_F(JournalTest, WithoutAJournalResumeBeginsOne) {
  std::vector<ReplicationRecord> done;
  Journal::resume(path_, header(), done).append(record(0));
  EXPECT_TRUE(done.empty());
  EXPECT_EQ(read_journal(path_).records.size(), 1u);
}

TEST_F(JournalTest, SomeoneElsesFileIsNeitherReadNorOverwritten) {
  write_bytes(path_, "dear diary");
  std::vector<ReplicationRecord> done;
  EXPECT_THAT(refusal([&] { Journal::resume(path_, header(), done); }),
              HasSubstr("not a journal of windtunnel"));
  EXPECT_EQ(bytes_of(path_), "dear diary");
  EXPECT_THAT(refusal([&] { read_journal(path_); }), HasSubstr("not a journal of windtunnel"));
}

TEST_F(JournalTest, AMissingFileIsNamed) {
  EXPECT_THAT(refusal([&] { read_journal(path_); }), HasSubstr(path_));
}

TEST_F(JournalTest, ASecondWriterIsRefused) {
  const Journal journal = Journal::begin(path_, header());
  const pid_t other = ::fork();
  if (other == 0) {
    const auto why = refusal([&] { Journal::begin(path_, header()); });
    ::_exit(why.find("another windtunnel") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  ::waitpid(other, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace windtunnel::analysis
