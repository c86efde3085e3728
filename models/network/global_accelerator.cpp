#include "models/network/global_accelerator.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/mechanisms/settings.hpp"
#include "models/network/global_accelerator.pb.h"
#include "models/registry.hpp"
#include "sim/hash.hpp"

namespace windtunnel {

using sim::Call;
using sim::Handle;

namespace {

constexpr int other_groups_tried = 3;
constexpr std::uint32_t any_destination = 0;  // of flows: it does not tell them apart

Flows::Settings flows_of(const settings::GlobalAccelerator& settings) {
  const bool udp = settings.protocol() == settings::GlobalAccelerator::UDP;
  const sim::Duration usual{std::chrono::seconds(udp ? 30 : 340)};
  return {
      .idle_timeout = settings.has_idle_timeout() ? to_duration(settings.idle_timeout()) : usual,
      .datagrams = udp};
}

}  // namespace

// An edge of AWS's network, in a zone of its own, with both addresses.
class GlobalAccelerator::Edge final : public sim::Entity, public Flows::Owner {
 public:
  Edge(GlobalAccelerator& owner, const Location& city, sim::ZoneId zone)
      : Entity(owner, fmt::format("edge {}", city.code)), owner_(owner) {
    set_zone(zone);
    for (const Group& group : owner.groups_) by_distance.push_back(&group);
    sort_groups(city);
    flows.emplace(*this, fmt::format("flows of edge {}", city.code), *this, owner.flow_settings_,
                  owner.flow_counts());
    owner.flow_metrics_->add(*flows);
  }

  // Its addresses are announced from another city, which knows none of the connections.
  void move_to(const Location& city, sim::ZoneId zone) {
    set_zone(zone);
    flows->set_place(zone);
    flows->reset(any_destination, Flows::Told::with_the_next_packet);
    sort_groups(city);
  }

  void on_connect(Call& call, Handle handle) override { flows->connect(call, handle); }
  void on_request(Call& call, Handle handle) override { flows->request(call, handle); }
  std::optional<Flows::Route> route(std::uint32_t, const Call& opening) override {
    return owner_.route(*this, opening);
  }

  std::optional<Flows> flows;
  std::vector<const Group*> by_distance;

 private:
  void sort_groups(const Location& city) {
    std::stable_sort(by_distance.begin(), by_distance.end(), [&](const Group* a, const Group* b) {
      return round_trip(city, *a->place) < round_trip(city, *b->place);
    });
  }

