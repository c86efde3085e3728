// A thin router of one's own in front of cells, workers that share nothing: a customer's requests
// go to the cells of its shard alone, to one of them at random, and to the others where that one
// fails. So who brings its workers down (a poisonous request, too many of them) takes along only
// customers whose shards lie within its own. Composed of shuffle_sharding (which cells are whose)
// and integration (a call to each cell). Sources: AWS Builders' Library, Workload isolation using
// shuffle-sharding; AWS whitepaper, Reducing the Scope of Impact with Cell-Based Architecture.
//
// Left out: health checks of cells (each request finds out by itself); moving customers between
// cells; the router's own capacity and failures: it is regional and outlives one zone.
#pragma once

#include <memory>
#include <vector>

#include "models/mechanisms/integration.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/shuffle_sharding.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class CellRouter;
}

class CellRouter final : public sim::Component, public Callable {
 public:
  CellRouter(sim::Simulation& sim, const std::string& name, const settings::CellRouter& settings);
  static void check(const settings::CellRouter& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  void on_late_answer(const sim::Call&) override {}

  Resolution resolve(const Query&) override { return {.addresses = {address_of(0)}}; }

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter requests{set, "Requests", "requests routed"};
    sim::Counter again{set, "NextCellTried", "calls to another cell after one that failed"};
    sim::Counter failed{set, "ShardFailed", "requests on which all cells of their shard failed"};
  };
  Metrics metric{metric_set_};

 private:
  struct Progress {
    std::uint32_t first, tried;  // within the shard
  };

  // Which cell is the `i`-th of the request's shard.
  std::uint32_t cell_of(const sim::Call& request, std::uint32_t i);
  void try_cell(sim::Call& request, sim::Handle handle);

  std::vector<std::unique_ptr<Integration>> cells_;
  bool fixed_, by_class_;
  std::uint32_t shard_size_;
  ShuffleSharding shards_;  // fixed: one of the groups
  sim::Stream cell_chance_;
};

}  // namespace windtunnel
