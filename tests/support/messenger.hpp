// A producer and consumer of a test: it sends, receives and deletes when the test says so, and
// notes what came of it.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "models/mechanisms/messages.hpp"
#include "models/mechanisms/ports.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel::test {

class Messenger final : public sim::Component {
 public:
  Messenger(sim::Simulation& sim, std::string name)
      : Component(sim, std::move(name)), messages_(Messages::of(sim)), chance_(stream("any")) {}

  struct Ended {
    sim::Duration at;
    Batch::Action action;
    sim::Outcome outcome;
    std::vector<Message> messages;
  };
  std::vector<Ended> ended;
  std::function<void(const Ended&)> then;

  // `with` may change the batch before it goes.
  void ask(const std::string& target, Batch::Action action, std::vector<Message> messages,
           const std::function<void(Batch&)>& with = nullptr) {
    const bool reads = action == Batch::Action::receive;
    const sim::Handle handle =
        sim().open_call(*this, 0, reads ? sim::Operation::read : sim::Operation::write);
    Batch& batch = messages_.put_into(sim().call(handle), action);
    batch.messages = std::move(messages);
    if (with) with(batch);
    auto& port = dynamic_cast<Callable&>(*sim().find_component(target));
    sim().send(
        handle,
        port.resolve({.operation = sim::Operation::write, .chance = chance_}).addresses.at(0));
  }
  // Messages 1, 2, 3, ... by their content, of one group or of none.
  Message message(std::uint32_t group = 0, std::uint64_t content = 0) {
    return {.sent = sim().now(),
            .content = content == 0 ? ++contents_ : content,
            .bytes = 100,
            .key = group};
  }
  void send(const std::string& target, std::vector<Message> messages) {
    ask(target, Batch::Action::send, std::move(messages));
  }
  void send(const std::string& target, std::uint32_t count, std::uint32_t group = 0) {
    for (std::uint32_t i = 0; i < count; ++i) send(target, {message(group)});
  }
  void receive(const std::string& target, std::uint32_t most = 10, sim::Duration wait = {},
               sim::Duration visibility = Batch::default_duration) {
    ask(target, Batch::Action::receive, {}, [&](Batch& batch) {
      batch.most = most;
      batch.wait = wait;
      batch.visibility = visibility;
    });
  }
  void remove(const std::string& target, const std::vector<Message>& messages) {
    ask(target, Batch::Action::remove, messages);
  }
  // Done with, and deleted.
  void finish(const std::string& target, const std::vector<Message>& messages) {
    for (const Message& message : messages) messages_.ledger().effect(message);
    remove(target, messages);
  }

  // What its receives brought so far, by content.
  std::vector<std::uint64_t> received() const {
    std::vector<std::uint64_t> contents;
    for (const Ended& one : ended) {
      if (one.action != Batch::Action::receive) continue;
      for (const Message& message : one.messages) contents.push_back(message.content);
    }
    return contents;
  }
  const Ended& last() const { return ended.back(); }

  void on_answer(sim::Call& call, sim::Handle) override {
    const Batch& batch = *messages_.find(call);
    ended.push_back({sim().now() - sim::time_zero, batch.action, call.outcome, batch.messages});
    if (then) then(Ended(ended.back()));
  }

 private:
  Messages& messages_;
  sim::Stream chance_;
  std::uint64_t contents_ = 0;
};

// A run with a messenger; the queues of `components` answer at once and lose nothing.
struct MessengerRun : SmallRun {
  explicit MessengerRun(const std::string& components, const std::string& horizon = "1h")
      : SmallRun(small_experiment(components, "horizon: " + horizon)),
        messenger(static_cast<Messenger&>(sim.add(std::make_unique<Messenger>(sim, "messenger")))) {
  }
  void at(sim::Duration date, std::function<void()> what) { script.at(date, std::move(what)); }

  Messenger& messenger;
};

inline std::string queue(const std::string& name, const std::string& settings = "") {
  return name +
         ": {sqs_queue: {request_time: 0s, duplicates: 0%, short_poll: {servers: 1, "
         "sampled: 1}" +
         (settings.empty() ? "" : ", " + settings) + "}}";
}

}  // namespace windtunnel::test