  GlobalAccelerator& owner_;
};

GlobalAccelerator::GlobalAccelerator(sim::Simulation& sim, const std::string& name,
                                     const settings::GlobalAccelerator& settings)
    : Component(sim, name),
      flow_settings_(flows_of(settings)),
      by_source_(settings.client_affinity() == settings::GlobalAccelerator::SOURCE_IP),
      backbone_(settings.backbone()),
      refresh_(to_duration(settings.health_refresh())),
      deployment_(to_distribution(settings.deployment())),
      control_planes_(ControlPlanes::of(sim)),
      lost_(edges().size()),
      edges_(edges().size()),
      flow_hash_(stream("flow hash")),
      phase_chance_(stream("phase of health")),
      dns_chance_(stream("dns")),
      deployment_chance_(stream("deployment")) {
  for (const auto& g : settings.endpoint_groups()) {
    const auto& check = g.health_check();
    const auto type = check.protocol() == settings::GlobalAccelerator::HealthCheck::TCP
                          ? Route53Checkers::Type::tcp
                          : Route53Checkers::Type::http;
    Group& group = groups_.emplace_back(Group{
        g.endpoint_group_region(), find_location(g.endpoint_group_region()), g.traffic_dial(), {}});
    for (const auto& e : g.endpoints()) {
      group.endpoints.push_back(
          {.name = e.has_load_balancer() ? e.load_balancer() : e.instance(),
           .weight = static_cast<double>(e.weight()),
           .load_balancer = e.has_load_balancer(),
           .checks = {.interval = to_duration(check.interval()),
                      .failure_threshold = static_cast<std::uint32_t>(check.threshold()),
                      .type = type}});
    }
  }
  for (Group& group : groups_) {
    for (Endpoint& endpoint : group.endpoints) {
      endpoints_.emplace_back(&group, &endpoint);
      if (!endpoint.load_balancer) {
        Route53Checkers::zones_of_checkers(sim, endpoint.checks.one_way);
      }
    }
  }
  for (const Location& city : edges()) {
    zones_.push_back(edge_zone(sim.network(), city));
  }
  default_city_ = nearest_edge(*groups_.front().place, lost_);
  publish_metrics(settings);
}

GlobalAccelerator::~GlobalAccelerator() = default;

void GlobalAccelerator::wire(sim::Wiring& wiring) {
  for (const auto& [group, endpoint] : endpoints_) {
    endpoint->service = &wiring.find<Callable>(endpoint->name);
    if (endpoint->load_balancer) continue;
    Route53Checkers::Listener& listener = *this;
    endpoint->checkers =
        std::make_unique<Route53Checkers>(*this, *endpoint->service, endpoint->checks, listener);
  }
}

void GlobalAccelerator::start() {
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    if (endpoints_[i].second->checkers != nullptr) endpoints_[i].second->checkers->start();
    const double phase = sim::seconds(refresh_) * phase_chance_.uniform();
    sim().after<&GlobalAccelerator::on_look_due>(sim::from_seconds(phase), this, i,
                                                 sim::Turn::control);
  }
}

// --- addresses

GlobalAccelerator::Edge& GlobalAccelerator::edge_at(std::size_t city) {
  if (edges_[city] != nullptr) return *edges_[city];
  const std::size_t at = nearest_edge(edges()[city], lost_);
  connect(at);
  edges_[city] = std::make_unique<Edge>(*this, edges()[city], zones_[city]);
  if (at != city) edges_[city]->move_to(edges()[at], zones_[at]);
  return *edges_[city];
}

void GlobalAccelerator::connect(std::size_t city) {
  const sim::ZoneId zone = zones_[city];
  sim::Network& network = sim().network();
  connect_by_geography(network, zone);
  for (const Group& group : groups_) {
    for (const sim::ZoneId there : network.zones_of(group.region)) {
      const double way = sim::seconds(network.one_way(zone, there)) * backbone_;
      network.set_one_way(zone, there, sim::from_seconds(way));
    }
  }
}

void GlobalAccelerator::set_lost(sim::ZoneId zone, bool lost) {
  const auto found = std::find(zones_.begin(), zones_.end(), zone);
  if (found == zones_.end()) return;
  lost_[static_cast<std::size_t>(found - zones_.begin())] = lost;
  for (std::size_t city = 0; city < edges_.size(); ++city) {
    if (edges_[city] == nullptr) continue;
    const std::size_t at = nearest_edge(edges()[city], lost_);
    if (edges_[city]->zone_of(0) == zones_[at]) continue;
    connect(at);
    edges_[city]->move_to(edges()[at], zones_[at]);
    sim().note(
        lost ? sim::Milestone::action_finished : sim::Milestone::none, *this,
        fmt::format("clients of the edge in {} come to {}", edges()[city].code, edges()[at].code));
  }
}

Resolution GlobalAccelerator::resolve(const Query& query) {
  Edge& edge = edge_at(query.client == nullptr ? default_city_ : city_nearest_to(*query.client));
  return {.addresses = {{&edge, 0, 0}, {&edge, 1, 0}}};
}

// Found once for each place.
std::size_t GlobalAccelerator::city_nearest_to(const Location& client) {
  for (const auto& [place, city] : nearest_) {
    if (place == &client) return city;
  }
  nearest_.emplace_back(&client, nearest_edge(client, std::vector<bool>(edges().size())));
  return nearest_.back().second;
}

