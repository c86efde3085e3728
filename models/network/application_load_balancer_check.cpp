// What the load balancer says of its settings before anything runs.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "models/mechanisms/settings.hpp"
#include "models/mechanisms/target_group_settings.hpp"
#include "models/network/application_load_balancer.hpp"
#include "models/network/application_load_balancer.pb.h"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using Settings = settings::ApplicationLoadBalancer;
using Group = settings::TargetGroup;

constexpr auto attributes = "ALB guide, Target group attributes";
constexpr auto quotas = "ALB guide, Quotas";

class Check {
 public:
  Check(const Settings& settings, SettingsCheck& check) : settings_(settings), check_(check) {
    if (settings.target_groups().empty()) {
      groups_.push_back({"", &settings.target_group()});
    }
    for (int i = 0; i < settings.target_groups_size(); ++i) {
      groups_.push_back({fmt::format("target_groups.{}.", i), &settings.target_groups(i)});
    }
    for (const Named& group : groups_) names_.push_back(name_of(*group.settings));
  }

  void run() {
    if (!settings_.target_groups().empty()) one_way_of_writing();
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      group(groups_[i]);
      const auto first = std::find(names_.begin(), names_.end(), names_[i]);
      if (first - names_.begin() < static_cast<std::ptrdiff_t>(i)) {
        error(groups_[i].path, "name",
              fmt::format("two target groups are named '{}'; give one another name", names_[i]));
      }
    }
    actions();
  }

 private:
  struct Named {
    std::string path;  // with a dot at its end, or empty
    const Group* settings;
  };

  void error(const std::string& path, std::string_view field, const std::string& text) {
    check_.error(path + std::string(field), text);
  }

  void one_way_of_writing() {
    const auto& fields = *Group::descriptor();
    for (int i = 0; i < fields.field_count(); ++i) {
      const std::string& name = fields.field(i)->name();
      if (check_.given(name)) {
        check_.error(name, "belongs to a target group, and target_groups lists them");
      }
    }
  }

  void group(const Named& named) {
    const Group& group = *named.settings;
    const std::string& path = named.path;
    if (group.targets().empty() == group.lambda().empty()) {
      const std::string whole = path.empty() ? "" : path.substr(0, path.size() - 1);
      return check_.error(whole, group.lambda().empty()
                                     ? "targets is missing: the service behind the target group, "
                                       "or lambda, or target_groups"
                                     : "targets and lambda exclude each other");
    }
    slow_start(group, path);
    algorithm(group, path);
    thresholds(group, path);
    zones(group, path);
    load(group, path);
  }

  void slow_start(const Group& group, const std::string& path) {
    const auto slow = to_duration(group.slow_start());
    if (slow == sim::Duration::zero()) return;
    if (slow < std::chrono::seconds(30)) {
      error(path, "slow_start", "is below 30s (ELB API reference, slow_start.duration_seconds)");
    }
    if (group.algorithm() != Group::ROUND_ROBIN) {
      error(path, "slow_start",
            fmt::format("works with algorithm round_robin only ({})", attributes));
    }
  }

  void algorithm(const Group& group, const std::string& path) {
    const bool weighted = group.algorithm() == Group::WEIGHTED_RANDOM;
    if (group.has_anomaly_mitigation() && !weighted) {
      error(path, "anomaly_mitigation",
            fmt::format("works with algorithm weighted_random only ({})", attributes));
    }
    if (group.has_anomaly_mitigation() && !group.lambda().empty()) {
      error(path, "anomaly_mitigation", fmt::format("is not for functions ({})", attributes));
    }
    if (group.has_stickiness() && weighted) {
      error(path, "stickiness",
            fmt::format("does not go with algorithm weighted_random ({})", attributes));
    }
  }

  void zones(const Group& group, const std::string& path) {
    if (group.cross_zone() != Group::FALSE) return;
    constexpr auto source = "ALB guide, Cross-zone load balancing for target groups";
    if (group.has_stickiness()) {
      error(path, "stickiness", fmt::format("does not go with cross_zone: false ({})", source));
    }
    if (!group.lambda().empty()) {
      error(path, "lambda", fmt::format("does not go with cross_zone: false ({})", source));
    }
  }

  void thresholds(const Group& group, const std::string& path) {
    constexpr auto source = "ALB guide, Target group health";
    const auto& dns = group.dns_failover();
    const auto& routing = group.unhealthy_state_routing();
    const auto below = [&](const char* field, const std::string& least) {
      error(path, fmt::format("dns_failover.{}", field),
            fmt::format("is below unhealthy_state_routing.{}, {} ({})", field, least, source));
    };
    if (dns.minimum_healthy_targets_count() > 0 &&
        dns.minimum_healthy_targets_count() < routing.minimum_healthy_targets_count()) {
      below("minimum_healthy_targets_count",
            std::to_string(routing.minimum_healthy_targets_count()));
    }
    if (dns.minimum_healthy_targets_percentage() > 0 &&
        dns.minimum_healthy_targets_percentage() < routing.minimum_healthy_targets_percentage()) {
      below("minimum_healthy_targets_percentage",
            fmt::format("{}%", 100 * routing.minimum_healthy_targets_percentage()));
    }
  }

  // Rule 1.
  void load(const Group& group, const std::string& path) {
    const auto targets = check_.instances(group.targets());
    if (!targets || check_.zones() == 0) return;
    const double interval = sim::seconds(to_duration(group.health_check().interval()));
    const auto checks = static_cast<double>(check_.zones() * *targets);
    check_.note(
        path + "health_check",
        fmt::format("{} nodes x {} targets / {:.6g} s = {:.3g} health checks/s; a target gets "
                    "one every {:.3g} s, and needs a worker for it",
                    check_.zones(), *targets, interval, checks / interval,
                    interval / static_cast<double>(check_.zones())));
  }

  void actions() {
    std::vector<bool> used(groups_.size(), false);
    constexpr int most_rules = 100, most_values = 5;
    if (settings_.rules_size() > most_rules) {
      check_.error("rules",
                   fmt::format("{} are above {} ({})", settings_.rules_size(), most_rules, quotas));
    }
    for (int i = 0; i < settings_.rules_size(); ++i) {
      const auto& rule = settings_.rules(i);
      const std::string path = fmt::format("rules.{}", i);
      const int values = rule.host_size() + rule.path_size();
      if (values == 0) check_.error(path, "has no condition: host or path");
      if (values > most_values) {
        check_.error(path, fmt::format("{} condition values are above {} ({})", values, most_values,
                                       quotas));
      }
      action(rule.forward(), path + ".forward", used);
    }
    if (!settings_.default_action().empty()) {
      action(settings_.default_action(), "default_action", used);
    } else if (groups_.size() > 1) {
      check_.error("", "default_action is missing: where requests go that no rule matches");
    } else {
      used[0] = true;
    }
    for (std::size_t i = 0; i < used.size(); ++i) {
      if (used[i] || groups_[i].path.empty()) continue;
      error(groups_[i].path, "name", fmt::format("no action forwards to '{}'", names_[i]));
    }
  }

  template <typename Forwards>
  void action(const Forwards& forwards, const std::string& path, std::vector<bool>& used) {
    constexpr int most_groups = 5;
    if (forwards.empty()) check_.error(path, "is missing: one target group at least");
    if (forwards.size() > most_groups) {
      check_.error(path, fmt::format("{} target groups are above {} ({})", forwards.size(),
                                     most_groups, quotas));
    }
    std::int64_t weights = 0;
    std::vector<std::size_t> seen;
    for (int i = 0; i < forwards.size(); ++i) {
      weights += forwards[i].weight();
      const std::string& name = forwards[i].target_group();
      const auto found = std::find(names_.begin(), names_.end(), name);
      const auto group = static_cast<std::size_t>(found - names_.begin());
      const std::string at = fmt::format("{}.{}.target_group", path, i);
      if (found == names_.end()) {
        check_.error(
            at, fmt::format("no target group '{}'{}", name, check_.did_you_mean(name, names_)));
        continue;
      }
      if (std::find(seen.begin(), seen.end(), group) != seen.end()) {
        check_.error(at, fmt::format("'{}' stands twice", name));
      }
      seen.push_back(group);
      used[group] = true;
    }
    if (!forwards.empty() && weights == 0) check_.error(path, "all weights are 0");
  }

  const Settings& settings_;
  SettingsCheck& check_;
  std::vector<Named> groups_;
  std::vector<std::string> names_;
};

}  // namespace

void ApplicationLoadBalancer::check(const settings::ApplicationLoadBalancer& settings,
                                    SettingsCheck& check) {
  Check(settings, check).run();
}

}  // namespace windtunnel
