// The world in SimGrid 3.32: regions and zones are netzones, instances are hosts, network
// interfaces, uplinks and paths are links, procedures are actors, bulk transfers are
// communications. The only file that knows SimGrid.
//
// The calendar plugs in as a kernel model that may run ahead (the hook ns-3 uses). Events and
// operations run in there and touch nothing of SimGrid's. What an operation switched and the
// procedures it woke, one at a time, wait for on_date(), when SimGrid's clock has come to the
// operation's date; the next operation waits for them. So actors interleave as the flat platform's
// fibers do, and nobody sees half a fault. sim/README.md has the rules and the measurements behind
// them.
#include <fmt/format.h>

#include <csignal>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <simgrid/kernel/resource/Model.hpp>
#include <simgrid/s4u.hpp>
#include <string>
#include <utility>

#include "sim/platform.hpp"
#include "sim/simulation.hpp"

namespace windtunnel::sim {

namespace {

namespace s4u = simgrid::s4u;
using Direction = s4u::LinkInRoute::Direction;

// AWS publishes no bandwidth of an availability zone's uplink or of a path; so wide that network
// interfaces are the bottleneck unless set_zone_bandwidth() says otherwise.
constexpr double wide = 1.25e13;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

// SimGrid ends what is due within this many seconds of its clock; by default 1e-5, so that a
// transfer would end 10 us early whenever something else happens then. No finer than the clock's
// double is at the horizon.
double clock_precision(Time horizon) {
  const double end = std::max(seconds(horizon), 1.0);
  return std::max(1e-9, 2 * (std::nextafter(end, 2 * end) - end));
}

// Engines take over the program's signals; its own handlers come back when this goes.
class KeepSignals {
 public:
  KeepSignals() {
    sigaction(SIGINT, nullptr, &interrupt_);
    sigaction(SIGSEGV, nullptr, &fault_);
  }
  ~KeepSignals() {
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGSEGV, &fault_, nullptr);
  }
  KeepSignals(const KeepSignals&) = delete;
  KeepSignals& operator=(const KeepSignals&) = delete;

 private:
  struct sigaction interrupt_ {
  }, fault_{};
};

// A netzone with the router that its routes end at.
struct Netzone {
  s4u::NetZone* zone = nullptr;
  simgrid::kernel::routing::NetPoint* router = nullptr;
  s4u::SplitDuplexLink* uplink = nullptr;
};

// A star: what leaves it goes through the uplink.
Netzone make_star(const std::string& name, s4u::NetZone* parent, double bandwidth) {
  Netzone made;
  made.zone = s4u::create_star_zone(name)->set_parent(parent);
  made.router = made.zone->create_router("router of " + name);
  made.uplink = made.zone->create_split_duplex_link("uplink of " + name, bandwidth);
  made.uplink->seal();
  // Seen from the router: what comes in goes down the link, what goes out goes up.
  made.zone->add_route(made.router, nullptr, nullptr, nullptr, {{made.uplink, Direction::DOWN}});
  return made;
}

}  // namespace

class SimgridPlatform final : public Platform {
 public:
  using Platform::Platform;

  void run() override;

 private:
  class Plane;
  struct Actor final : Procedure::Context {
    s4u::SemaphorePtr turn = s4u::Semaphore::create(0);  // released when its code may go on
  };

  void make_engine();
  void make_world();
  void make_zones(s4u::NetZone* world, std::map<std::string, Netzone>& regions);
  void connect(s4u::NetZone* parent, const Netzone& a, const Netzone& b, double bandwidth);
  double bandwidth_between(ZoneId a, ZoneId b) const;
  double bandwidth_between(const std::string& region_a, const std::string& region_b) const;
  void make_host(HostId id);

  double next_date(double may_run);
  void on_date();
  bool work_is_due();
  bool switches_wait() const { return !switched_hosts_.empty() || !switched_zones_.empty(); }
  void apply_switches();
  void run_procedure(Procedure& procedure);
  void make_actor(Procedure& procedure);

