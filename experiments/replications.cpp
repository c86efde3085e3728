#include "experiments/replications.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace windtunnel::experiments {
namespace {

using analysis::ReplicationRecord;

// The first byte of what a child sends; the rest is the record, or a message.
constexpr char record_follows = 'R', message_follows = 'M';

volatile sig_atomic_t stop_asked = 0;
void on_signal(int) { stop_asked = 1; }

constexpr std::array stop_signals{SIGINT, SIGTERM};

// While it lives the stop signals only set a flag, and arrive only inside wait_for_input(): none
// can slip in between looking at the flag and falling asleep.
class StopSignals {
 public:
  StopSignals() {
    stop_asked = 0;
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigset_t blocked;
    sigemptyset(&blocked);
    for (std::size_t i = 0; i < stop_signals.size(); ++i) {
      sigaddset(&blocked, stop_signals[i]);
      sigaction(stop_signals[i], &action, &old_actions_[i]);
    }
    sigprocmask(SIG_BLOCK, &blocked, &old_mask_);
  }
  ~StopSignals() {
    sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
    for (std::size_t i = 0; i < stop_signals.size(); ++i) {
      sigaction(stop_signals[i], &old_actions_[i], nullptr);
    }
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Returns with some input, an end of file or a stop signal.
  void wait_for_input(std::vector<pollfd>& inputs) const {
    if (::ppoll(inputs.data(), inputs.size(), nullptr, &old_mask_) >= 0) return;
    for (auto& input : inputs) input.revents = 0;
    if (errno != EINTR) throw std::runtime_error(fmt::format("ppoll: {}", std::strerror(errno)));
  }
  // In a child: as in any program.
  void restore_default() const {
    for (const int number : stop_signals) ::signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
  }

 private:
  std::array<struct sigaction, stop_signals.size()> old_actions_{};
  sigset_t old_mask_{};
};

struct Child {
  int replication;
  pid_t pid;
  int pipe;
  std::string received;
};

void write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) ::_exit(1);  // the parent is gone
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Never returns and runs no destructor or exit handler of the parent's: they belong to the parent.
[[noreturn]] void be_child(const Batch& batch, int replication, int out) {
  std::string message;
  int status = 1;
  try {
    message = record_follows + batch.run(replication).SerializeAsString();
    status = 0;
  } catch (const std::exception& error) {
    message = std::string(1, message_follows) + error.what();
  } catch (...) {
    message = std::string(1, message_follows) + "an exception that is no std::exception";
  }
  write_all(out, message);
  std::fflush(nullptr);
  ::_exit(status);
}

// Running children; killed and waited for at the end, whatever ends it.
class Children {
 public:
  Children() = default;
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  ~Children() {
    for (const auto& child : running) ::kill(child.pid, SIGKILL);
    for (const auto& child : running) {
      ::close(child.pipe);
      while (::waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  }

  // False, with errno: no more processes or pipes are to be had at present.
  bool start(const Batch& batch, int replication, const StopSignals& signals) {
    int ends[2];
    if (::pipe(ends) != 0) return false;
    std::fflush(nullptr);  // else the child would print the parent's buffers again
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(1);  // it died before the line above
      signals.restore_default();
      ::close(ends[0]);
      be_child(batch, replication, ends[1]);
    }
    const int error = errno;
    ::close(ends[1]);
    if (pid < 0) {
      ::close(ends[0]);
      errno = error;
      return false;
    }
    running.push_back({replication, pid, ends[0], {}});
    return true;
  }

  std::vector<Child> running;
};

// True at the end of the file.
bool receive(Child& child) {
  std::array<char, 1 << 16> piece;
  const ssize_t got = ::read(child.pipe, piece.data(), piece.size());
  if (got < 0) return errno != EINTR;
  child.received.append(piece.data(), static_cast<std::size_t>(got));
  return got == 0;
}

struct Ended {
  std::optional<ReplicationRecord> record;
  std::string failure;  // without a record
  bool interrupted = false;
};

double cpu_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Ended end_of(const Child& child) {
  Ended ended;
  int status = 0;
  rusage usage{};
  while (::wait4(child.pid, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  ::close(child.pipe);
  const std::string_view content =
      std::string_view(child.received).substr(child.received.empty() ? 0 : 1);
  const char kind = child.received.empty() ? '\0' : child.received.front();
  ReplicationRecord record;
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    // Ctrl-C reaches the whole process group, the child perhaps first.
    ended.interrupted = number == SIGINT || number == SIGTERM;
    ended.failure = fmt::format("killed by signal {} ({})", number, strsignal(number));
  } else if (kind == message_follows) {
    ended.failure = content;
  } else if (WEXITSTATUS(status) == 0 && kind == record_follows &&
             record.ParseFromArray(content.data(), static_cast<int>(content.size()))) {
    record.set_cpu_seconds(cpu_seconds(usage));
    record.set_memory_bytes_max(static_cast<std::uint64_t>(usage.ru_maxrss) * 1024);
    ended.record = std::move(record);
  } else {
    ended.failure = fmt::format("ended with status {} and without a result", WEXITSTATUS(status));
  }
  if (!ended.record) {
    ended.failure = fmt::format("replication {}: {}", child.replication + 1, ended.failure);
  }
  return ended;
}

std::vector<int> missing(int replications, const std::vector<ReplicationRecord>& done) {
  std::set<std::uint32_t> have;
  for (const auto& record : done) have.insert(record.replication());
  std::vector<int> rest;
  for (int i = 0; i < replications; ++i) {
    if (!have.contains(static_cast<std::uint32_t>(i))) rest.push_back(i);
  }
  return rest;
}

class Runner {
 public:
  Runner(const Batch& batch, BatchResult& result, std::vector<int> waiting)
      : batch_(batch), result_(result), waiting_(std::move(waiting)) {}

  void run() {
    report();
    std::vector<pollfd> inputs;
    while (!result_.interrupted && start_children()) {
      inputs.clear();
      for (const auto& child : children_.running) inputs.push_back({child.pipe, POLLIN, 0});
      signals_.wait_for_input(inputs);
      if (stop_asked) result_.interrupted = true;
      // From the last to the first: a child that has ended leaves the list.
      for (std::size_t i = inputs.size(); i-- > 0 && !result_.interrupted;) {
        if (inputs[i].revents != 0 && receive(children_.running[i])) take(i);
      }
    }
  }

 private:
  // False: none runs and none is left.
  bool start_children() {
    auto& running = children_.running;
    while (next_ < waiting_.size() && running.size() < jobs()) {
      if (children_.start(batch_, waiting_[next_], signals_)) {
        ++next_;
      } else if (running.empty()) {
        throw std::runtime_error(fmt::format("fork: {}", std::strerror(errno)));
      } else {
        break;  // when one of those has ended
      }
    }
    return !running.empty();
  }

  void take(std::size_t i) {
    const Child child = std::move(children_.running[i]);
    children_.running.erase(children_.running.begin() + static_cast<std::ptrdiff_t>(i));
    Ended ended = end_of(child);
    if (ended.interrupted) {
      result_.interrupted = true;
    } else if (ended.record) {
      if (batch_.keep) batch_.keep(*ended.record);
      result_.records.push_back(std::move(*ended.record));
    } else {
      result_.failures.push_back(std::move(ended.failure));
    }
    report();
  }

  void report() const {
    if (!batch_.progress) return;
    batch_.progress(static_cast<int>(result_.records.size() + result_.failures.size()),
                    batch_.replications);
  }

  std::size_t jobs() const { return static_cast<std::size_t>(std::max(batch_.jobs, 1)); }

  const Batch& batch_;
  BatchResult& result_;
  std::vector<int> waiting_;
  std::size_t next_ = 0;
  StopSignals signals_;
  Children children_;
};

}  // namespace

BatchResult run_replications(const Batch& batch, std::vector<ReplicationRecord> done) {
  BatchResult result;
  const std::vector<int> rest = missing(batch.replications, done);
  result.records = std::move(done);
  Runner(batch, result, rest).run();
  std::sort(result.records.begin(), result.records.end(),
            [](const auto& a, const auto& b) { return a.replication() < b.replication(); });
  return result;
}

}  // namespace windtunnel::experiments
