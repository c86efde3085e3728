#include "models/mechanisms/versioned_item.hpp"

#include <string>

namespace windtunnel {

using sim::Operation;

void VersionedItem::serve(sim::Call& call) {
  Body& said = body(call);
  if (call.operation == Operation::write) {
    said.condition_held = said.version == version_;
    ++(said.condition_held ? version_ : conflicts_);
  }
  said.version = version_;
}

OptimisticWriter::OptimisticWriter(sim::Component& owner, std::uint32_t node, Connector& connector,
                                   const Backoff& backoff, sim::Duration timeout,
                                   Listener& listener, std::string_view purpose)
    : Entity(owner, purpose),
      node_(node),
      connector_(connector),
      backoff_(backoff),
      listener_(listener),
      chance_(owner.stream("backoff of " + std::string(purpose))),
      lane_(*this, timeout) {
  set_zone(owner.zone_of(node));
}

void OptimisticWriter::begin() {
  attempt_ = 1;
  last_pause_ = sim::Duration::zero();
  read();
}

void OptimisticWriter::read() { send(Operation::read, 0); }

void OptimisticWriter::send(Operation operation, std::uint64_t version) {
  if (operation == Operation::write) ++writes_;
  const sim::Handle handle = sim().open_call(*this, node_, operation);
  sim::Call& call = sim().call(handle);
  VersionedItem::body(call).version = version;
  lane_.enter(call, handle);
  connector_.dispatch(handle);
}

void OptimisticWriter::on_answer(sim::Call& call, sim::Handle) {
  const VersionedItem::Body& said = VersionedItem::body(call);
  if (call.outcome != sim::Outcome::ok) {
    connector_.on_call_failed(call);
    pause_and_begin_again();
  } else if (call.operation == Operation::read) {
    send(Operation::write, said.version);
  } else if (said.condition_held) {
    listener_.on_written(*this);
  } else {
    pause_and_begin_again();
  }
}

void OptimisticWriter::on_timeout(sim::Call& call, sim::Handle) {
  connector_.on_call_failed(call);
  pause_and_begin_again();
}

void OptimisticWriter::pause_and_begin_again() {
  last_pause_ = backoff_.pause(attempt_++, last_pause_, chance_);
  if (last_pause_ == sim::Duration::zero()) return read();
  sim().after<&OptimisticWriter::read>(last_pause_, this);
}

}  // namespace windtunnel
