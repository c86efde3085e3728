// Runs a piece of a test in a child of its own: SimGrid runs one simulation a process, and some
// tests want an abort.
//
//   const auto dates = in_child([] { ...; return std::vector<std::int64_t>{...}; });
//   EXPECT_TRUE(end_of_child([] { ... }).aborted_with("outside an operation"));
//
// Expectations inside the child are not seen outside; return values instead.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace windtunnel::test {

struct ChildEnd {
  int status = 0;        // of waitpid()
  std::string value;     // what the child returned, as bytes
  std::string messages;  // its stderr

  bool well() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
  bool aborted_with(const std::string& text) const {
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
           messages.find(text) != std::string::npos;
  }
};

namespace detail {

inline void write_all(int to, const void* bytes, std::size_t size) {
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = write(to, at, size);
    if (written < 0) _exit(99);
    at += written;
    size -= static_cast<std::size_t>(written);
  }
}

inline std::string read_all(int from) {
  std::string all;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(from, buffer, sizeof buffer)) > 0;) {
    all.append(buffer, static_cast<std::size_t>(n));
  }
  return all;
}

template <typename T>
void send(int to, const T& value) {
  if constexpr (std::is_trivially_copyable_v<T>) {
    write_all(to, &value, sizeof value);
  } else {  // a string, or a vector of plain values
    write_all(to, value.data(), value.size() * sizeof(typename T::value_type));
  }
}

template <typename T>
T received(const std::string& bytes) {
  if constexpr (std::is_trivially_copyable_v<T>) {
    T value{};
    if (bytes.size() != sizeof value) throw std::runtime_error("the child sent too little");
    bytes.copy(reinterpret_cast<char*>(&value), sizeof value);
    return value;
  } else {
    T value(bytes.size() / sizeof(typename T::value_type), typename T::value_type{});
    bytes.copy(reinterpret_cast<char*>(value.data()), bytes.size());
    return value;
  }
}

}  // namespace detail

template <typename Body>
ChildEnd end_of_child(Body body) {
  int result[2];
  std::FILE* messages = std::tmpfile();
  if (messages == nullptr || pipe(result) != 0) throw std::runtime_error("no pipe, no child");
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no child");
  if (child == 0) {
    close(result[0]);
    dup2(fileno(messages), STDERR_FILENO);
    alarm(120);  // a child that hangs is a failure
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
    } else {
      detail::send(result[1], body());
    }
    std::fflush(nullptr);
    _exit(0);
  }
  close(result[1]);
  ChildEnd end;
  end.value = detail::read_all(result[0]);
  close(result[0]);
  waitpid(child, &end.status, 0);
  lseek(fileno(messages), 0, SEEK_SET);
  end.messages = detail::read_all(fileno(messages));
  std::fclose(messages);
  return end;
}

// What `body` returns: a plain value, a string or a vector of plain values. Throws if the child did
// not end well.
template <typename Body>
auto in_child(Body body) {
  using T = decltype(body());
  const ChildEnd end = end_of_child(body);
  if (!end.well()) {
    throw std::runtime_error("the child ended badly, status " + std::to_string(end.status) + ": " +
                             end.messages);
  }
  return detail::received<T>(end.value);
}

}  // namespace windtunnel::test
