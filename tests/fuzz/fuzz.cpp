// Coverage-guided fuzzing of everything that reads a user's text: each format of traces, the way
// from a trace to a load, experiments, topologies and --set. The driver is libFuzzer's.
//   fuzz                                     names the harnesses
//   fuzz HARNESS [libFuzzer's options]       from the seeds; what it finds is thrown away
//   fuzz HARNESS FOLDER [options]            what it finds is kept in the folder, and goes on from
//   there fuzz HARNESS FILE                        one input again
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/harnesses.hpp"

extern "C" int LLVMFuzzerRunDriver(int* argc, char*** argv,
                                   int (*run)(const std::uint8_t* data, std::size_t size));

namespace windtunnel::fuzz {
namespace {

namespace fs = std::filesystem;

Harness chosen;

int run_one(const std::uint8_t* data, std::size_t size) {
  chosen.run({reinterpret_cast<const char*>(data), size});
  return 0;
}

std::string temporary_folder() {
  static std::string name = (fs::temp_directory_path() / "windtunnel_fuzz_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) std::exit(4);
  std::atexit([] { fs::remove_all(name); });
  return name;
}

int fuzz(int argc, char** argv) {
  std::vector<std::string> words{argv[0]};
  bool folder = false, file = false;
  for (int i = 2; i < argc; ++i) {
    words.emplace_back(argv[i]);
    folder = folder || fs::is_directory(argv[i]);
    file = file || fs::is_regular_file(argv[i]);
  }
  if (!file) {
    // libFuzzer writes to the first folder and reads from all.
    if (!folder) words.push_back(temporary_folder());
    for (const std::string& seeds : chosen.seeds) words.push_back(WINDTUNNEL_SOURCE "/" + seeds);
  }
  for (const char* limit : {"-timeout=10", "-rss_limit_mb=1024", "-malloc_limit_mb=256"})
    words.insert(words.begin() + 1, limit);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  int count = static_cast<int>(words.size());
  char** all = pointers.data();
  return LLVMFuzzerRunDriver(&count, &all, run_one);
}

}  // namespace
}  // namespace windtunnel::fuzz

int main(int argc, char** argv) {
  using namespace windtunnel::fuzz;
  for (const Harness& harness : harnesses()) {
    if (argc > 1 && harness.name == argv[1]) {
      chosen = harness;
      return fuzz(argc, argv);
    }
    if (argc == 1) fmt::print("{}\n", harness.name);
  }
  if (argc > 1) fmt::print(stderr, "there is no harness '{}'\n", argv[1]);
  return argc == 1 ? 0 : 2;
}