  void switch_host(HostId id, bool up) override { switched_hosts_.emplace_back(id, up); }
  void switch_uplink(ZoneId zone) override { switched_zones_.push_back(zone); }
  void unwind(Procedure&) override {}  // SimGrid kills the actors of a host that it turns off
  void block(Procedure& procedure) override;
  bool transfer(Procedure& procedure, HostId from, HostId to, double bytes) override;
  bool path_open(HostId from, HostId to) const;
  bool carry(HostId from, HostId to, double bytes);

  std::unique_ptr<s4u::Engine> engine_;
  std::vector<Netzone> netzones_;     // by ZoneId
  std::vector<s4u::Host*> machines_;  // by HostId
  s4u::Host* control_ = nullptr;      // where procedures run that nothing kills
  // Not applied yet. Never in a procedure's own code: it may be switching off its own host.
  std::vector<std::pair<HostId, bool>> switched_hosts_;
  std::vector<ZoneId> switched_zones_;
  Procedure* next_ = nullptr;  // the procedure whose code is due
  bool due_ = false;           // on_date() has work
  bool over_ = false;
};

// What SimGrid knows of the calendar: asked last for its next date, because asking makes it run.
class SimgridPlatform::Plane final : public simgrid::kernel::resource::Model {
 public:
  explicit Plane(SimgridPlatform& platform) : Model("windtunnel"), platform_(platform) {}
  bool next_occurring_event_is_idempotent() override { return false; }
  double next_occurring_event(double may_run) override { return platform_.next_date(may_run); }
  void update_actions_state(double, double) override { platform_.on_date(); }

 private:
  SimgridPlatform& platform_;
};

void SimgridPlatform::run() {
  WT_CHECK(!s4u::Engine::has_instance(), "SimGrid runs one simulation a process");
  {
    const KeepSignals keep;
    make_engine();
    make_world();
  }
  engine_->add_model(std::make_shared<Plane>(*this));
  s4u::Engine::on_deadlock_cb(
      [] { WT_CHECK(false, "SimGrid sees a deadlock: a procedure waits outside the calendar"); });
  engine_->run();  // never run_until(): it stops up to 10 us early
}

void SimgridPlatform::make_engine() {
  // Made up: the engine swallows options of ours such as --help.
  std::vector<std::string> arguments = {
      "windtunnel", "--log=root.thresh:error",
      // CM02 shares max-min; factors 1 and no window, else it multiplies latencies by 13.
      "--cfg=network/model:CM02", "--cfg=network/latency-factor:1",
      "--cfg=network/bandwidth-factor:1", "--cfg=network/TCP-gamma:0",
      "--cfg=network/crosstraffic:0", "--cfg=contexts/stack-size:256",
      fmt::format("--cfg=surf/precision:{:e}", clock_precision(sim_.horizon()))};
  // Sanitizers lose track of stacks that are switched by hand.
  if (sanitized) arguments.emplace_back("--cfg=contexts/factory:thread");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  int argc = static_cast<int>(argv.size());
  argv.push_back(nullptr);
  engine_ = std::make_unique<s4u::Engine>(&argc, argv.data());
}

void SimgridPlatform::make_world() {
  s4u::NetZone* world = s4u::create_full_zone("world");
  control_ = world->create_host("control plane", 1e9);
  std::map<std::string, Netzone> regions;
  make_zones(world, regions);
  for (HostId id = 0; id < hosts_.size(); ++id) make_host(id);
  for (const Netzone& zone : netzones_) {
    if (zone.zone != nullptr) zone.zone->seal();
  }
  for (auto& [name, region] : regions) {
    if (!name.empty()) region.zone->seal();
  }
  world->seal();
}

