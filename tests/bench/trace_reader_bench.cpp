// How fast recorded load is read in processor time, each format beside `wc -l` on the same file in
// the same run: 200 MB a file in the machine's cache, rows to the end, one core. Exit status 1 if
// log text is read at less than 200 MB/s.
//   read     the reader alone: every row with its date, times, statuses and path
//   replay   cut, classed by path and put in order: what a run streams
//   wc       wc -l, its own processor time
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "models/traces/cut.hpp"
#include "sim/random.hpp"

namespace windtunnel::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t file_bytes = 200u << 20;

std::string stamp(long long us) {
  char text[40];
  std::snprintf(text, sizeof text, "2020-01-%02lldT%02lld:%02lld:%02lld.%06lldZ",
                1 + us / 86'400'000'000, us / 3'600'000'000 % 24, us / 60'000'000 % 60,
                us / 1'000'000 % 60, us % 1'000'000);
  return text;
}

std::string elb_line(sim::Stream& chance, long long us) {
  char line[900];
  const std::string at = stamp(us);
  std::snprintf(
      line, sizeof line,
      "https %s app/my-loadbalancer/50dc6c495c0c9188 192.168.%u.%u:%u 10.0.%u.66:80 0.000 0.%03u "
      "0.000 "
      "200 200 %u %u \"GET https://www.example.com:443/api/v1/items/%u?page=%u HTTP/1.1\" "
      "\"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36\" "
      "ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 "
      "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "
      "\"Root=1-58337327-72bd00b0343d75b906739c42\" \"www.example.com\" \"arn:aws:acm:x\" 0 %s "
      "\"forward\" \"-\" \"-\" \"10.0.0.66:80\" \"200\" \"-\" \"-\"\n",
      at.c_str(), chance.below(256), chance.below(256), 1024 + chance.below(60000), chance.below(4),
      chance.below(400), 100 + chance.below(900), chance.below(100'000), chance.below(50'000),
      chance.below(9), at.c_str());
  return line;
}

std::string web_line(sim::Stream& chance, long long us) {
  char line[600];
  std::snprintf(
      line, sizeof line,
      "192.168.%u.%u - - [17/May/2015:%02lld:%02lld:%02lld +0000] \"GET /presentations/%u/"
      "images/kibana.png HTTP/1.1\" 200 %u \"http://semicomplete.com/presentations/\" "
      "\"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36\"\n",
      chance.below(256), chance.below(256), us / 3'600'000'000 % 24, us / 60'000'000 % 60,
      us / 1'000'000 % 60, chance.below(1000), chance.below(99999));
  return line;
}

std::string count_line(sim::Stream& chance, long long us) {
  char line[60];
  std::snprintf(line, sizeof line, "%lld,%u\n", 1'000'000'000 + us / 1000, chance.below(10'000));
  return line;
}

std::string k6_line(sim::Stream& chance, long long us) {
  char line[500];
  std::snprintf(
      line, sizeof line,
      "{\"metric\":\"http_req_duration\",\"type\":\"Point\",\"data\":{\"time\":\"%s\",\"value\":"
      "%u.5,\"tags\":{\"method\":\"GET\",\"name\":\"https://a.test/x\",\"proto\":\"HTTP/1.1\","
      "\"status\":\"200\",\"url\":\"https://a.test/x/%u\"}}}\n",
      stamp(us).c_str(), chance.below(400), chance.below(1000));
  return line;
}

using Line = std::string (*)(sim::Stream&, long long);

fs::path path_of(const std::string& name) {
  return fs::temp_directory_path() / ("windtunnel_bench_" + std::to_string(getpid()) + "_" + name);
}

std::string file_of(const std::string& name, Line line) {
  const fs::path path = path_of(name);
  if (fs::exists(path)) return path;
  std::ofstream out(path, std::ios::binary);
  sim::Stream chance(1);
  std::size_t written = 0;
  for (long long us = 0; written < file_bytes; us += 1000) {
    const std::string text = line(chance, us);
    written += text.size();
    out << text;
  }
  return path;
}

