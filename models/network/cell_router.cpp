#include "models/network/cell_router.hpp"

#include <fmt/format.h>

#include "models/mechanisms/regional_place.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/network/cell_router.pb.h"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

using sim::Call;
using sim::Handle;
using sim::Outcome;

namespace {
std::uint32_t number(std::int64_t value) { return static_cast<std::uint32_t>(value); }

ShuffleSharding shards_of(const settings::CellRouter& settings) {
  const std::uint32_t cells = number(settings.cells_size()), size = number(settings.shard_size());
  return settings.sharding() == settings::CellRouter::FIXED ? ShuffleSharding(cells / size, 1)
                                                            : ShuffleSharding(cells, size);
}
}  // namespace

CellRouter::CellRouter(sim::Simulation& sim, const std::string& name,
                       const settings::CellRouter& settings)
    : Component(sim, name),
      fixed_(settings.sharding() == settings::CellRouter::FIXED),
      by_class_(settings.customer() == settings::CellRouter::REQUEST_CLASS),
      shard_size_(number(settings.shard_size())),
      shards_(shards_of(settings)),
      cell_chance_(stream("cell")) {
  set_zone(regional_place(sim, settings.region()));
  for (const std::string& cell : settings.cells()) {
    cells_.push_back(std::make_unique<Integration>(*this, cell, to_duration(settings.timeout()),
                                                   false, Messages::of(sim)));
  }
}

void CellRouter::check(const settings::CellRouter& settings, SettingsCheck& check) {
  if (settings.cells().empty()) return check.error("cells", "there are none");
  if (settings.shard_size() > settings.cells_size()) {
    check.error("shard_size", fmt::format("{} is more than the {} cells there are",
                                          settings.shard_size(), settings.cells_size()));
  } else if (settings.sharding() == settings::CellRouter::FIXED &&
             settings.cells_size() % settings.shard_size() != 0) {
    check.error("shard_size", fmt::format("{} cells cannot stand in groups of {}",
                                          settings.cells_size(), settings.shard_size()));
  }
}

void CellRouter::wire(sim::Wiring& wiring) {
  for (const auto& cell : cells_) cell->wire(wiring);
}

std::uint32_t CellRouter::cell_of(const Call& request, std::uint32_t i) {
  const std::uint64_t customer = by_class_
                                     ? request.request_class
                                     : sim::mix(request.caller->name_hash() + request.caller_node);
  const auto& chosen = shards_.of(customer);
  return fixed_ ? chosen.front() * shard_size_ + i : chosen[i];
}

void CellRouter::on_request(Call& call, Handle handle) {
  metric.requests.add();
  call.work_as<Progress>() = {cell_chance_.below(shard_size_), 0};
  try_cell(call, handle);
}

void CellRouter::try_cell(Call& request, Handle handle) {
  Progress& progress = request.work_as<Progress>();
  const std::uint32_t cell = cell_of(request, (progress.first + progress.tried++) % shard_size_);
  cells_[cell]->call({.context = handle,
                      .tag = cell,
                      .request_class = request.request_class,
                      .operation = request.operation,
                      .service_time = request.service_time});
}

void CellRouter::on_answer(Call& call, Handle) {
  Call& request = sim().call(call.context);
  if (call.outcome == Outcome::ok) return sim().answer(call.context, Outcome::ok);
  cells_[call.tag]->on_call_failed(call);
  if (request.work_as<Progress>().tried < shard_size_ && !request.caller_done) {
    metric.again.add();
    return try_cell(request, call.context);
  }
  metric.failed.add();
  sim().answer(call.context,
               call.outcome == Outcome::timeout ? Outcome::gateway_timeout : call.outcome);
}

void CellRouter::on_timeout(Call& call, Handle handle) { on_answer(call, handle); }

REGISTER_MODEL(CellRouter, settings::CellRouter);

}  // namespace windtunnel
