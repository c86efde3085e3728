// What Route 53 refuses of a name's records, and what it takes though it is hardly meant.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "models/mechanisms/geography.hpp"
#include "models/network/route53_health_check.pb.h"
#include "models/network/route53_record_settings.hpp"
#include "models/schema.pb.h"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using Settings = settings::Route53Record;

const schema::Model& model_of(const google::protobuf::Message& settings) {
  return settings.GetDescriptor()->options().GetExtension(schema::model);
}

bool provides(const google::protobuf::Message& settings, std::string_view port) {
  const auto& ports = model_of(settings).provides();
  return std::find(ports.begin(), ports.end(), port) != ports.end();
}

class Check {
 public:
  Check(const Settings& settings, SettingsCheck& check)
      : settings_(settings), check_(check), answers_(answers_of(settings)) {}

  void run() {
    targets();
    health_checks();
    identifiers();
    time_to_live();
    weights();
    failover();
    places();
    locations();
    blocks();
    limits();
  }

 private:
  void alias(const std::string& path, const std::string& target, bool evaluates) {
    const auto* settings = check_.settings_of(target);
    if (settings == nullptr) return;
    if (!provides(*settings, "alias_target")) {
      check_.error(path, fmt::format("{} ({}) is nothing an alias can point at: load balancers, "
                                     "accelerators, distributions and other records are "
                                     "(Route 53 API reference, AliasTarget)",
                                     target, model_of(*settings).name()));
    } else if (evaluates && model_of(*settings).name().starts_with("cloudfront")) {
      check_.error(path, fmt::format("evaluate_target_health is not for {}, a distribution "
                                     "(Route 53 API reference, AliasTarget.EvaluateTargetHealth)",
                                     target));
    }
  }

  // A value that is a name is a CNAME; instances have addresses of their own.
  void value(const std::string& path, const std::string& target) {
    const auto* settings = check_.settings_of(target);
    if (settings == nullptr || !settings_.apex() || provides(*settings, "targets")) return;
    check_.error(path, fmt::format("{} has a name, so that this is a CNAME, which cannot stand at "
                                   "the apex of a hosted zone: make it an alias (Route 53 guide, "
                                   "Choosing between alias and non-alias records)",
                                   target));
  }

  void targets() {
    const bool all = settings_.evaluate_target_health();
    if (settings_.has_alias()) alias("alias", settings_.alias(), all);
    if (settings_.has_simple()) value("simple", settings_.simple());
    for (const auto& [path, answer] : answers_) {
      if (answer->has_alias()) {
        alias(path + ".alias", answer->alias(), all || answer->evaluate_target_health());
      }
      if (answer->has_value()) value(path + ".value", answer->value());
    }
    for (int i = 0; i < settings_.multivalue_size(); ++i) {
      if (!settings_.multivalue(i).has_alias()) continue;
      check_.error(fmt::format("multivalue.{}.alias", i),
                   "multivalue answers are no aliases (Route 53 guide, Multivalue answer routing)");
    }
  }

  void endpoint(const std::string& path, const settings::EndpointHealthCheck& check) {
    EndpointHealthCheck::check(check, path + ".", check_);
    if (settings_.private_()) unreachable(path);
  }
  void named(const std::string& path, const std::string& name) {
    const auto* check = dynamic_cast<const settings::Route53HealthCheck*>(check_.settings_of(name));
    if (check != nullptr && check->has_endpoint() && settings_.private_()) unreachable(path);
  }
  void unreachable(const std::string& path) {
    check_.error(path,
                 "Route 53's checkers do not reach a private address: health_check_id names "
                 "a check of a CloudWatch alarm (Route 53 guide, Configuring failover in a "
                 "private hosted zone)");
  }

