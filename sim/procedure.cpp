#include "sim/procedure.hpp"

#include "sim/simulation.hpp"

namespace windtunnel::sim {

Procedure::~Procedure() {
  WT_CHECK(state_ != State::running || sim().ended(), "a procedure is destroyed while it runs");
}

void Procedure::wait(Duration duration) {
  ++waits_;
  sim().after<&Procedure::on_wait_over>(duration, this, waits_, Turn::control);
  sim().platform().block(*this);
}

void Procedure::on_wait_over(std::uint64_t wait) {
  if (state_ == State::running && wait == waits_) sim().operate<&Procedure::on_resume>(this);
}

void Procedure::on_resume() { sim().platform().resume(*this); }

bool Procedure::transfer(HostId from, HostId to, double bytes, Duration timeout_on_loss) {
  if (state_ != State::running) sim().platform().block(*this);  // its own host is off: for ever
  const bool done = sim().platform().transfer(*this, from, to, bytes);
  if (!done && timeout_on_loss > Duration::zero()) wait(timeout_on_loss);
  return done;
}

}  // namespace windtunnel::sim
