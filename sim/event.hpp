// An event is a 32-byte value: when and in which turn, what is called, on whom, with which number.
// No closures, no allocation: `sim.after<&SqsQueue::on_visible_again>(30s, this, id)`.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "sim/time.hpp"

namespace windtunnel::sim {

class Entity;

// Names a slot of a Pool and the life it had. It goes stale when that life ends; a stale handle
// finds nothing.
// One word, not two halves: a half stored and the whole loaded soon after stalls the processor.
class Handle {
 public:
  constexpr Handle() = default;
  constexpr Handle(std::uint32_t slot, std::uint32_t life)
      : bits_(slot | (std::uint64_t{life} << 32)) {}
  static constexpr Handle of(std::uint64_t argument) {
    Handle handle;
    handle.bits_ = argument;
    return handle;
  }

  constexpr std::uint32_t slot() const { return static_cast<std::uint32_t>(bits_); }
  constexpr std::uint32_t life() const { return static_cast<std::uint32_t>(bits_ >> 32); }
  // As an event's argument.
  constexpr std::uint64_t argument() const { return bits_; }

  friend bool operator==(Handle, Handle) = default;
  constexpr explicit operator bool() const { return slot() != none; }

 private:
  static constexpr std::uint32_t none = 0xffffffff;
  std::uint64_t bits_ = none;
};

using Handler = void (*)(Entity*, std::uint64_t argument);

struct Event {
  std::uint64_t key;  // ns * 4 + turn
  Handler handler;
  Entity* target;
  std::uint64_t argument;
};
static_assert(sizeof(Event) == 32);

constexpr std::uint64_t event_key(Time at, Turn turn) {
  return static_cast<std::uint64_t>(at.time_since_epoch().count()) * 4 +
         static_cast<std::uint64_t>(turn);
}
constexpr Time event_time(std::uint64_t key) {
  return Time(Duration(static_cast<std::int64_t>(key / 4)));
}

namespace detail {
template <typename>
struct MethodOf;
template <typename C>
struct MethodOf<void (C::*)()> {
  using Class = C;
  using Argument = void;
};
template <typename C, typename A>
struct MethodOf<void (C::*)(A)> {
  using Class = C;
  using Argument = A;
};
}  // namespace detail

// What handlers are called, for traces. Every handler in use adds itself before main().
class HandlerName {
 public:
  HandlerName(Handler handler, std::string_view name)
      : handler_(handler), name_(name), next_(first_) {
    first_ = this;
  }
  // "Client::on_arrival"; "?" of an unknown one.
  static std::string of(Handler handler);

 private:
  Handler handler_;
  std::string_view name_;
  HandlerName* next_;
  static HandlerName* first_;
};

template <auto Method>
constexpr std::string_view name_as_compiled() {
  return __PRETTY_FUNCTION__;
}
template <auto Method>
void invoke(Entity* target, std::uint64_t argument);
template <auto Method>
inline const HandlerName handler_name{&invoke<Method>, name_as_compiled<Method>()};

// The handler that calls `Method` (no argument, an integer or a Handle) on the target.
template <auto Method>
void invoke(Entity* target, std::uint64_t argument) {
  static_cast<void>(&handler_name<Method>);
  using M = detail::MethodOf<decltype(Method)>;
  auto* self = static_cast<typename M::Class*>(target);
  if constexpr (std::is_void_v<typename M::Argument>) {
    (self->*Method)();
  } else if constexpr (std::is_same_v<typename M::Argument, Handle>) {
    (self->*Method)(Handle::of(argument));
  } else {
    (self->*Method)(static_cast<typename M::Argument>(argument));
  }
}

}  // namespace windtunnel::sim
