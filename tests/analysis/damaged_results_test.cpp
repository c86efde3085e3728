// Of a damaged results file what can be read is read, and what a file holds can be looked at.
#include <H5Cpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "analysis/browser.hpp"
#include "analysis/results_file.hpp"
#include "tests/analysis/messages.hpp"
#include "tests/analysis/samples.hpp"

namespace windtunnel::analysis {
namespace {

using namespace samples;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// With series, histograms and a request's life, of the first two of three replications.
Results results() {
  Results results{header(), {}};
  auto& recording = *results.header.mutable_recording();
  recording.set_level("requests");
  recording.set_interval(600'000'000'000);  // six intervals in the hour
  auto& published = *results.header.add_published();
  published.set_component("web-alb");
  published.set_metric("RequestCount");
  published.set_namespace_("AWS/ApplicationELB");
  published.set_dimensions("LoadBalancer=web-alb");
  for (std::uint32_t i = 0; i < 3; ++i) {
    auto& one = results.records.emplace_back(record(i));
    if (i == 2) continue;
    for (const char* component : {"web-alb", ""}) {
      auto& series = *one.add_series();
      series.set_component(component);
      series.set_metric("RequestCount");
      series.set_statistic("Sum");
      series.set_unit("Count");
      series.set_sentence("requests, one by one");
      for (const float value : {4000.0f, 0.5f, static_cast<float>(i)}) series.add_values(value);
    }
    auto& bins = *one.add_histograms();
    bins.set_component("web-alb");
    bins.set_metric("TargetResponseTime");
    bins.set_sentence("how long");
    bins.set_first(70 + i);
    for (const std::uint64_t n : {1u, 0u, 5u}) bins.add_counts(n);
    auto& span = *one.add_request_calls();
    span.set_client("users");
    span.set_request(1000);
    span.set_call(1);
    span.set_opened(17);
    span.set_outcome("ok");
  }
  return results;
}

class DamagedResults : public ::testing::Test {
 protected:
  Directory directory_;
  std::string path_ = directory_ / "out.h5";
  std::vector<std::string> lost_;
};

TEST_F(DamagedResults, AWholeFileGivesBackSeriesHistogramsAndLives) {
  const Results written = results();
  write_results(path_, written);
  const Results read = read_results(path_);
  EXPECT_EQ(difference(read.header, written.header), "");
  ASSERT_EQ(read.records.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(difference(read.records[i], written.records[i]), "") << i;
  }
}

TEST_F(DamagedResults, WhatIsGoneIsNamedAndTheRestIsRead) {
  write_results(path_, results());
  H5::H5File(path_, H5F_ACC_RDWR).unlink("measures");
  EXPECT_THROW(read_results(path_), DamagedFile);
  const Results read = salvage_results(path_, lost_);
  EXPECT_THAT(lost_, ElementsAre("measures"));
  EXPECT_EQ(read.records.size(), 3u);
  EXPECT_EQ(read.records[0].events_size(), 1);
  EXPECT_EQ(read.records[0].series_size(), 2);
  EXPECT_FALSE(read.records[0].measures().has_rto());
}

TEST_F(DamagedResults, AFileThatLostItsEndIsReadUpToThere) {
  write_results(path_, results());
  const std::string all = bytes_of(path_);
  int read = 0;
  for (int percent = 30; percent < 100; percent += 5) {
    write_bytes(path_, all.substr(0, all.size() * static_cast<std::size_t>(percent) / 100));
    EXPECT_THROW(read_results(path_), DamagedFile) << percent;
    std::vector<std::string> lost;
    try {
      const Results left = salvage_results(path_, lost);
      ++read;
      EXPECT_THAT(lost, Contains("its end")) << percent;
      EXPECT_EQ(left.header.seed(), 1u);
      EXPECT_EQ(left.records.size(), 3u);
    } catch (const DamagedFile&) {  // not even the experiment is left
    }
  }
  EXPECT_GT(read, 3);
  EXPECT_EQ(bytes_of(path_).size(), all.size() * 95 / 100);  // the user's file is left alone
}

TEST_F(DamagedResults, AFlippedByteLosesAtMostItsPart) {
  write_results(path_, results());
  const std::string all = bytes_of(path_);
  int salvaged = 0;
  for (std::size_t position = 1000; position < all.size(); position += 1499) {
    std::string damaged = all;
    damaged[position] = static_cast<char>(damaged[position] ^ 0x55);
    write_bytes(path_, damaged);
    std::vector<std::string> lost;
    try {
      salvaged += salvage_results(path_, lost).records.size() == 3 && !lost.empty();
    } catch (const WrongFile&) {
    }
  }
  EXPECT_GT(salvaged, 5);
}

TEST_F(DamagedResults, ASeriesKnowsItsNamesInCloudWatchAndOnlyWhatWasRecorded) {
  write_results(path_, results());
  EXPECT_THAT(browse(path_, "/series/web-alb/RequestCount.Sum"),
              AllOf(StartsWith("RequestCount.Sum  2 x 6\n"), HasSubstr("AWS/ApplicationELB"),
                    HasSubstr("LoadBalancer=web-alb"), HasSubstr("statistic        Sum"),
                    HasSubstr("replication 1")));
}

TEST_F(DamagedResults, APathShowsItsMembersOrItsValues) {
  write_results(path_, results());
  EXPECT_THAT(browse(path_, "/"), AllOf(HasSubstr("experiment/"), HasSubstr("series/"),
                                        HasSubstr("windtunnel results")));
  EXPECT_THAT(browse(path_, "measures"), HasSubstr("recovery time"));
  EXPECT_THAT(browse(path_, "measures/rto"), HasSubstr("2 min 14 s"));
  EXPECT_THAT(browse(path_, "milestones/at"), HasSubstr("10:00.1"));
  EXPECT_THAT(browse(path_, "/experiment/input_text"), HasSubstr("größer als 7 bit"));
}

TEST_F(DamagedResults, AnUnknownPathIsRefusedWithWhatThereIs) {
  write_results(path_, results());
  try {
    browse(path_, "series/web");
    FAIL() << "it was shown";
  } catch (const WrongFile& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("there is no series/web"), HasSubstr("web-alb")));
  }
}

TEST_F(DamagedResults, FilesOfOthersAreShownAsFarAsTheyCanBeUnderstood) {
  {
    H5::H5File file(path_, H5F_ACC_TRUNC);
    H5::Group group = file.createGroup("other");
    const hsize_t two = 2;
    const double values[] = {1.5, 2.5};
    group.createDataSet("x", H5::PredType::NATIVE_DOUBLE, H5::DataSpace(1, &two))
        .write(values, H5::PredType::NATIVE_DOUBLE);
  }
  EXPECT_THAT(browse(path_, "/"), HasSubstr("other/"));
  EXPECT_THAT(browse(path_, "other/x"), HasSubstr("2.5"));
  EXPECT_THROW(salvage_results(path_, lost_), WrongFile);
}

TEST_F(DamagedResults, EveryGroupBecomesATidyTable) {
  write_results(path_, results());
  const auto written = export_csv(path_, directory_ / "csv");
  EXPECT_THAT(written, Contains(directory_ / "csv/series/web-alb.csv"));
  EXPECT_THAT(
      bytes_of(directory_ / "csv/series/web-alb.csv"),
      StartsWith("replication,time_seconds,RequestCount.Sum\n0,0,4000\n0,600,0.5\n0,1200,0\n"));
  EXPECT_THAT(bytes_of(directory_ / "csv/measures.csv"), HasSubstr("rto_seconds"));
  EXPECT_THAT(bytes_of(directory_ / "csv/experiment.csv"),
              AllOf(StartsWith("name,value\n"), HasSubstr("question,How long are users hurt?\n")));
}

TEST_F(DamagedResults, ATextWithQuotesAndLinesStaysOneCell) {
  Results with = results();
  with.records[0].mutable_events(0)->set_text("says \"no\",\nand goes");
  write_results(path_, with);
  export_csv(path_, directory_ / "csv");
  EXPECT_THAT(bytes_of(directory_ / "csv/events.csv"),
              HasSubstr("\"says \"\"no\"\",\nand goes\"\n"));
}

TEST_F(DamagedResults, ANameInTheFileDoesNotLeadOutOfTheFolder) {
  Results with = results();
  for (auto& record : with.records) {
    for (auto& metric : *record.mutable_metrics()) metric.set_component("../../escaped");
  }
  write_results(path_, with);
  for (const std::string& file : export_csv(path_, directory_ / "csv")) {
    EXPECT_THAT(file, AllOf(StartsWith(directory_ / "csv/"), Not(HasSubstr("/../"))));
  }
}

}  // namespace
}  // namespace windtunnel::analysis
