#include "topologies/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "models/mechanisms/geography.hpp"
#include "models/registry.hpp"
#include "models/settings_check.hpp"
#include "topologies/names.hpp"
#include "topologies/quantity.hpp"
#include "topologies/reflect.hpp"

namespace windtunnel {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

std::string titled(const ComponentSettings& component) {
  return fmt::format("{} ({})", component.name, component.model);
}

std::string providers(const std::string& port) {
  std::vector<std::string> names;
  for (const auto& [name, entry] : models()) {
    if (provides(model_of(*entry.descriptor()), port)) names.push_back(name);
  }
  return names.empty() ? "no model does" : listed(names, "or");
}

class ZoneCheck {
 public:
  ZoneCheck(const Topology& topology, const ComponentSettings& component, Diagnostics& diagnostics)
      : topology_(topology), component_(component), diagnostics_(diagnostics) {}

  void run() {
    if (!region_is_known()) return;
    const RegionSettings* region = topology_.region_of(component_);
    if (region == nullptr) return;
    std::set<std::string> seen;
    for (const TextValue& value : text_values(*component_.settings)) {
      const std::string& field = value.field->name();
      if (field == "availability_zones") {
        exists(value, region->zones(), "in " + region->name);
        if (!seen.insert(value.text).second) error(value.path, shown(value.text) + " stands twice");
      } else if (field == "az" || field.ends_with("_az")) {
        exists(value, topology_.zones_of(component_), "of " + component_.name);
      }
    }
  }

 private:
  bool region_is_known() {
    const bool placed = component_.model_options().placed();
    const std::vector<std::string> named = texts_of(*component_.settings, "region");
    const std::vector<std::string> regions = topology_.region_names();
    if (!named.empty()) {
      if (contains(regions, named.front())) return true;
      error("region", fmt::format("no region {} in this topology{}", shown(named.front()),
                                  did_you_mean(named.front(), regions)));
      return false;
    }
    if (!placed || regions.size() == 1) return true;
    error("", regions.empty()
                  ? "lives in availability zones, but the topology has no regions"
                  : fmt::format("region is missing: the topology has {}", listed(regions)));
    return false;
  }

  void exists(const TextValue& value, const std::vector<std::string>& zones,
              const std::string& where) {
    if (contains(zones, value.text)) return;
    error(value.path, fmt::format("no availability zone {} {}, which has {}{}", shown(value.text),
                                  where, listed(zones), did_you_mean(value.text, zones)));
  }

  void error(const std::string& path, const std::string& text) {
    const std::string whole = path.empty() ? component_.name : join(component_.name, path);
    diagnostics_.error(component_.places.at(whole), fmt::format("{}: {}", whole, text));
  }

  const Topology& topology_;
  const ComponentSettings& component_;
  Diagnostics& diagnostics_;
};

// What a model hears and says when it checks settings of its own.
class ModelCheck final : public SettingsCheck {
 public:
  ModelCheck(const Topology& topology, const ComponentSettings& component, Sayings sayings,
             Diagnostics& diagnostics)
      : topology_(topology), component_(component), sayings_(sayings), diagnostics_(diagnostics) {}

  void error(const std::string& path, const std::string& text) override {
    if (sayings_ != Sayings::ERRORS) return;
    diagnostics_.error(component_.places.at(whole(path)), fmt::format("{}: {}", whole(path), text));
  }
  void warning(const std::string& path, const std::string& text) override {
    if (sayings_ != Sayings::NOTES) return;
    diagnostics_.warning(component_.places.at(whole(path)),
                         fmt::format("{}: {}", whole(path), text));
  }
  void note(const std::string& path, const std::string& text) override {
    if (sayings_ != Sayings::NOTES) return;
    diagnostics_.note(component_.places.at(whole(path)), fmt::format("{}: {}", whole(path), text));
  }
  bool given(const std::string& path) const override { return component_.places.has(whole(path)); }
  std::string did_you_mean(std::string_view text,
                           const std::vector<std::string>& candidates) const override {
    return windtunnel::did_you_mean(text, candidates);
  }
  std::vector<std::string> components() const override { return topology_.component_names(); }
  const Message* settings_of(const std::string& name) const override {
    const ComponentSettings* component = topology_.find(name);
    return component == nullptr ? nullptr : component->settings.get();
  }
  std::int64_t zones() const override {
    return static_cast<std::int64_t>(topology_.zones_of(component_).size());
  }
  std::optional<std::int64_t> instances(const std::string& name) const override {
    const ComponentSettings* component = topology_.find(name);
    return component == nullptr ? std::nullopt : topology_.host_of(*component).instances();
  }

 private:
  std::string whole(const std::string& path) const {
    return path.empty() ? component_.name : join(component_.name, path);
  }

