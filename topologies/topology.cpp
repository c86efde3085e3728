#include "topologies/topology.hpp"

#include "topologies/reflect.hpp"

namespace windtunnel {

std::vector<std::string> RegionSettings::zones() const {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < settings.availability_zones(); ++i) {
    names.push_back(name + static_cast<char>('a' + i));
  }
  return names;
}

const schema::Model& ComponentSettings::model_options() const {
  return model_of(*settings->GetDescriptor());
}

std::vector<Reference> ComponentSettings::references() const {
  std::vector<Reference> references;
  for (const TextValue& value : text_values(*settings)) {
    const schema::Field& options = options_of(*value.field);
    if (options.reference().empty()) continue;
    references.push_back({value.path, value.text, options.reference(),
                          options.asynchronous() || options.feeds(), options.feeds(),
                          options.alternative()});
  }
  return references;
}

std::optional<std::int64_t> ComponentSettings::instances() const {
  for (const google::protobuf::FieldDescriptor* field : fields_of(*settings->GetDescriptor())) {
    const schema::Field& options = options_of(*field);
    if (!options.has_instances()) continue;
    const google::protobuf::Message& holder = holder_of(*settings, *field);
    return holder.GetReflection()->GetInt64(holder, field) + options.instances();
  }
  return std::nullopt;
}

const ComponentSettings* Topology::find(const std::string& component) const {
  for (const ComponentSettings& candidate : components) {
    if (candidate.name == component) return &candidate;
  }
  return nullptr;
}

std::vector<std::string> Topology::component_names() const {
  std::vector<std::string> names;
  for (const ComponentSettings& component : components) names.push_back(component.name);
  return names;
}

std::vector<std::string> Topology::region_names() const {
  std::vector<std::string> names;
  for (const RegionSettings& region : regions) names.push_back(region.name);
  return names;
}

std::vector<std::string> Topology::zones() const {
  std::vector<std::string> names;
  for (const RegionSettings& region : regions) {
    for (std::string& zone : region.zones()) names.push_back(std::move(zone));
  }
  return names;
}

const RegionSettings* Topology::region_of(const ComponentSettings& component) const {
  const std::vector<std::string> named = texts_of(*component.settings, "region");
  if (named.empty()) return regions.size() == 1 ? &regions.front() : nullptr;
  for (const RegionSettings& region : regions) {
    if (region.name == named.front()) return &region;
  }
  return nullptr;
}

std::vector<std::string> Topology::zones_of(const ComponentSettings& component) const {
  if (!component.model_options().placed()) return {};
  std::vector<std::string> named = texts_of(*component.settings, "availability_zones");
  if (!named.empty()) return named;
  const RegionSettings* region = region_of(component);
  return region == nullptr ? named : region->zones();
}

const ComponentSettings& Topology::host_of(const ComponentSettings& component) const {
  for (const Reference& reference : component.references()) {
    if (reference.port != "fleet") continue;
    if (const ComponentSettings* host = find(reference.target); host != nullptr) return *host;
  }
  return component;
}

}  // namespace windtunnel