bool GlobalAccelerator::healthy() const {
  return std::any_of(endpoints_.begin(), endpoints_.end(),
                     [](const auto& it) { return it.second->healthy; });
}

// --- the way of a new connection

// Between 0 and 1: by the packets' addresses and ports, which are as good as chance, or by the
// client's address alone.
double GlobalAccelerator::draw_for(const Call& opening, std::uint64_t purpose) {
  if (!by_source_ || !opening.connection) return flow_hash_.uniform();
  sim::Stream of_client(sim::stream_key(sim().options().seed, sim().options().replication,
                                        name_hash() ^ (purpose << 32 | opening.connection.slot()),
                                        "source address"));
  return of_client.uniform();
}

std::optional<Flows::Route> GlobalAccelerator::route(const Edge& edge, const Call& opening) {
  const Group* chosen = group_for(edge.by_distance, draw_for(opening, 1));
  const Group* group = failover(edge.by_distance, chosen);
  const bool open = group == nullptr;
  if (open) metric.fail_open.add();
  return endpoint_of(open ? *edge.by_distance.front() : *group, open, draw_for(opening, 2));
}

// As the dials have it. One draw serves all groups: what a group turns away is as uniform as
// before.
const GlobalAccelerator::Group* GlobalAccelerator::group_for(
    const std::vector<const Group*>& by_distance, double draw) const {
  for (const Group* group : by_distance) {
    if (draw < group->dial) return group;
    draw = (draw - group->dial) / (1 - group->dial);
  }
  const auto open = std::find_if(by_distance.begin(), by_distance.end(),
                                 [](const Group* group) { return group->dial > 0; });
  return open == by_distance.end() ? by_distance.front() : *open;
}

namespace {
template <typename Group>
bool has_healthy(const Group& group) {
  return std::any_of(group.endpoints.begin(), group.endpoints.end(),
                     [](const auto& it) { return it.healthy && it.weight > 0; });
}
}  // namespace

const GlobalAccelerator::Group* GlobalAccelerator::failover(
    const std::vector<const Group*>& by_distance, const Group* chosen) {
  if (has_healthy(*chosen)) return chosen;
  int tried = 0;
  for (const Group* group : by_distance) {
    if (group == chosen) continue;
    if (tried++ == other_groups_tried) break;
    if (!has_healthy(*group)) continue;
    metric.failed_over.add();
    return group;
  }
  return nullptr;
}

std::optional<Flows::Route> GlobalAccelerator::endpoint_of(const Group& group, bool any,
                                                           double draw) {
  const auto weight_of = [&](const Endpoint& it) {
    return any ? 1.0 : it.healthy ? it.weight : 0.0;
  };
  double total = 0;
  for (const Endpoint& it : group.endpoints) total += weight_of(it);
  double left = draw * total;
  const Endpoint* found = nullptr;
  for (const Endpoint& it : group.endpoints) {
    if (weight_of(it) == 0) continue;
    found = &it;
    if (left < weight_of(it)) break;
    left -= weight_of(it);
  }
  if (found == nullptr) return std::nullopt;
  const Resolution answer = found->service->resolve({.operation = sim::Operation::read,
                                                     .chance = dns_chance_,
                                                     .from = group.place,
                                                     .client = group.place});
  if (answer.addresses.empty()) return std::nullopt;
  return Flows::Route{answer.addresses.front(), any_destination};
}

// --- changes

GlobalAccelerator::Group* GlobalAccelerator::group_in(const std::string& region) {
  const auto found = std::find_if(groups_.begin(), groups_.end(),
                                  [&](const Group& group) { return group.region == region; });
  return found == groups_.end() ? nullptr : &*found;
}

