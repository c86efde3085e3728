#include "tests/fuzz/harnesses.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "models/traces/calibration.hpp"
#include "models/traces/formats.hpp"
#include "models/traces/summary.hpp"
#include "models/traces/utf8.hpp"
#include "topologies/graph.hpp"
#include "topologies/load.hpp"

namespace windtunnel::fuzz {

namespace {

void require(bool holds, const std::string& what) {
  if (holds) return;
  fmt::print(stderr, "does not hold: {}\n", what);
  std::abort();
}

// One line that a terminal shows as it is.
void require_plain(std::string_view text) {
  require(!text.empty(), "a message says something");
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = traces::utf8_size(text.substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    require(size > 0 && byte >= 0x20 && byte != 0x7f, fmt::format("plain text: {}", text));
    i += size;
  }
}

void require_clear(const traces::Bad& bad) {
  require(bad.line > 0 && bad.column > 0, "a message has its place");
  require_plain(bad.text);
}

void read(std::string_view bytes, const traces::Options& options) {
  const traces::Reading reading = traces::read_all(bytes, options);
  require(!std::isnan(reading.requests) && reading.requests >= 0, "requests are a number");
  if (reading.bad) require_clear(*reading.bad);
}

// As it is, and with everything else that a user may say of a file.
void read_as(const std::string& format, std::string_view bytes) {
  read(bytes, {.format = format});
  read(bytes, {.format = format,
               .series = "value",
               .values = traces::Values::per_minute,
               .day_first = true,
               .add_repeated = true,
               .bin = std::chrono::minutes(5)});
}

std::string gzipped(std::string_view text) {
  z_stream state{};
  deflateInit2(&state, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&state, text.size()), '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  state.avail_in = static_cast<uInt>(text.size());
  state.next_out = reinterpret_cast<Bytef*>(packed.data());
  state.avail_out = static_cast<uInt>(packed.size());
  deflate(&state, Z_FINISH);
  packed.resize(state.total_out);
  deflateEnd(&state);
  return packed;
}

// Gzip as it comes. Anything else, packed in two members, reads as it does in plain text.
void read_gzip(std::string_view bytes) {
  read(bytes, {});
  if (bytes.starts_with("\x1f\x8b")) return;
  const traces::Reading plain = traces::read_all(bytes);
  const std::size_t half = bytes.size() / 2;
  const traces::Reading packed =
      traces::read_all(gzipped(bytes.substr(0, half)) + gzipped(bytes.substr(half)));
  if (plain.bad && plain.bad->text.find("compressed") != std::string::npos) return;
  require(packed.rows == plain.rows && packed.requests == plain.requests &&
              packed.format == plain.format,
          "what is packed reads as what is plain");
}

// A file in memory, for what opens its files itself.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(memfd_create("trace", MFD_CLOEXEC)) {
    if (write(descriptor_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
      std::exit(4);
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

 private:
  int descriptor_;
};

constexpr int pieces_max = 20'000;  // of a load, which may be as long as the dates say

void play(const traces::Cut& cut) {
  const sim::Stream chance(sim::stream_key(1, 1, 1, "fuzz"));
  const traces::OpenedCut opened = traces::open_cut(cut, chance);
  int pieces = 0;
  if (opened.requests != nullptr) {
    sim::Duration last{0};
    for (traces::Request request; opened.requests->next(request) && ++pieces < pieces_max;) {
      require(request.at >= last, "requests come in order");
      last = request.at;
    }
  } else if (opened.rates != nullptr) {
    for (RatePiece piece; opened.rates->next(piece) && ++pieces < pieces_max;)
      require(piece.start <= piece.end, "time goes on");
  }
}

// The whole way: summary, load, calibration.
void use(std::string_view bytes) {
  const MemoryFile file(bytes);
  traces::Cut cut;
  cut.file = file.path();
  const auto told = [](auto what) {
    try {
      what();
    } catch (const traces::Bad& bad) {
      require_clear(bad);
    }
  };
  told([&] { traces::summarise(cut); });
  told([&] { play(cut); });
  told([&] { traces::calibrate(cut, 0.3); });
  cut.paths = {"/api/*", "*"};
  cut.scale = 2.5;
  cut.from = "1h";
  cut.gaps = traces::Gaps::interpolate;
  cut.spread = false;
  told([&] { play(cut); });
}

void require_clear(const Diagnostics& diagnostics) {
  for (const Diagnostic& each : diagnostics.sorted()) {
    require(each.place.line > 0 && each.place.column > 0, "a message has its place");
    require_plain(each.text);
  }
}

void read_experiment_text(std::string_view text) {
  Diagnostics diagnostics;
  const auto experiment = read_experiment(std::string(text), "fuzz.yaml", {}, diagnostics);
  require(experiment.has_value() != diagnostics.has_errors(), "an experiment, or what is wrong");
  if (experiment) check_graph(experiment->topology, diagnostics);
  require_clear(diagnostics);
}

void read_topology_text(std::string_view text) {
  Diagnostics diagnostics;
  const auto topology = read_topology(std::string(text), "fuzz.yaml", {}, diagnostics);
  require(topology.has_value() != diagnostics.has_errors(), "a topology, or what is wrong");
  if (topology) check_graph(*topology, diagnostics);
  require_clear(diagnostics);
}

constexpr const char* to_override = R"(experiment: override
horizon: 10min
faults: [{at: 1min, lasting: 1min, errors: {target: desk, share: 50%}}]
topology:
  components:
    users: {client: {target: desk, open: {poisson: 10/s}}}
    desk: {station: {servers: 2, service_time: {exponential: 10ms}}}
)";

// A line is a --set.
void read_overrides(std::string_view text) {
  std::vector<std::string> sets;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    sets.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  Diagnostics diagnostics;
  read_experiment(to_override, "fuzz.yaml", sets, diagnostics);
  require_clear(diagnostics);
}

}  // namespace

std::vector<Harness> harnesses() {
  const std::string corpus = "tests/fuzz/corpus/";
  std::vector<Harness> all;
  std::vector<std::string> of_all_formats{corpus + "any"};
  for (const traces::Format& format : traces::formats()) {
    const std::string name = format.name;
    all.push_back({name, {corpus + name, corpus + "any"}, [name](std::string_view bytes) {
                     read_as(name, bytes);
                   }});
    of_all_formats.push_back(corpus + name);
  }
  all.push_back({"recognised", of_all_formats, [](std::string_view b) { read(b, {}); }});
  of_all_formats.push_back(corpus + "gzip");
  all.push_back({"gzip", of_all_formats, read_gzip});
  all.push_back({"use", of_all_formats, use});
  const std::string hostile = corpus + "yaml";
  all.push_back({"experiment", {corpus + "experiment", hostile}, read_experiment_text});
  all.push_back({"topology", {corpus + "topology", hostile}, read_topology_text});
  all.push_back({"set", {corpus + "set"}, read_overrides});
  return all;
}

}  // namespace windtunnel::fuzz
