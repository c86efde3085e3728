// What the load balancer says of its settings before anything runs.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "models/mechanisms/settings.hpp"
#include "models/network/network_load_balancer.hpp"
#include "models/network/network_load_balancer_settings.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using Settings = settings::NetworkLoadBalancer;
using Listener = Settings::Listener;
using Protocol = Settings::HealthCheck;

class Check {
 public:
  Check(const Settings& settings, SettingsCheck& check) : settings_(settings), check_(check) {}

  void run() {
    if (settings_.listeners().empty()) return listener(settings_.listener(), "");
    const auto& fields = *Listener::descriptor();
    for (int i = 0; i < fields.field_count(); ++i) {
      const std::string& name = fields.field(i)->name();
      if (check_.given(name)) {
        check_.error(name, "belongs to a listener, and listeners lists them");
      }
    }
    std::vector<std::string> names;
    for (int i = 0; i < settings_.listeners_size(); ++i) {
      const std::string path = fmt::format("listeners.{}.", i);
      const std::string name = name_of(settings_.listeners(i));
      listener(settings_.listeners(i), path);
      if (std::find(names.begin(), names.end(), name) != names.end()) {
        check_.error(path + "name",
                     fmt::format("two listeners are named '{}'; give one another name", name));
      }
      names.push_back(name);
    }
  }

 private:
  void listener(const Listener& listener, const std::string& path) {
    const std::string whole = path.empty() ? "" : path.substr(0, path.size() - 1);
    if (listener.targets().empty() == listener.alb().empty()) {
      return check_.error(whole, listener.alb().empty()
                                     ? "targets is missing: the service behind the listener, or "
                                       "alb, or listeners"
                                     : "targets and alb exclude each other");
    }
    protocol(listener, path);
    health(listener, path);
    zones(listener, path);
  }

  void protocol(const Listener& listener, const std::string& path) {
    if (listener.has_tcp_idle_timeout() && listener.protocol() != Listener::TCP) {
      check_.error(path + "tcp_idle_timeout",
                   "can be set for protocol tcp only; it is 350 s for tls and 120 s for udp (NLB "
                   "guide, Listeners: connection idle timeout)");
    }
    if (!listener.alb().empty() && listener.protocol() != Listener::TCP) {
      check_.error(path + "protocol",
                   "an alb stands behind a listener of protocol tcp only (NLB guide, Use an "
                   "Application Load Balancer as a target)");
    }
  }

  void health(const Listener& listener, const std::string& path) {
    const auto& check = listener.health_check();
    if (!listener.alb().empty() && check_protocol_of(listener) == Protocol::TCP) {
      check_.error(path + "health_check.protocol",
                   "of an alb is http or https (NLB guide, Use an Application Load Balancer as a "
                   "target)");
    }
    if (check.has_timeout() && check.timeout() > check.interval()) {
      check_.error(path + "health_check.timeout",
                   "is above the interval (ELB API reference, CreateTargetGroup)");
    }
  }

  void zones(const Listener& listener, const std::string& path) {
    const bool own = listener.cross_zone() == settings::TargetGroup::USE_LOAD_BALANCER_CONFIGURATION
                         ? settings_.cross_zone()
                         : listener.cross_zone() == settings::TargetGroup::TRUE;
    const auto targets = check_.instances(listener.targets());
    if (own || !targets || *targets >= check_.zones()) return;
    check_.note(path + "targets",
                fmt::format("{} instances in {} zones with cross_zone off: a zone without targets "
                            "leaves DNS, and clients that know its address are refused (NLB "
                            "guide, Cross-zone load balancing)",
                            *targets, check_.zones()));
  }

  const Settings& settings_;
  SettingsCheck& check_;
};

}  // namespace

void NetworkLoadBalancer::check(const settings::NetworkLoadBalancer& settings,
                                SettingsCheck& check) {
  Check(settings, check).run();
}

}  // namespace windtunnel
