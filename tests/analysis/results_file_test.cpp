#include "analysis/results_file.hpp"

#include <H5Cpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5_hl.h>

#include <fstream>

#include "tests/analysis/messages.hpp"
#include "tests/analysis/samples.hpp"

namespace windtunnel::analysis {
namespace {

using namespace samples;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

Results results(std::uint32_t replications = 3) {
  Results results{header(), {}};
  for (std::uint32_t i = 0; i < replications; ++i) results.records.push_back(record(i));
  return results;
}

std::string refusal(const std::string& path) {
  ::testing::internal::CaptureStderr();
  std::string message;
  try {
    read_results(path);
  } catch (const FileError& error) {
    message = error.what();
  }
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), IsEmpty());  // no stack of HDF5's
  return message;
}

class ResultsFileTest : public ::testing::Test {
 protected:
  Directory directory_;
  std::string path_ = directory_ / "out.h5";
};

TEST_F(ResultsFileTest, GivesBackWhatWasWritten) {
  auto written = results();
  // A replication that differs in what it has: censored, other metrics, no events.
  auto& other = written.records[1];
  other.mutable_measures()->clear_rto();
  other.mutable_measures()->set_rto_censored(true);
  other.mutable_measures()->clear_availability();
  other.clear_events();
  other.mutable_metrics()->RemoveLast();
  written.header.mutable_service_level()->set_p99(1);
  write_results(path_, written);
  const auto read = read_results(path_);
  EXPECT_EQ(difference(read.header, written.header), "");
  ASSERT_EQ(read.records.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(difference(read.records[i], written.records[i]), "") << i;
  }
}

TEST_F(ResultsFileTest, HoldsAnExperimentWithoutReplications) {
  write_results(path_, results(0));
  EXPECT_TRUE(read_results(path_).records.empty());
}

TEST_F(ResultsFileTest, EveryAxisHasItsScaleAndEveryNumberItsUnit) {
  write_results(path_, results());
  const H5::H5File file(path_, H5F_ACC_RDONLY);
  const H5::DataSet windows = file.openDataSet("windows/arrived");
  EXPECT_EQ(H5DSget_num_scales(windows.getId(), 0), 1);
  EXPECT_EQ(H5DSget_num_scales(windows.getId(), 1), 1);
  EXPECT_GT(H5DSis_scale(file.openDataSet("windows/window").getId()), 0);
  EXPECT_EQ(H5DSget_num_scales(file.openDataSet("measures/rto").getId(), 0), 1);
  const auto text = [](const H5::H5Object& object, const char* name) {
    const H5::Attribute attribute = object.openAttribute(name);
    H5std_string value;
    value.resize(attribute.getStrType().getSize());
    attribute.read(attribute.getStrType(), value.data());
    return value;
  };
  EXPECT_EQ(text(file.openDataSet("measures/rto"), "units"), "nanoseconds");
  EXPECT_EQ(text(file.openDataSet("summary/rto"), "units"), "seconds");
  EXPECT_EQ(text(file.openDataSet("components/web-alb/RequestCount.sum"), "long_name"),
            "what it counts");
  EXPECT_EQ(text(file.openGroup("experiment"), "question"), header().question());
}

TEST_F(ResultsFileTest, ACensoredReplicationIsNaNInTheSummary) {
  auto written = results();
  written.records[1].mutable_measures()->clear_rto();
  written.records[1].mutable_measures()->set_rto_censored(true);
  write_results(path_, written);
  const H5::H5File file(path_, H5F_ACC_RDONLY);
  double rto[3];
  file.openDataSet("summary/rto").read(rto, H5::PredType::NATIVE_DOUBLE);
  EXPECT_EQ(rto[0], 134);
  EXPECT_TRUE(std::isnan(rto[1]));
}

TEST_F(ResultsFileTest, ALongInputTextFits) {
  auto written = results(1);
  written.header.set_input_text(std::string(300'000, 'x'));
  write_results(path_, written);
  EXPECT_EQ(read_results(path_).header.input_text().size(), 300'000u);
}

TEST_F(ResultsFileTest, ReplacesAnOldFileAndLeavesNothingElse) {
  write_results(path_, results(1));
  write_results(path_, results(2));
  EXPECT_EQ(read_results(path_).records.size(), 2u);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(directory_.path())) {
    ++files;
  }
  EXPECT_EQ(files, 1u);
}

TEST_F(ResultsFileTest, KeepsTheOldFileIfTheNewOneCannotBeWritten) {
  write_results(path_, results(1));
  const std::string before = bytes_of(path_);
  // Its temporary name is taken by a directory.
  std::filesystem::create_directory(path_ + ".tmp." + std::to_string(::getpid()));
  EXPECT_THROW(write_results(path_, results(2)), FileError);
  EXPECT_EQ(bytes_of(path_), before);
}

TEST_F(ResultsFileTest, SaysWhatIsWrongWithAFile) {
  EXPECT_THAT(refusal(path_), HasSubstr("no such file"));
  write_bytes(path_, "experiment: az_loss_web\n");
  EXPECT_THAT(refusal(path_), HasSubstr("is not a results file"));
  write_bytes(path_, "");
  EXPECT_THAT(refusal(path_), HasSubstr("is not a results file"));
  EXPECT_THAT(refusal(directory_.path().string()), HasSubstr("is not a results file"));
  { const H5::H5File empty(path_, H5F_ACC_TRUNC); }
  EXPECT_THAT(refusal(path_), HasSubstr("not one of windtunnel's"));
  write_results(path_, results());
  {
    H5::H5File file(path_, H5F_ACC_RDWR);
    const std::uint64_t layout = 99;
    file.openGroup("/").openAttribute("layout").write(H5::PredType::NATIVE_UINT64, &layout);
  }
  EXPECT_THAT(refusal(path_), HasSubstr("has layout 99"));
  write_results(path_, results());
  H5::H5File(path_, H5F_ACC_RDWR).unlink("measures");
  EXPECT_THAT(refusal(path_), HasSubstr("is damaged or incomplete"));
}

TEST_F(ResultsFileTest, OfAnEarlierVersionLacksWhatWasAddedSinceAndIsReadAllTheSame) {
  const auto written = results();
  write_results(path_, written);
  H5::H5File(path_, H5F_ACC_RDWR).unlink("throttling");
  H5::H5File(path_, H5F_ACC_RDWR).unlink("measures/throttled_share");
  const auto read = read_results(path_);
  EXPECT_EQ(read.records.size(), written.records.size());
  EXPECT_EQ(read.records[0].measures().rto(), written.records[0].measures().rto());
  EXPECT_FALSE(read.records[0].measures().has_throttled_share());
}

TEST_F(ResultsFileTest, ACutFileIsRefusedWherever) {
  write_results(path_, results());
  const std::string all = bytes_of(path_);
  for (std::size_t length = 0; length < all.size(); length += all.size() / 97) {
    write_bytes(path_, all.substr(0, length));
    ASSERT_NE(refusal(path_), "") << length;
  }
}

TEST_F(ResultsFileTest, AFlippedByteIsRefusedOrHarmless) {
  write_results(path_, results());
  const std::string all = bytes_of(path_);
  int refused = 0;
  for (std::size_t position = 0; position < all.size(); position += 599) {
    std::string damaged = all;
    damaged[position] = static_cast<char>(damaged[position] ^ 0x55);
    write_bytes(path_, damaged);
    refused += !refusal(path_).empty();
  }
  EXPECT_GT(refused, 20);
}

}  // namespace
}  // namespace windtunnel::analysis
