#include "models/mechanisms/batch_invoker.hpp"

#include <algorithm>

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Outcome;

namespace {
// UNSOURCED: the guide says that throttles are retried with backoff.
constexpr Duration first_pause{std::chrono::milliseconds(500)},
    longest_pause{std::chrono::seconds(30)};
}  // namespace

void BatchInvoker::invoke_again(std::uint32_t number, std::uint32_t throttles) {
  const Handle handle = sim().open_call(*this, number, sim::Operation::write);
  Call& call = sim().call(handle);
  call.tag = throttles;
  Batch& batch = messages_.put_into(call, Batch::Action::invoke);
  const std::vector<Message>& messages = source_.batch(number);
  batch.messages.assign(messages.begin(), messages.end());
  if (!messages.empty()) call.request_class = messages.front().request_class;
  sim().send(handle, function_->resolve({.operation = sim::Operation::write, .chance = chance_})
                         .addresses.front());
}

void BatchInvoker::on_answer(Call& call, Handle) {
  const std::uint32_t number = call.caller_node;
  if (call.outcome == Outcome::throttled) {
    const std::uint32_t throttles = call.tag;
    const Duration pause = std::min(longest_pause, first_pause * (1 << std::min(throttles, 10u)));
    if (!source_.on_throttled(number, pause)) return;
    return sim().after<&BatchInvoker::on_pause_over>(pause, this,
                                                     (std::uint64_t{throttles + 1} << 32) | number);
  }
  const Batch& answered = *messages_.find(call);
  std::vector<Message>& messages = source_.batch(number);
  bool failed = call.outcome != Outcome::ok;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Entry result = answered.messages[i].result;
    messages[i].result = failed ? Entry::failed : result;
    // Who does not ask for partial responses is told of no failures.
    if (!failed && !partial_) messages[i].result = Entry::accepted;
  }
  source_.on_invoked(number, !failed);
}

void BatchInvoker::on_pause_over(std::uint64_t number_and_throttles) {
  invoke_again(static_cast<std::uint32_t>(number_and_throttles),
               static_cast<std::uint32_t>(number_and_throttles >> 32));
}

}  // namespace windtunnel
