// Texts as files named web.yaml, and what is said about them.
#pragma once

#include <string>
#include <vector>

#include "topologies/graph.hpp"
#include "topologies/load.hpp"

namespace windtunnel {

using Sets = std::vector<std::string>;

// An experiment around components (indented by four) and faults (a flow list).
inline std::string experiment_of(const std::string& components, const std::string& faults = "[]") {
  return "experiment: test\n"
         "horizon: 60min\n"
         "faults: " +
         faults +
         "\n"
         "topology:\n"
         "  regions: {us-east-1: {availability_zones: 3}}\n"
         "  components:\n" +
         components;
}

// Client, balancer, service, group and database, one a line from line 7.
inline std::string web_components() {
  return "    users: {client: {target: web-alb, open: {poisson: 400/s}}}\n"
         "    web-alb: {application_load_balancer: {targets: web}}\n"
         "    web: {ec2_service: {on: web-asg, service_time: 12ms, calls: [{to: db}]}}\n"
         "    web-asg: {auto_scaling_group: {size: 6}}\n"
         "    db: {aurora_cluster: {readers: 2}}\n";
}

// Everything said about an experiment, as the user sees it.
inline std::string said(const std::string& text, const Sets& sets = {}) {
  Diagnostics diagnostics;
  read_experiment(text, "web.yaml", sets, diagnostics);
  return diagnostics.print();
}

inline std::string said_of_topology(const std::string& text, const Sets& sets = {}) {
  Diagnostics diagnostics;
  read_topology(text, "web.yaml", sets, diagnostics);
  return diagnostics.print();
}

// The findings of the graph alone; the topology must be without errors.
inline std::string findings(const std::string& text) {
  Diagnostics diagnostics;
  const auto topology = read_topology(text, "web.yaml", {}, diagnostics);
  if (!topology) return "not read: " + diagnostics.print();
  check_graph(*topology, diagnostics);
  return diagnostics.print();
}

// The settings of a component as Protobuf writes them in one line.
inline std::string settings_of(const Topology& topology, const std::string& component) {
  const ComponentSettings* found = topology.find(component);
  return found == nullptr ? "none" : found->settings->ShortDebugString();
}

}  // namespace windtunnel