  void health_checks() {
    const bool both = settings_.has_health_check() && settings_.has_health_check_id();
    if (both)
      check_.error("health_check_id", "health_check and health_check_id exclude each other");
    const bool at_top = settings_.has_health_check() || settings_.has_health_check_id();
    const std::string top = settings_.has_health_check() ? "health_check" : "health_check_id";
    if (at_top && !answers_.empty() && !settings_.has_failover()) {
      check_.error(top, "belongs to one of the records: write it there");
    }
    if (at_top && settings_.has_failover() &&
        (settings_.failover().primary().has_health_check() ||
         settings_.failover().primary().has_health_check_id())) {
      check_.error(top, "the primary has a health check of its own");
    }
    if (settings_.has_health_check()) endpoint("health_check", settings_.health_check());
    if (settings_.has_health_check_id()) named("health_check_id", settings_.health_check_id());
    for (const auto& [path, answer] : answers_) {
      if (answer->has_health_check()) endpoint(path + ".health_check", answer->health_check());
      if (answer->has_health_check_id()) {
        named(path + ".health_check_id", answer->health_check_id());
      }
    }
  }

  void identifiers() {
    std::set<std::string> seen;
    for (const auto& [path, answer] : answers_) {
      if (settings_.has_failover() && answer->id().empty()) continue;
      const std::string target = answer->has_alias() ? answer->alias() : answer->value();
      const std::string id = answer->id().empty() ? target : answer->id();
      if (seen.insert(id).second) continue;
      check_.error(path, fmt::format("two records have the set identifier '{}': give one an id of "
                                     "its own (Route 53 API reference, "
                                     "ResourceRecordSet.SetIdentifier)",
                                     id));
    }
  }

  void time_to_live() {
    const bool any_value = std::any_of(answers_.begin(), answers_.end(),
                                       [](const auto& one) { return one.answer->has_value(); });
    if (!check_.given("ttl") || settings_.has_simple() || any_value) return;
    check_.error("ttl",
                 "an alias has its target's TTL, none of its own (Route 53 API reference, "
                 "ResourceRecordSet.TTL)");
  }

  void weights() {
    const auto& records = settings_.weighted();
    if (records.empty()) return;
    if (std::all_of(records.begin(), records.end(),
                    [](const auto& r) { return r.weight() == 0; })) {
      check_.note("weighted",
                  "all weights are 0: all records are answered with the same chance "
                  "(Route 53 guide, Weighted routing)");
    }
  }

  // The primary must be able to fail.
  void failover() {
    if (!settings_.has_failover() || settings_.evaluate_target_health() ||
        settings_.has_health_check() || settings_.has_health_check_id()) {
      return;
    }
    const auto& primary = settings_.failover().primary();
    const bool is_record =
        primary.has_value() && dynamic_cast<const Settings*>(check_.settings_of(primary.value()));
    if (primary.has_health_check() || primary.has_health_check_id() ||
        primary.evaluate_target_health() || is_record) {
      return;
    }
    check_.note("failover.primary",
                "has no health check and does not evaluate its target's health: it counts as "
                "healthy for good, the secondary is never answered (Route 53 guide, Failover "
                "routing)");
  }

  void region(const std::string& path, const std::string& name) {
    std::vector<std::string> known;
    for (const Location& region : aws_regions()) known.emplace_back(region.code);
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
    check_.error(path, fmt::format("no region '{}'{}", name, check_.did_you_mean(name, known)));
  }
  void twice(std::map<std::string, std::string>& seen, const std::string& path,
             const std::string& what) {
    const auto [first, fresh] = seen.try_emplace(what, path);
    if (fresh) return;
    check_.error(path, fmt::format("{} has a record already, {} (Route 53 API reference, "
                                   "ResourceRecordSet)",
                                   what, first->second));
  }

