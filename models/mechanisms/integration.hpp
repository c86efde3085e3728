// A call that one managed service makes to another for a request: to a function, an HTTP endpoint,
// or a message to a queue, topic or stream. API Gateway's integrations and Step Functions' tasks.
#pragma once

#include <memory>
#include <string>

#include "models/mechanisms/connector.hpp"
#include "models/mechanisms/messages.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class Integration {
 public:
  // The owner hears how the call ended. `asynchronous`: a function's queue takes it.
  Integration(sim::Component& owner, std::string to, sim::Duration timeout, bool asynchronous,
              Messages& messages);
  void wire(sim::Wiring& wiring);

  // For a request that is kept under `context`. The call may have ended when this returns.
  struct Request {
    sim::Handle context;
    std::uint32_t tag = 0;
    std::uint16_t request_class = 0;
    sim::Operation operation = sim::Operation::read;
    sim::Duration service_time{0};
  };
  void call(const Request& request);
  // The owner's call ended badly: what it says of the connection.
  void on_call_failed(const sim::Call& call) { connector_->on_call_failed(call); }

  const std::string& to() const { return to_; }
  bool invokes_function() const { return invokes_function_; }

 private:
  sim::Component& owner_;
  std::string to_;
  bool asynchronous_, invokes_function_ = false, sends_message_ = false;
  Messages& messages_;
  Connector::Settings connection_;
  std::unique_ptr<sim::Lane> lane_;
  std::unique_ptr<Connector> connector_;
};

}  // namespace windtunnel
