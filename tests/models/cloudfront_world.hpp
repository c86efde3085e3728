// A distribution in front of origins that do what a test tells them, and viewers in cities. Nothing
// takes time on the network unless a test asks for distances.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/mechanisms/geography.hpp"
#include "models/network/cloudfront_distribution.hpp"
#include "models/network/cloudfront_distribution.pb.h"
#include "tests/support/scripted.hpp"
#include "tests/support/stub_service.hpp"
#include "topologies/load.hpp"

namespace windtunnel::test {

// Whoever is wired last has the last word on distances.
class NoDistances final : public sim::Component {
 public:
  explicit NoDistances(sim::Simulation& sim) : Component(sim, "no distances") {}
  void wire(sim::Wiring&) override {
    sim::Network& network = sim().network();
    for (sim::ZoneId a = 0; a < network.zones(); ++a) {
      for (sim::ZoneId b = a; b < network.zones(); ++b) network.set_one_way(a, b, {});
    }
  }
};

// Viewers in one city, each request by itself.
class Viewers final : public sim::Component {
 public:
  Viewers(sim::Simulation& sim, const std::string& city, CloudFrontDistribution& cdn)
      : Component(sim, "viewers in " + city), cdn_(cdn), place_(*find_location(city)) {
    set_zone(outside_zone(sim.network(), "viewers in " + city, place_, {}));
  }
  void wire(sim::Wiring&) override { connect_by_geography(sim().network(), zone_of(0)); }

  void call(const std::string& path = "/", sim::Operation operation = sim::Operation::read) {
    sim::Stream chance(1);
    const Resolution edge =
        cdn_.resolve({.operation = operation, .chance = chance, .from = &place_});
    const sim::Handle handle = sim().open_call(*this, 0, operation);
    sim().call(handle).request_class = sim().number_of({"", path});
    sim().send(handle, edge.addresses.at(0));
  }
  void on_answer(sim::Call& call, sim::Handle) override {
    ended.push_back({sim().now() - sim::time_zero, sim().now() - call.opened, call.outcome});
  }

  struct End {
    sim::Duration at, took;
    sim::Outcome outcome;
  };
  std::vector<End> ended;

 private:
  CloudFrontDistribution& cdn_;
  const Location& place_;
};

struct CloudFrontWorld {
  // `settings` of the distribution as in a topology. Origins may be web (us-east-1), standby
  // (us-west-2, its host's zone) and eu (eu-west-1). A catalogue of one object makes all requests
  // for a path the same.
  explicit CloudFrontWorld(const std::string& settings, bool distances = false,
                           sim::Duration horizon = std::chrono::hours(1))
      : sim({.horizon = horizon}) {
    for (const char* region : {"us-east-1", "us-west-2", "eu-west-1"}) {
      sim.network().add_zone(fmt::format("{}a", region), region);
    }
    web = &add<StubService>("web", 1u, sim::ZoneId{0});
    standby = &add<StubService>("standby", 1u, sim::ZoneId{1});
    eu = &add<StubService>("eu", 1u, sim::ZoneId{2});
    cdn = &add<CloudFrontDistribution>("cdn", read(settings));
    script = &add_script(sim);
    for (const char* city : {"Frankfurt", "Berlin", "Tokyo"}) {
      viewers.push_back(&add<Viewers>(city, *cdn));
    }
    if (!distances) sim.add(std::make_unique<NoDistances>(sim));
  }

  template <typename T, typename... Arguments>
  T& add(const std::string& name, Arguments&&... arguments) {
    return static_cast<T&>(
        sim.add(std::make_unique<T>(sim, name, std::forward<Arguments>(arguments)...)));
  }
  static settings::CloudFrontDistribution read(const std::string& settings) {
    Diagnostics diagnostics;
    const auto experiment = read_experiment(
        fmt::format("{{experiment: e, question: q, horizon: 1h, topology: {{regions: {{us-east-1: "
                    "{{}}}}, components: {{cdn: {{cloudfront_distribution: {{{}}}}}, "
                    "web: {{station: {{service_time: 1s}}}}, "
                    "standby: {{station: {{service_time: 1s}}}}, "
                    "eu: {{station: {{service_time: 1s}}}}, "
                    "users: {{client: {{target: cdn, open: {{poisson: 1/s}}}}}}}}}}}}",
                    settings),
        "test.yaml", {}, diagnostics);
    if (!experiment) throw std::runtime_error(diagnostics.print());
    for (const auto& component : experiment->topology.components) {
      if (component.name != "cdn") continue;
      return static_cast<const settings::CloudFrontDistribution&>(*component.settings);
    }
    throw std::runtime_error("no distribution was read");
  }
  // From Frankfurt.
  void call_at(std::initializer_list<sim::Duration> dates, const std::string& path = "/") {
    for (const sim::Duration date : dates) {
      script->at(date, [this, path] { viewers[0]->call(path); });
    }
  }
  void write_at(sim::Duration date) {
    script->at(date, [this] { viewers[0]->call("/", sim::Operation::write); });
  }
  const std::vector<Viewers::End>& ended() const { return viewers[0]->ended; }
  std::vector<sim::Duration> times() const {
    std::vector<sim::Duration> all;
    for (const auto& end : ended()) all.push_back(end.took);
    return all;
  }
  std::vector<sim::Outcome> outcomes() const {
    std::vector<sim::Outcome> all;
    for (const auto& end : ended()) all.push_back(end.outcome);
    return all;
  }

  sim::Simulation sim;
  StubService *web, *standby, *eu;
  CloudFrontDistribution* cdn;
  Script* script;
  std::vector<Viewers*> viewers;
};

}  // namespace windtunnel::test