  const Topology& topology_;
  const ComponentSettings& component_;
  const Sayings sayings_;
  Diagnostics& diagnostics_;
};

// The kind of a fault and whom it hits, whatever the kind.
struct Hit {
  const FieldDescriptor* kind;
  const Message* details;  // FaultTarget, SlowFault ...
  std::string target;
};

Hit hit_of(const settings::Fault& fault) {
  const google::protobuf::Reflection& reflection = *fault.GetReflection();
  const FieldDescriptor* kind =
      reflection.GetOneofFieldDescriptor(fault, fault.GetDescriptor()->FindOneofByName("kind"));
  if (kind == nullptr) return {nullptr, nullptr, ""};
  const Message& details = reflection.GetMessage(fault, kind);
  const std::vector<std::string> target = texts_of(details, "target");
  return {kind, &details, target.empty() ? "" : target.front()};
}

class FaultCheck {
 public:
  FaultCheck(const settings::Experiment& experiment, const Places& places, const Topology& topology,
             Diagnostics& diagnostics)
      : experiment_(experiment), places_(places), topology_(topology), diagnostics_(diagnostics) {}

  void run() {
    for (int i = 0; i < experiment_.faults_size(); ++i) {
      const settings::Fault& fault = experiment_.faults(i);
      const std::string path = fmt::format("faults.{}", i);
      if (experiment_.horizon() > 0 && fault.at() >= experiment_.horizon()) {
        error(path + ".at", fmt::format("{} is not before the horizon, {}", time(fault.at()),
                                        time(experiment_.horizon())));
      }
      const Hit hit = hit_of(fault);
      if (hit.kind == nullptr || hit.target.empty()) continue;
      target(hit, join(path, hit.kind->name()));
      if (!share_of(fault)) continue;
      std::vector<int>& earlier = shares_[{hit.kind, hit.target}];
      for (const int other : earlier) contradiction(other, i, hit);
      earlier.push_back(i);
    }
  }

 private:
  static std::string time(std::int64_t ns) { return format_quantity(ns, schema::DURATION); }

  void target(const Hit& hit, const std::string& path) {
    const schema::Field& options = options_of(*hit.kind);
    const std::vector<std::string> hits(options.hits().begin(), options.hits().end());
    if (contains(hits, "edge")) return edge(hit.target, path);
    const ComponentSettings* component = topology_.find(hit.target);
    if (component != nullptr) {
      is_hit(*component, hits, path);
    } else if (contains(topology_.zones(), hit.target)) {
      if (!contains(hits, "zone")) wrong_kind(path, hit.target, "an availability zone", hits);
    } else if (contains(topology_.region_names(), hit.target)) {
      if (!contains(hits, "region")) wrong_kind(path, hit.target, "a region", hits);
    } else {
      unknown(path, hit.target, hits);
    }
    if (hit.details->GetDescriptor() == settings::PartitionFault::descriptor()) {
      places(static_cast<const settings::PartitionFault&>(*hit.details), path);
    }
    if (hit.details->GetDescriptor() == settings::FaultTarget::descriptor()) {
      parts(static_cast<const settings::FaultTarget&>(*hit.details), component, path);
    }
  }

  void edge(const std::string& city, const std::string& path) {
    std::vector<std::string> cities;
    for (const Location& known : edges()) cities.emplace_back(known.code);
    if (!contains(cities, city)) {
      return error(path,
                   fmt::format("AWS has no edge in {}{}", shown(city), did_you_mean(city, cities)));
    }
    const auto& all = topology_.components;
    if (std::none_of(all.begin(), all.end(), [](const ComponentSettings& component) {
          return provides(component.model_options(), "edges");
        })) {
      error(path, fmt::format("nothing here has edges, as {} has", providers("edges")));
    }
  }

  void places(const settings::PartitionFault& partition, const std::string& path) {
    for (int i = 0; i < partition.from_size(); ++i) {
      const std::string& place = partition.from(i);
      if (contains(topology_.zones(), place) || find_location(place) != nullptr) continue;
      error(fmt::format("{}.from.{}", path, i),
            fmt::format("no place {}: a zone, a region, a country, a city with edges{}",
                        shown(place), did_you_mean(place, topology_.region_names())));
    }
  }

  void is_hit(const ComponentSettings& component, const std::vector<std::string>& hits,
              const std::string& path) {
    const auto accepts = [&](const std::string& hit) {
      return hit == "component" || provides(component.model_options(), hit);
    };
    if (std::any_of(hits.begin(), hits.end(), accepts)) return;
    wrong_kind(path, component.name, component.model, hits);
  }

  void wrong_kind(const std::string& path, const std::string& target, std::string_view is,
                  const std::vector<std::string>& hits) {
    error(path, fmt::format("{} is {}; this fault hits {}", target, is, described(hits)));
  }