std::optional<std::string> GlobalAccelerator::update_endpoint_group(
    const EndpointGroupChange& change) {
  auto refused =
      control_planes_.refusal(ControlPlanes::Service::global_accelerator, "UpdateEndpointGroup");
  if (refused) return refused;
  WT_CHECK(group_in(change.region) != nullptr,
           "an endpoint group that the check accepted is there");
  sim().note(sim::Milestone::action_started, *this,
             fmt::format("a change of its endpoint group in {} is IN_PROGRESS", change.region));
  changes_.push_back(change);
  sim().after<&GlobalAccelerator::on_deployed>(deployment_.sample(deployment_chance_), this,
                                               changes_.size() - 1, sim::Turn::control);
  return std::nullopt;
}

void GlobalAccelerator::on_deployed(std::uint64_t number) {
  const EndpointGroupChange& change = changes_[number];
  Group& group = *group_in(change.region);
  group.dial = change.traffic_dial.value_or(group.dial);
  for (const auto& [name, weight] : change.weights) {
    for (Endpoint& endpoint : group.endpoints) {
      if (endpoint.name == name) endpoint.weight = weight;
    }
  }
  sim().note(sim::Milestone::action_finished, *this,
             fmt::format("the change of its endpoint group in {} is DEPLOYED", change.region));
}

// --- health

// A load balancer that nobody reaches has nobody to tell of its health.
bool GlobalAccelerator::is_well(const Endpoint& endpoint) {
  if (endpoint.checkers != nullptr) return endpoint.checkers->healthy();
  if (!endpoint.service->healthy()) return false;
  const Resolution answer =
      endpoint.service->resolve({.operation = sim::Operation::health_check, .chance = dns_chance_});
  return std::any_of(answer.addresses.begin(), answer.addresses.end(), [&](const auto& address) {
    return sim().network().reaches(zones_[default_city_], address.entity->zone_of(address.node));
  });
}

void GlobalAccelerator::on_look_due(std::uint64_t number) {
  sim().after<&GlobalAccelerator::on_look_due>(refresh_, this, number, sim::Turn::control);
  const auto& [group, endpoint] = endpoints_[number];
  const bool well = is_well(*endpoint);
  if (well == endpoint->healthy) return;
  endpoint->healthy = well;
  sim().note(well ? sim::Milestone::none : sim::Milestone::detection, *this,
             fmt::format("endpoint {} in {} is {}", endpoint->name, group->region,
                         well ? "healthy" : "unhealthy"));
  if (well || has_healthy(*group)) return;
  sim().note(sim::Milestone::action_finished, *this,
             fmt::format("new connections leave {}: no endpoint is healthy", group->region));
}

// --- CloudWatch

namespace {
enum Which : std::uint32_t { healthy_endpoints, unhealthy_endpoints, kinds };
}  // namespace

void GlobalAccelerator::publish_metrics(const settings::GlobalAccelerator& settings) {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  CloudWatch::Publication whole{.component = name(),
                                .space = "AWS/GlobalAccelerator",
                                .name = {},
                                .dimensions = {{"Accelerator", name()}},
                                .delay = to_distribution(settings.metric_delay())};
  flow_metrics_.emplace(sim(), whole, flow_counts());
  cloudwatch.publish_growth(whole.named(metric.dropped.name()), metric.dropped);
  for (std::uint32_t g = 0; g < groups_.size(); ++g) {
    CloudWatch::Publication part = whole;
    part.component = fmt::format("{}/{}", name(), groups_[g].region);
    part.dimensions.emplace_back("EndpointGroup", groups_[g].region);
    cloudwatch.publish(part.named("HealthyEndpointCount"), *this, g * kinds + healthy_endpoints);
    cloudwatch.publish(part.named("UnhealthyEndpointCount"), *this,
                       g * kinds + unhealthy_endpoints);
  }
}

void GlobalAccelerator::collect(std::uint32_t which, sim::Time, sim::Time, StatisticSet& out) {
  std::uint32_t count = 0;
  for (const Endpoint& endpoint : groups_[which / kinds].endpoints) {
    count += endpoint.healthy == (which % kinds == healthy_endpoints);
  }
  out.add(count);
}

REGISTER_MODEL(GlobalAccelerator, settings::GlobalAccelerator);

}  // namespace windtunnel
