// Cookies that bind a client machine to what answered it. The machine would hold the cookie; here
// the load balancer's parts share one list of all machines' cookies. A machine is a node of the
// component that calls.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/entity.hpp"
#include "sim/time.hpp"

namespace windtunnel {

class Cookies {
 public:
  // A cookie not renewed for this long is forgotten.
  explicit Cookies(sim::Duration duration) : duration_(duration) {}

  struct Cookie {
    std::uint32_t target = 0;
    std::uint32_t life = 0;  // which of the target's successive tenants
    sim::Time expires{};     // 0: none was set
  };

  // Nothing where there is none or it has expired.
  const Cookie* find(const sim::Entity* caller, std::uint32_t machine, sim::Time now) {
    const std::vector<Cookie>& cookies = of(caller);
    if (machine >= cookies.size() || cookies[machine].expires <= now) return nullptr;
    return &cookies[machine];
  }

  void set(const sim::Entity* caller, std::uint32_t machine, std::uint32_t target,
           std::uint32_t life, sim::Time now) {
    std::vector<Cookie>& cookies = of(caller);
    if (machine >= cookies.size()) cookies.resize(machine + 1);
    cookies[machine] = {target, life, now + duration_};
  }

 private:
  struct Machines {
    const sim::Entity* caller;
    std::vector<Cookie> cookies;  // by machine
  };
  std::vector<Cookie>& of(const sim::Entity* caller) {
    auto found = std::find_if(callers_.begin(), callers_.end(),
                              [&](const Machines& it) { return it.caller == caller; });
    if (found == callers_.end()) found = callers_.insert(found, {caller, {}});
    return found->cookies;
  }

  sim::Duration duration_;
  std::vector<Machines> callers_;  // few: clients and services
};

}  // namespace windtunnel
