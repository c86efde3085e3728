// The real program in a folder of its own: what a user types and sees.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace windtunnel::test {

inline std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Ended {
  int code;  // of the exit; -N: killed by signal N
  std::string out, messages;
  nlohmann::json json() const { return nlohmann::json::parse(out); }
};

class Program {
 public:
  Program() {
    std::string name = (std::filesystem::temp_directory_path() / "windtunnel_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the test");
    folder_ = name;
  }
  ~Program() { std::filesystem::remove_all(folder_); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  bool exists(const std::string& name) const { return std::filesystem::exists(path(name)); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  // Everything in the folder but what the test itself keeps there.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
      const std::string name = entry.path().lexically_relative(folder_).string();
      if (name != ".out" && name != ".messages") names.push_back(name);
    }
    return names;
  }

  Ended run(const std::vector<std::string>& arguments) { return end(start(arguments)); }

  // Its stdout and stderr go to files; `messages_to` is another place for stderr.
  pid_t start(const std::vector<std::string>& arguments, int messages_to = -1,
              const std::string& binary = WINDTUNNEL_BUILD "/windtunnel") const {
    std::vector<char*> words{const_cast<char*>(binary.c_str())};
    for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const pid_t child = fork();
    if (child != 0) return child;
    const int flags = O_CREAT | O_TRUNC | O_WRONLY;
    dup2(open(path(".out").c_str(), flags, 0600), STDOUT_FILENO);
    dup2(messages_to < 0 ? open(path(".messages").c_str(), flags, 0600) : messages_to,
         STDERR_FILENO);
    if (chdir(folder_.c_str()) == 0) execv(binary.c_str(), words.data());
    _exit(99);
  }
  Ended end(pid_t child) const {
    int status = 0;
    if (waitpid(child, &status, 0) < 0) throw std::runtime_error("no such child");
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), bytes_of(path(".out")),
            bytes_of(path(".messages"))};
  }

 private:
  std::filesystem::path folder_;
};

// Looks again and again, for 20 s at most; false: it did not come true.
inline bool comes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 10'000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

// 100 requests a second, all of which fail for ten seconds: RTO is 10 s, to the window.
inline const std::string small_experiment = R"(experiment: small
question: Ten seconds of errors. How long are users hurt?
topology:
  components:
    users: {client: {target: desk, open: {poisson: 100/s}, timeout: 1s}}
    desk: {station: {servers: 4, service_time: {exponential: 10ms}}}
faults:
  - {at: 20s, lasting: 10s, errors: {target: desk, share: 100%}}
horizon: 2min
replications: 3
service_level: {success: 99%, window: 5s, sustained: 20s}
objectives: {rto: 1min}
)";

}  // namespace windtunnel::test