// Every region is a netzone; its zones hang below it, places outside AWS below the world. Routes
// between a region's zones are direct; those out of it end at the router of its empty zone "edge".
// A zone without hosts (clients, the edges of a CDN) has no transfers, so it is not made.
void SimgridPlatform::make_zones(s4u::NetZone* world, std::map<std::string, Netzone>& regions) {
  const Network& network = sim_.network();
  std::map<std::string, Netzone> edges;
  std::vector<std::pair<std::string, Netzone>>
      tops;  // children of the world, with their region's name
  for (std::size_t i = 0; i < network.zones(); ++i) {
    const auto zone = static_cast<ZoneId>(i);
    netzones_.emplace_back();
    const auto is_here = [&](const auto& host) { return host.zone == zone; };
    if (std::none_of(hosts_.begin(), hosts_.end(), is_here)) continue;
    const std::string& region = network.region(zone);
    const bool outside = region.empty();
    if (!outside && !regions.contains(region)) {
      Netzone& made = regions[region];
      made.zone = s4u::create_full_zone("region " + region)->set_parent(world);
      edges[region] = make_star("edge of " + region, made.zone, wide);
      made.router = edges[region].router;
      tops.emplace_back(region, made);
    }
    netzones_.back() =
        make_star("zone " + std::to_string(i), outside ? world : regions[region].zone,
                  bandwidth_between(zone, zone));
    if (outside) tops.emplace_back("", netzones_.back());
    if (outside) continue;
    for (const ZoneId other : network.zones_of(region)) {
      if (other >= zone) break;
      if (netzones_[other].zone == nullptr) continue;
      connect(regions[region].zone, netzones_[other], netzones_[zone],
              bandwidth_between(other, zone));
    }
    connect(regions[region].zone, netzones_[zone], edges[region], wide);
  }
  for (std::size_t a = 0; a < tops.size(); ++a) {
    for (std::size_t b = a + 1; b < tops.size(); ++b) {
      connect(world, tops[a].second, tops[b].second,
              bandwidth_between(tops[a].first, tops[b].first));
    }
  }
  for (auto& [name, edge] : edges) edge.zone->seal();
}

// Latencies are not SimGrid's: it would share links by round-trip time, and transfers pay them in
// the calendar.
void SimgridPlatform::connect(s4u::NetZone* parent, const Netzone& a, const Netzone& b,
                              double bandwidth) {
  auto* link = parent->create_split_duplex_link(
      "path " + a.zone->get_name() + " to " + b.zone->get_name(), bandwidth);
  link->seal();
  parent->add_route(a.zone->get_netpoint(), b.zone->get_netpoint(), a.router, b.router,
                    {{link, Direction::UP}});
}

double SimgridPlatform::bandwidth_between(ZoneId a, ZoneId b) const {
  for (const ZoneLink& link : zone_links_) {
    if ((link.a == a && link.b == b) || (link.a == b && link.b == a)) return link.bandwidth;
  }
  return wide;
}

double SimgridPlatform::bandwidth_between(const std::string& a, const std::string& b) const {
  const Network& network = sim_.network();
  for (const ZoneLink& link : zone_links_) {
    const std::string &from = network.region(link.a), &to = network.region(link.b);
    if (from != to && ((from == a && to == b) || (from == b && to == a))) return link.bandwidth;
  }
  return wide;
}

void SimgridPlatform::make_host(HostId id) {
  s4u::NetZone* zone = netzones_[hosts_[id].zone].zone;
  const std::string name = hosts_[id].name + "#" + std::to_string(id);
  s4u::Host* machine = zone->create_host(name, 1e9);
  s4u::SplitDuplexLink* card = zone->create_split_duplex_link(name, hosts_[id].bandwidth);
  card->seal();
  zone->add_route(machine->get_netpoint(), nullptr, nullptr, nullptr, {{card, Direction::UP}});
  machine->seal();
  machines_.push_back(machine);
}

// SimGrid asks when to stop next; it may run that many seconds, without end if negative. All there
// is before that is handled at once. A transfer that ends at an instant is heard after that
// instant's traffic and before its control.
double SimgridPlatform::next_date(double may_run) {
  if (over_) return may_run;
  const double clock = s4u::Engine::get_clock();
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
  if (may_run >= 0 && clock + may_run < seconds(sim_.horizon())) {
    limit = event_key(time_zero + from_seconds(clock + may_run), Turn::traffic);
  }
  while (!work_is_due()) {
    if (!sim_.advance(limit)) return may_run;
    sim_.run_operation();
  }
  due_ = true;
  const double step = std::max(0.0, seconds(sim_.now()) - clock);
  return may_run >= 0 ? std::min(step, may_run) : step;
}

