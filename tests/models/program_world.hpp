// An ec2_service on a fleet that a test moves by hand: no group, no load balancer in the way.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/compute/ec2_service.hpp"
#include "models/compute/ec2_service.pb.h"
#include "tests/support/machine.hpp"
#include "tests/support/scripted.hpp"
#include "tests/support/yaml_run.hpp"
#include "topologies/reader.hpp"

namespace windtunnel::test {

class HandFleet final : public sim::Component, public Fleet {
 public:
  HandFleet(sim::Simulation& sim, std::uint32_t hosts, std::uint32_t serving, InstanceType type)
      : Component(sim, "fleet"), serving_(serving), type_(std::move(type)), records(hosts) {
    for (std::uint32_t i = 0; i < hosts; ++i) {
      nodes_.push_back({sim.platform().add_host(fmt::format("host{}", i), 0, this, i), 0});
    }
  }
  void start() override {
    for (std::uint32_t i = 0; i < serving_; ++i) in_service_now(i);
  }
  void in_service_now(std::uint32_t instance) {
    for (FleetObserver* o : observers_) o->on_instance_in_service(instance);
    running_.push_back(instance);
  }
  void terminate(std::uint32_t instance) {
    std::erase(running_, instance);
    for (FleetObserver* o : observers_) o->on_instance_terminating(instance);
    for (FleetObserver* o : observers_) o->on_instance_terminated(instance);
  }

  std::uint32_t max_instances() const override { return static_cast<std::uint32_t>(nodes_.size()); }
  sim::HostId instance_host(std::uint32_t instance) const override { return nodes_[instance].host; }
  void observe_fleet(FleetObserver& observer) override { observers_.push_back(&observer); }
  void report_elb_health(std::uint32_t, bool) override {}
  void set_deregistration_delay(sim::Duration) override {}
  std::vector<std::uint32_t> in_service() const override { return running_; }
  const InstanceType& instance_type(std::uint32_t) const override { return type_; }
  const LaunchRecord& launch_record(std::uint32_t instance) const override {
    return records[instance];
  }
  bool scales() const override { return scales_; }

 private:
  std::uint32_t serving_;
  InstanceType type_;
  std::vector<FleetObserver*> observers_;
  std::vector<std::uint32_t> running_;

 public:
  std::vector<LaunchRecord> records;
  bool scales_ = true;
};

struct ProgramWorld {
  struct Shape {
    sim::Duration horizon{std::chrono::hours(1)};
    sim::Duration warm_up{0};
    std::uint32_t hosts = 4, serving = 1;
    std::string type{};  // of the instances
  };
  // `settings` as in a file, without `on`.
  ProgramWorld(const std::string& settings, const Shape& shape)
      : sim({.horizon = shape.horizon, .warm_up = shape.warm_up}),
        fleet(fleet_of(sim, shape)),
        web(service_of(sim, settings)),
        script(add_script(sim)) {}

  // A machine whose calls go to the service; a test opens them.
  Machine& machine() {
    return static_cast<Machine&>(sim.add(std::make_unique<Machine>(
        sim, web, connection, sim::horizon_limit, fmt::format("m{}", sim.components().size()))));
  }
  // A call every `gap` from `from` until `to`.
  void load(Machine& machine, sim::Duration from, sim::Duration to, sim::Duration gap) {
    for (sim::Duration at = from; at < to; at += gap) script.at(at, [&machine] { machine.call(); });
  }
  double metric(const std::string& name, const std::string& statistic = "sum") const {
    return metric_of(sim, "web", name, statistic);
  }

  sim::Simulation sim;
  sim::ZoneId zone = sim.network().add_zone("us-east-1a", "us-east-1");
  HandFleet& fleet;
  Ec2Service& web;
  Script& script;
  Connector::Settings connection{.connect_timeout = std::chrono::seconds(1),
                                 .idle_timeout = sim::horizon_limit};

 private:
  static HandFleet& fleet_of(sim::Simulation& sim, const Shape& shape) {
    const InstanceType* type = shape.type.empty() ? nullptr : find_instance_type(shape.type);
    return static_cast<HandFleet&>(sim.add(std::make_unique<HandFleet>(
        sim, shape.hosts, shape.serving, type == nullptr ? InstanceType{} : *type)));
  }
  static Ec2Service& service_of(sim::Simulation& sim, const std::string& text) {
    Diagnostics diagnostics;
    Readings readings;
    settings::Ec2Service settings;
    const auto node = parse_document("{on: fleet, " + text + "}", "test.yaml", diagnostics);
    if (node)
      read_message(*node, {"web", "ec2_service", node->place}, settings, readings, diagnostics);
    if (diagnostics.errors() > 0) throw std::runtime_error(diagnostics.print());
    return static_cast<Ec2Service&>(sim.add(std::make_unique<Ec2Service>(sim, "web", settings)));
  }
};

}  // namespace windtunnel::test
