#include "sim/entity.hpp"

#include "sim/simulation.hpp"

namespace windtunnel::sim {

Entity::Entity(Simulation& sim, std::string_view name)
    : sim_(&sim), name_hash_(hash_name(name)), network_chance_(stream("network")) {}

Entity::Entity(Entity& owner, std::string_view purpose)
    : sim_(owner.sim_),
      name_hash_(owner.name_hash_),
      network_chance_(stream("network of " + std::string(purpose))) {}

Stream Entity::stream(std::string_view purpose) const {
  const RunOptions& run = sim_->options();
  return Stream(stream_key(run.seed, run.replication, name_hash_, purpose));
}

ZoneId Entity::zone_of(std::uint32_t node) const {
  return nodes_.empty() ? zone_ : sim_->platform().zone(nodes_[node].host);
}

void Entity::on_request(Call&, Handle) {
  WT_CHECK(false, "a call reached an entity that takes none");
}
void Entity::on_connect(Call&, Handle handle) { sim_->answer(handle, Outcome::ok); }
void Entity::on_answer(Call&, Handle) {
  WT_CHECK(false, "an answer reached an entity that makes no calls");
}
void Entity::on_timeout(Call&, Handle) {
  WT_CHECK(false, "a timeout reached an entity that makes no calls");
}

Component::Component(Simulation& sim, std::string name)
    : Entity(sim, name), name_(std::move(name)) {}

const char* to_string(Operation operation) {
  switch (operation) {
    case Operation::read:
      return "read";
    case Operation::write:
      return "write";
    case Operation::health_check:
      return "health check";
    case Operation::connect:
      return "connect";
  }
  return "?";
}

const char* to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return "ok";
    case Outcome::error:
      return "error";
    case Outcome::overloaded:
      return "overloaded";
    case Outcome::bad_gateway:
      return "bad gateway";
    case Outcome::unavailable:
      return "service unavailable";
    case Outcome::gateway_timeout:
      return "gateway timeout";
    case Outcome::connection_reset:
      return "connection reset";
    case Outcome::read_only:
      return "read only";
    case Outcome::connect_timeout:
      return "connect timeout";
    case Outcome::timeout:
      return "timeout";
    case Outcome::abandoned:
      return "abandoned";
    case Outcome::breaker_open:
      return "circuit breaker open";
    case Outcome::throttled:
      return "throttled";
  }
  return "?";
}

}  // namespace windtunnel::sim
