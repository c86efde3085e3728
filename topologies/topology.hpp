// A topology that has been read: regions, network, components with their settings, all in the
// file's order.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/schema.pb.h"
#include "topologies/diagnostics.hpp"
#include "topologies/reader.hpp"
#include "topologies/topology.pb.h"

namespace windtunnel {

struct RegionSettings {
  std::string name;
  settings::Region settings;
  Place place;

  std::vector<std::string> zones() const;  // us-east-1a, us-east-1b ...
};

// A setting that names another component: an edge of the graph.
struct Reference {
  std::string path;    // within the settings: "calls.0.to"
  std::string target;  // the component named
  std::string port;  // what it must provide; "fleet": the component lives on the target's instances
  bool asynchronous = false;
  bool feeds = false;        // the target feeds the component: the edge goes the other way
  bool alternative = false;  // another one of the component's can do the same
};

struct ComponentSettings {
  std::string name;
  std::string model;  // a key of models()
  std::unique_ptr<google::protobuf::Message> settings;
  Place place;    // of the name
  Places places;  // of the given settings, by path: "web.calls.0.to"

  const schema::Model& model_options() const;
  std::vector<Reference> references() const;
  // Of the fields that count instances; none if there is no such field.
  std::optional<std::int64_t> instances() const;
};

struct Topology {
  std::vector<RegionSettings> regions;
  settings::Network network;
  std::vector<ComponentSettings> components;
  std::vector<Assumption> assumptions;  // of regions, network and components
  Place place;

  const ComponentSettings* find(const std::string& component) const;  // nullptr: none
  std::vector<std::string> component_names() const;
  std::vector<std::string> region_names() const;
  std::vector<std::string> zones() const;  // of all regions

  // The region that the component names, or the only one; nullptr if there is none such.
  const RegionSettings* region_of(const ComponentSettings& component) const;
  // Where a placed component lives: the zones it names, or all of its region. Empty for one that is
  // not placed.
  std::vector<std::string> zones_of(const ComponentSettings& component) const;
  // The component on whose instances it runs (port "fleet"), or itself.
  const ComponentSettings& host_of(const ComponentSettings& component) const;
};

}  // namespace windtunnel
