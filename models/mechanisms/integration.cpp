#include "models/mechanisms/integration.hpp"

#include "models/mechanisms/ports_messaging.hpp"

namespace windtunnel {

Integration::Integration(sim::Component& owner, std::string to, sim::Duration timeout,
                         bool asynchronous, Messages& messages)
    : owner_(owner),
      to_(std::move(to)),
      asynchronous_(asynchronous),
      messages_(messages),
      lane_(std::make_unique<sim::Lane>(owner, timeout)) {}

void Integration::wire(sim::Wiring& wiring) {
  auto& component = wiring.find<sim::Component>(to_);
  invokes_function_ = dynamic_cast<const FunctionPort*>(&component) != nullptr;
  sends_message_ = !invokes_function_ && dynamic_cast<const MessageTarget*>(&component) != nullptr;
  connector_ =
      std::make_unique<Connector>(owner_, 0, wiring.find<Callable>(to_), connection_, "to " + to_);
}

void Integration::call(const Request& request) {
  const auto operation = sends_message_ ? sim::Operation::write : request.operation;
  const sim::Handle handle = owner_.sim().open_call(owner_, 0, operation, request.context);
  sim::Call& call = owner_.sim().call(handle);
  call.tag = request.tag;
  call.request_class = request.request_class;
  call.service_time = request.service_time;
  const std::int64_t bytes = owner_.sim().request_class(request.request_class).bytes;
  if (asynchronous_ || (sends_message_ && bytes > 0)) {
    const auto action = asynchronous_ ? Batch::Action::invoke_async : Batch::Action::send;
    messages_.put_into(call, action)
        .messages.push_back({.sent = owner_.sim().now(),
                             .content = request.context.argument(),
                             .bytes = static_cast<std::uint32_t>(bytes),
                             .request_class = request.request_class});
  }
  lane_->enter(call, handle);
  connector_->dispatch(handle);
}

}  // namespace windtunnel