  void places() {
    std::map<std::string, std::string> seen;
    for (int i = 0; i < settings_.latency_size(); ++i) {
      const std::string path = fmt::format("latency.{}.region", i);
      region(path, settings_.latency(i).region());
      twice(seen, path, settings_.latency(i).region());
    }
    for (int i = 0; i < settings_.geoproximity_size(); ++i) {
      const auto& one = settings_.geoproximity(i);
      if (!one.region().empty()) region(fmt::format("geoproximity.{}.region", i), one.region());
    }
  }

  void locations() {
    const auto& records = settings_.geolocation();
    if (records.empty()) return;
    std::map<std::string, std::string> seen;
    bool any_default = false;
    for (int i = 0; i < records.size(); ++i) {
      const auto& one = records.Get(i);
      const std::string path = fmt::format("geolocation.{}", i);
      any_default |= one.country() == "*";
      twice(seen, path,
            one.country().empty()
                ? "continent " + one.continent()
                : fmt::format("country {}{}{}", one.country(), one.subdivision().empty() ? "" : "-",
                              one.subdivision()));
      location(path, one);
    }
    if (any_default) return;
    check_.note("geolocation",
                "no default (country: \"*\"): who is in none of the locations, or whose location "
                "is not known, gets no answer (Route 53 guide, Geolocation routing)");
  }

  void location(const std::string& path, const Settings::Geolocation& one) {
    const auto known = [&](std::span<const Location> places, const std::string& field,
                           const std::string& text, auto code) {
      if (text.empty() || text == "*") return;
      std::vector<std::string> codes;
      for (const Location& place : places) codes.emplace_back(code(place));
      if (std::find(codes.begin(), codes.end(), text) != codes.end()) return;
      check_.error(fmt::format("{}.{}", path, field),
                   fmt::format("no {} '{}'{}", field, text, check_.did_you_mean(text, codes)));
    };
    known(continents_of_the_world(), "continent", one.continent(),
          [](const Location& place) { return place.continent; });
    known(countries_of_the_world(), "country", one.country(),
          [](const Location& place) { return place.country; });
    known(states_of_the_us(), "subdivision", one.subdivision(),
          [](const Location& place) { return place.subdivision; });
    if (!one.subdivision().empty() && one.country() != "US") {
      check_.error(path + ".subdivision",
                   "only the US has subdivisions here (Route 53 guide, Geolocation routing)");
    }
  }

  void blocks() {
    constexpr int longest_v4 = 24, longest_v6 = 48;
    std::map<std::string, std::string> seen;
    for (int i = 0; i < settings_.ip_based_size(); ++i) {
      const auto& cidr = settings_.ip_based(i).cidr();
      if (cidr.empty()) check_.error(fmt::format("ip_based.{}", i), "cidr is missing");
      for (int j = 0; j < cidr.size(); ++j) {
        const std::string path = fmt::format("ip_based.{}.cidr.{}", i, j);
        twice(seen, path, cidr[j]);
        if (cidr[j] == "*") {
          if (cidr.size() > 1) check_.error(path, "* stands alone");
          continue;
        }
        const auto block = IpPrefix::parse(cidr[j]);
        if (!block) {
          check_.error(path, fmt::format("'{}' is no CIDR block", cidr[j]));
        } else if (block->length > (block->v6 ? longest_v6 : longest_v4) || block->length == 0) {
          check_.error(path, fmt::format("/{} is not in /1 to /{} (Route 53 guide, IP-based "
                                         "routing)",
                                         block->length, block->v6 ? longest_v6 : longest_v4));
        }
      }
    }
  }

  void limits() {
    constexpr int most = 30;
    if (settings_.geoproximity_size() <= most) return;
    check_.error("geoproximity", fmt::format("{} records are above {} (Route 53 guide, Quotas)",
                                             settings_.geoproximity_size(), most));
  }

  const Settings& settings_;
  SettingsCheck& check_;
  std::vector<WrittenAnswer> answers_;
};

}  // namespace

void Route53Record::check(const Settings& settings, SettingsCheck& check) {
  Check(settings, check).run();
}

}  // namespace windtunnel