  void unknown(const std::string& path, const std::string& target,
               const std::vector<std::string>& hits) {
    std::vector<std::string> candidates;
    const auto add = [&](const std::vector<std::string>& names) {
      candidates.insert(candidates.end(), names.begin(), names.end());
    };
    if (contains(hits, "zone")) add(topology_.zones());
    if (contains(hits, "region")) add(topology_.region_names());
    for (const ComponentSettings& component : topology_.components) {
      for (const std::string& hit : hits) {
        if (hit == "component" || provides(component.model_options(), hit)) {
          add({component.name});
        }
      }
    }
    error(path, fmt::format("no {} is there; this fault hits {}{}", shown(target), described(hits),
                            did_you_mean(target, candidates)));
  }

  static std::string described(const std::vector<std::string>& hits) {
    std::vector<std::string> words, ports;
    for (const std::string& hit : hits) {
      const bool is_port = hit != "zone" && hit != "region" && hit != "component";
      if (is_port) {
        ports.push_back(hit);
      } else {
        words.push_back(hit == "zone" ? "an availability zone" : "a " + hit);
      }
    }
    if (!ports.empty()) words.push_back("a component that provides " + listed(ports, "or"));
    return listed(words, "or");
  }

  void parts(const settings::FaultTarget& target, const ComponentSettings* component,
             const std::string& path) {
    if (component == nullptr &&
        (target.has_share() || target.has_count() || !target.az().empty())) {
      error(path, "share, count and az choose instances of a component");
      return;
    }
    const std::vector<std::string> zones = topology_.zones();
    if (!target.az().empty() && !contains(zones, target.az())) {
      error(path + ".az", fmt::format("no availability zone {}{}", shown(target.az()),
                                      did_you_mean(target.az(), zones)));
    }
    if (component == nullptr || !target.has_count()) return;
    const auto instances = topology_.host_of(*component).instances();
    if (instances && target.count() > *instances) {
      error(path + ".count", fmt::format("{} is above {}, the instances of {}", target.count(),
                                         *instances, component->name));
    }
  }

  // Effects compose where they can: powers off twice is off, factors multiply. Two shares at one
  // time do not: neither the larger nor the product is what was written.
  void contradiction(int earlier, int later, const Hit& hit) {
    const settings::Fault& a = experiment_.faults(earlier);
    const settings::Fault& b = experiment_.faults(later);
    if (!overlap(a, b) || share_of(a) == share_of(b)) return;
    error(fmt::format("faults.{}", later),
          fmt::format("contradicts faults.{}: another share of {} of {} at the same time", earlier,
                      hit.kind->name(), hit.target));
  }

  static std::optional<double> share_of(const settings::Fault& fault) {
    if (fault.has_errors()) return fault.errors().share();
    if (fault.has_packet_loss()) return fault.packet_loss().share();
    return std::nullopt;
  }

  static bool overlap(const settings::Fault& a, const settings::Fault& b) {
    const auto end = [](const settings::Fault& fault) {
      constexpr auto never = std::numeric_limits<std::int64_t>::max();
      if (!fault.has_lasting() || fault.lasting() > never - fault.at()) return never;
      return fault.at() + fault.lasting();
    };
    return a.at() < end(b) && b.at() < end(a);
  }

  void error(const std::string& path, const std::string& text) {
    diagnostics_.error(places_.at(path), fmt::format("{}: {}", path, text));
  }

  const settings::Experiment& experiment_;
  const Places& places_;
  const Topology& topology_;
  Diagnostics& diagnostics_;
  std::map<std::pair<const FieldDescriptor*, std::string>, std::vector<int>> shares_;
};

}  // namespace

void check_references(const Topology& topology, const std::vector<std::string>& declared,
                      Diagnostics& diagnostics) {
  for (const ComponentSettings& component : topology.components) {
    for (const Reference& reference : component.references()) {
      const std::string path = join(component.name, reference.path);
      const auto error = [&](const std::string& text) {
        diagnostics.error(component.places.at(path), fmt::format("{}: {}", path, text));
      };
      if (!contains(declared, reference.target)) {
        error(fmt::format("no component {}{}", shown(reference.target),
                          did_you_mean(reference.target, declared)));
        continue;
      }
      const ComponentSettings* target = topology.find(reference.target);
      if (target == nullptr || provides(target->model_options(), reference.port)) continue;
      error(fmt::format("{} does not provide '{}'; such is {}", titled(*target), reference.port,
                        providers(reference.port)));
    }
  }
}

void check_zones(const Topology& topology, Diagnostics& diagnostics) {
  for (const ComponentSettings& component : topology.components) {
    ZoneCheck(topology, component, diagnostics).run();
  }
}

void check_models(const Topology& topology, Sayings sayings, Diagnostics& diagnostics) {
  for (const ComponentSettings& component : topology.components) {
    ModelCheck check(topology, component, sayings, diagnostics);
    models().at(component.model).check(*component.settings, check);
  }
}

void check_faults(const settings::Experiment& experiment, const Places& places,
                  const Topology& topology, Diagnostics& diagnostics) {
  FaultCheck(experiment, places, topology, diagnostics).run();
}

}  // namespace windtunnel