bool SimgridPlatform::work_is_due() {
  if (next_ == nullptr) next_ = next_ready();
  return next_ != nullptr || switches_wait() || sim_.ended();
}

// SimGrid's clock stands at the calendar's. Actors run when this returns: those killed unwind
// before others start.
void SimgridPlatform::on_date() {
  if (!std::exchange(due_, false)) return;
  if (switches_wait()) {
    apply_switches();
  } else if (sim_.ended()) {
    over_ = true;
    s4u::Actor::kill_all();
  } else {
    run_procedure(*std::exchange(next_, nullptr));
  }
}

void SimgridPlatform::apply_switches() {
  for (const auto& [id, up] : std::exchange(switched_hosts_, {})) {
    if (up) {
      machines_[id]->turn_on();
    } else {
      machines_[id]->turn_off();  // kills its actors, fails its transfers
    }
  }
  for (const ZoneId zone : std::exchange(switched_zones_, {})) {
    if (netzones_[zone].uplink == nullptr) continue;
    if (sim_.network().cut_off(zone)) {
      netzones_[zone].uplink->turn_off();
    } else {
      netzones_[zone].uplink->turn_on();
    }
  }
}

void SimgridPlatform::run_procedure(Procedure& procedure) {
  if (procedure.fresh_) {
    make_actor(procedure);
  } else {
    static_cast<Actor&>(*procedure.context_).turn->release();
  }
}

void SimgridPlatform::make_actor(Procedure& procedure) {
  procedure.fresh_ = false;
  procedure.context_ = std::make_unique<Actor>();
  s4u::Host* host = procedure.host_ == Procedure::anywhere ? control_ : machines_[procedure.host_];
  s4u::Actor::create("procedure", host, [this, &procedure] {
    enter(procedure);
    procedure.run();
    finished(procedure);
    leave();
  });
}

void SimgridPlatform::block(Procedure& procedure) {
  // Its own hold: the procedure may be gone, or started anew, when a killed actor unwinds.
  const s4u::SemaphorePtr turn = static_cast<Actor&>(*procedure.context_).turn;
  leave();
  turn->acquire();
  enter(procedure);
}

bool SimgridPlatform::path_open(HostId from, HostId to) const {
  return up(from) && up(to) && sim_.network().reaches(hosts_[from].zone, hosts_[to].zone);
}

// The one place where transfers start: one from or to a host that is off would abort the process.
bool SimgridPlatform::transfer(Procedure& procedure, HostId from, HostId to, double bytes) {
  if (!path_open(from, to)) return false;
  if (switches_wait()) {
    ++procedure.waits_;
    resume(procedure);  // after the switches this very procedure has asked for
    block(procedure);
    if (!path_open(from, to)) return false;
  }
  ++procedure.waits_;
  leave();
  const bool sent = carry(from, to, bytes);
  // SimGrid has woken the actor between two events, at a date of its own. The procedure goes on in
  // an operation at the nearest nanosecond, when the last byte has travelled.
  sim_.set_clock(time_zero + from_seconds(s4u::Engine::get_clock()));
  const ZoneId a = hosts_[from].zone, b = hosts_[to].zone;
  const Network& network = sim_.network();
  const Duration latency =
      sent ? from_seconds(seconds(network.one_way(a, b)) * network.slow(a, b)) : Duration::zero();
  sim_.after<&Procedure::on_wait_over>(latency, &procedure, procedure.waits_, Turn::control);
  block(procedure);
  return sent && up(to);
}

bool SimgridPlatform::carry(HostId from, HostId to, double bytes) {
  if (from == to || bytes < 1) return true;
  try {
    s4u::Comm::sendto(machines_[from], machines_[to], static_cast<std::uint64_t>(bytes));
    return true;
  } catch (const simgrid::NetworkFailureException&) {
    return false;
  }
}

std::unique_ptr<Platform> make_simgrid_platform(Simulation& sim) {
  return std::make_unique<SimgridPlatform>(sim);
}

}  // namespace windtunnel::sim
