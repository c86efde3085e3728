#include "sim/event.hpp"

namespace windtunnel::sim {

HandlerName* HandlerName::first_ = nullptr;

// The compiler says "... [with auto Method = &windtunnel::Client::on_arrival; ...]".
std::string HandlerName::of(Handler handler) {
  const HandlerName* found = first_;
  while (found != nullptr && found->handler_ != handler) found = found->next_;
  if (found == nullptr) return "?";
  std::string_view name = found->name_;
  constexpr std::string_view begin = "Method = ", home = "windtunnel::", engine = "sim::";
  if (const auto at = name.find(begin); at != std::string_view::npos) {
    name.remove_prefix(at + begin.size());
    name = name.substr(0, name.find_first_of(";]"));
  }
  while (name.starts_with('&') || name.starts_with('(')) name.remove_prefix(1);
  for (const std::string_view space : {home, engine, std::string_view("{anonymous}::")}) {
    if (name.starts_with(space)) name.remove_prefix(space.size());
  }
  return std::string(name.substr(0, name.find_first_of("()")));
}

}  // namespace windtunnel::sim
