#include "experiments/parting.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <stdexcept>
#include <vector>

#include "analysis/text.hpp"
#include "experiments/run.hpp"

namespace windtunnel::experiments {
namespace {

// What the fingerprint is made of, and the handler for its name: children are forks of one program.
struct Step {
  std::uint64_t key, name, argument;
  sim::Handler handler;

  bool operator==(const Step& other) const {
    return key == other.key && name == other.name && argument == other.argument;
  }
};

// Writes every event to a pipe.
class Teller final : public sim::Watcher {
 public:
  explicit Teller(int out) : out_(out) {}
  void on_event(const sim::Event& event) override { tell(event); }
  void on_operation(const sim::Event& event) override { tell(event); }
  void flush() {
    const char* bytes = reinterpret_cast<const char*>(steps_.data());
    std::size_t left = steps_.size() * sizeof(Step);
    while (left > 0) {
      const ssize_t written = ::write(out_, bytes, left);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) ::_exit(0);  // the parent has seen enough
      bytes += written;
      left -= static_cast<std::size_t>(written);
    }
    steps_.clear();
  }

 private:
  void tell(const sim::Event& event) {
    steps_.push_back({event.key, event.target->name_hash(), event.argument, event.handler});
    if (steps_.size() == 2048) flush();
  }
  int out_;
  std::vector<Step> steps_;
};

// A run in a child, read event by event; ended with the object.
class Told {
 public:
  explicit Told(const RunOfExperiment& run) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error(fmt::format("pipe: {}", std::strerror(errno)));
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::signal(SIGPIPE, SIG_IGN);
      ::close(ends[0]);
      be_child(run, ends[1]);
    }
    ::close(ends[1]);
    in_ = ends[0];
    if (pid_ < 0) throw std::runtime_error(fmt::format("fork: {}", std::strerror(errno)));
  }
  ~Told() {
    ::close(in_);
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;

  // nullptr at the end of the run.
  const Step* next() {
    if (place_ == steps_.size() && !fill()) return nullptr;
    return &steps_[place_++];
  }

 private:
  [[noreturn]] static void be_child(const RunOfExperiment& run, int out) {
    int status = 1;
    try {
      const auto sim = make_simulation(*run.experiment, run.seed, run.replication);
      Teller teller(out);
      sim->watch(teller, {.events = true});
      sim->run();
      teller.flush();
      status = 0;
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}\n", error.what());
    }
    ::_exit(status);
  }

  bool fill() {
    steps_.resize(4096);
    place_ = 0;
    std::size_t got = 0;
    char* bytes = reinterpret_cast<char*>(steps_.data());
    while (got < steps_.size() * sizeof(Step)) {
      const ssize_t n = ::read(in_, bytes + got, steps_.size() * sizeof(Step) - got);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      got += static_cast<std::size_t>(n);
    }
    steps_.resize(got / sizeof(Step));
    return !steps_.empty();
  }

  pid_t pid_ = -1;
  int in_ = -1;
  std::vector<Step> steps_;
  std::size_t place_ = 0;
};

std::string step_text(const Step* step, const LoadedExperiment& experiment) {
  if (step == nullptr) return "has ended";
  std::string name = "the run";
  for (const ComponentSettings& component : experiment.topology.components) {
    if (sim::hash_name(component.name) == step->name) name = component.name;
  }
  const sim::Time date = sim::event_time(step->key);
  return fmt::format("{:.9f} s  {}  {}  {}", sim::seconds(date), name,
                     sim::HandlerName::of(step->handler), step->argument);
}

}  // namespace

std::string first_difference(const RunOfExperiment& a, const RunOfExperiment& b) {
  Told of_a(a), of_b(b);
  for (std::uint64_t common = 0;; ++common) {
    const Step *left = of_a.next(), *right = of_b.next();
    if (left == nullptr && right == nullptr) return "no event differs any more\n";
    if (left != nullptr && right != nullptr && *left == *right) continue;
    return fmt::format("replication {}: {} events in common, then\n  A  {}\n  B  {}\n",
                       a.replication + 1, analysis::count_text(common),
                       step_text(left, *a.experiment), step_text(right, *b.experiment));
  }
}

}  // namespace windtunnel::experiments