struct Kind {
  const char* name;
  Line line;
  bool is_log;
};
constexpr Kind kinds[] = {{"elb_log", elb_line, true},
                          {"web_log", web_line, true},
                          {"k6_json", k6_line, false},
                          {"rate_csv", count_line, false}};

void count_bytes(benchmark::State& state, const std::string& file) {
  state.SetBytesProcessed(static_cast<std::int64_t>(fs::file_size(file)) * state.iterations());
}

void read(benchmark::State& state, const Kind& kind) {
  const std::string file = file_of(kind.name, kind.line);
  for (auto _ : state) {
    const auto opened = traces::open_trace(traces::open_file(file));
    if (opened.format->name != std::string(kind.name)) std::abort();
    double requests = 0;
    for (traces::Row row; opened.reader->next(row);) requests += row.count;
    benchmark::DoNotOptimize(requests);
  }
  count_bytes(state, file);
}

void replay(benchmark::State& state, const Kind& kind) {
  const std::string file = file_of(kind.name, kind.line);
  traces::Cut cut;
  cut.file = file;
  cut.paths = {"/img/*", "/api/*", "*.png"};
  for (auto _ : state) {
    const auto opened = traces::open_cut(cut, sim::Stream(1));
    std::int64_t classes = 0;
    for (traces::Request request; opened.requests->next(request);) classes += request.path_class;
    benchmark::DoNotOptimize(classes);
  }
  count_bytes(state, file);
}

double children_seconds() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

void wc(benchmark::State& state, const Kind& kind) {
  const std::string file = file_of(kind.name, kind.line);
  const std::string command = "wc -l '" + file + "' >/dev/null";
  for (auto _ : state) {
    const double before = children_seconds();
    if (std::system(command.c_str()) != 0) std::abort();
    state.SetIterationTime(children_seconds() - before);
  }
  count_bytes(state, file);
}

// MB/s by name, as told at the end.
class Reporter final : public benchmark::ConsoleReporter {
 public:
  Reporter() : ConsoleReporter(OO_Tabular) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const auto bytes = run.counters.find("bytes_per_second");
      if (bytes != run.counters.end()) speeds[run.run_name.function_name] = bytes->second / 1e6;
    }
    ConsoleReporter::ReportRuns(runs);
  }
  std::map<std::string, double> speeds;
};

int tell(std::map<std::string, double>& speeds) {
  int code = 0;
  for (const Kind& kind : kinds) {
    const std::string name = kind.name;
    if (!speeds.contains("read/" + name)) continue;
    std::printf("%-9s %6.0f MB/s read", kind.name, speeds["read/" + name]);
    if (kind.is_log) std::printf(", %6.0f MB/s replayed", speeds["replay/" + name]);
    std::printf(", wc -l %6.0f MB/s: ratio %.2f\n", speeds["wc/" + name],
                speeds["read/" + name] / speeds["wc/" + name]);
    if (kind.is_log && speeds["read/" + name] < 200) code = 1;
  }
  return code;
}

}  // namespace
}  // namespace windtunnel::bench

int main(int argc, char** argv) {
  using namespace windtunnel::bench;
  for (const Kind& kind : kinds) {
    const std::string name = kind.name;
    benchmark::RegisterBenchmark(("read/" + name).c_str(),
                                 [&kind](benchmark::State& s) { read(s, kind); });
    if (kind.is_log) {
      benchmark::RegisterBenchmark(("replay/" + name).c_str(),
                                   [&kind](benchmark::State& s) { replay(s, kind); });
    }
    benchmark::RegisterBenchmark(("wc/" + name).c_str(), [&kind](benchmark::State& s) {
      wc(s, kind);
    })->UseManualTime();
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  for (const Kind& kind : kinds) fs::remove(path_of(kind.name));
  return tell(reporter.speeds);
}
