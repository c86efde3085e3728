// A call: one message from an entity to another and its answer. It is how services talk.
//
//   caller: open() -> send() ........................ on_answer() or on_timeout()
//   callee:              on_request() -> answer()
//
// A call ends when both sides are done with it. A caller's timeout does not stop the callee's work:
// the late answer is counted as wasted work. A callee whose host loses power drops its calls in
// silence, and the callers' timeouts tell.
#pragma once

#include <cstdint>
#include <new>
#include <string>
#include <type_traits>

#include "sim/event.hpp"
#include "sim/time.hpp"

namespace windtunnel::sim {

class Entity;
class Lane;

using ZoneId = std::uint16_t;

// Where a message goes: a node of an entity, as it lived when the address was learnt. When an
// instance is replaced its address goes stale and nobody answers there.
struct Address {
  Entity* entity = nullptr;
  std::uint32_t node = 0;
  std::uint32_t life = 0;

  friend bool operator==(const Address&, const Address&) = default;
  explicit operator bool() const { return entity != nullptr; }
};

enum class Operation : std::uint8_t { read, write, health_check, connect };
const char* to_string(Operation operation);

// How a call ended. The first is a success, the others are failures.
enum class Outcome : std::uint8_t {
  ok,
  error,             // the callee answered with an error (HTTP 500)
  overloaded,        // its queue was full (HTTP 503)
  bad_gateway,       // HTTP 502: the target's connection broke
  unavailable,       // HTTP 503: no target registered
  gateway_timeout,   // HTTP 504: a target did not connect or did not answer
  connection_reset,  // the callee stopped with the call in its hands
  read_only,         // a write reached an instance that takes none
  connect_timeout,   // no address answered
  timeout,           // no answer in time
  abandoned,         // left a queue before service began
  breaker_open,      // the caller's own circuit breaker
  throttled,         // a quota is used up (HTTP 429, or 400 with a throttling code)
};
const char* to_string(Outcome outcome);

// What load balancers' rules and services' settings tell requests apart by. Number 0 is every
// request of which nothing is known.
struct RequestClass {
  std::string host, path = "/";
  std::int64_t bytes = 0;  // of a request's body

  friend bool operator==(const RequestClass&, const RequestClass&) = default;
};

struct Call {
  Entity* caller = nullptr;
  Entity* callee = nullptr;
  Lane* lane = nullptr;                    // the timeout it rides on, or none
  Handle context;                          // the caller's own: its request, or the call it serves
  Handle payload;                          // what it carries, and its end: see PayloadKeeper
  alignas(8) unsigned char storage[16]{};  // the callee's own: see work_as()
  Time opened{};                           // when the caller opened it
  Time arrived{};                          // when the callee got it
  std::uint32_t caller_node = 0, callee_node = 0, callee_life = 0;
  std::uint32_t lane_previous = none, lane_next = none;
  std::uint32_t tag = 0;  // the caller's own: which of its calls this is
  ZoneId from = 0, to = 0;
  std::uint16_t request_class = 0;  // what kind of request it is, or serves: see RequestClass
  Outcome outcome = Outcome::ok;
  Operation operation : 4 = Operation::read;
  bool caller_done : 1 = false;  // it gave up waiting
  bool callee_done : 1 = true;   // it has nothing to do: not sent yet, answered, or lost
  Duration service_time{0};      // as a trace recorded it; 0: the callee's own law
  // What it travels on: who opened it (Simulation::add_sockets) and which of its successive
  // connections; the same at every hop. Empty: a connection of its own.
  Handle connection;

  static constexpr std::uint32_t none = 0xffffffff;

  // What the callee needs to remember of the call, zero at first: a small struct of its own.
  template <typename Work>
  Work& work_as() {
    static_assert(std::is_trivially_copyable_v<Work> && sizeof(Work) <= sizeof(storage) &&
                  alignof(Work) <= 8);
    return *std::launder(reinterpret_cast<Work*>(storage));
  }
};
static_assert(sizeof(Call) == 120);  // with a pool's own 8 bytes two cache lines

}  // namespace windtunnel::sim
