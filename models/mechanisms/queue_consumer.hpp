// Feeds a program from queues: loops on every instance that receive a batch, have the program work
// on one message after the other (a request of its own instance, so that workers, CPU, calls to
// others and errors are the program's), and delete each that went well. What failed is not deleted
// and comes back when its visibility timeout is over; of a FIFO queue the rest of its group in the
// batch does too, to keep the order. What an instance had in hand when it was lost comes back
// likewise.
//
// An instance that terminates receives no more, and finishes what it has in hand if its
// deregistration delay suffices. A deletion that fails is tried again as an SDK does it, three
// times in all; then the message comes back. Left out: deletion in batches.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/connector.hpp"
#include "models/mechanisms/ports_messaging.hpp"
#include "models/mechanisms/retry.hpp"
#include "sim/simulation.hpp"

namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
}

namespace windtunnel {

class SettingsCheck;
namespace settings {
class QueuePoll;
}

class QueueConsumer final : public sim::Entity {
 public:
  using Polls = google::protobuf::RepeatedPtrField<settings::QueuePoll>;

  // Metrics stand in `set`, the program's.
  QueueConsumer(sim::Component& program, sim::MetricSet& set, const Polls& polls);
  ~QueueConsumer() override;
  // `path`: of the polls within the program's settings.
  static void check(const Polls& polls, const std::string& path, SettingsCheck& check);

  // In the program's wire(), when it has its nodes.
  void wire(sim::Wiring& wiring, const std::vector<Node>& nodes);

  // The instance serves from now on; it takes no more; it is gone, with all in its hands.
  void begin(std::uint32_t instance);
  void stop(std::uint32_t instance);
  void lose(std::uint32_t instance);

  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter done{set, "MessagesProcessed", "messages whose work went well"};
    sim::Counter failed{set, "MessagesFailed", "messages whose work failed; they come back"};
    sim::Counter poisonous{set, "PoisonMessages", "of these, those that always fail"};
    sim::Counter abandoned{set, "MessagesInLostHands", "in hand when their instance was lost"};
    sim::Level in_hand{set, "MessagesInHand", "Count", "received and not done with"};
  };
  Metrics metric;

 private:
  struct Poll {
    std::string queue;
    std::uint32_t loops, most;
    sim::Duration wait, pause_when_empty, visibility, heartbeat;
    double poison;
    Backoff backoff;
    QueuePort* port = nullptr;
    Callable* target = nullptr;
  };
  enum class Step : std::uint32_t { receive, work, remove, extend };
  // A thread of an instance. Its calls carry its number and the life of its instance.
  struct Loop {
    std::uint32_t instance = 0, poll = 0, life = 0;
    bool running = false, stopping = false;
    std::uint32_t failures = 0;  // of calls to the queue, in a row
    std::size_t next = 0;        // of the messages received
    std::vector<Message> messages{};
    std::unique_ptr<Connector> connector{};
  };

  Loop* loop_of(sim::Handle context);
  sim::Handle context_of(const Loop& loop) const;
  sim::Handle open(Loop& loop, Step step, sim::Operation operation);
  void receive(Loop& loop);
  void on_receive_due(sim::Handle context);
  void received(Loop& loop, const sim::Call& call);
  void work_on_next(Loop& loop);
  void worked(Loop& loop, bool success);
  void remove(Loop& loop);
  void removed(Loop& loop, const sim::Call& call);
  void on_remove_due(sim::Handle context);
  void on_heartbeat(sim::Handle context);
  void drop_rest(Loop& loop);
  void drop_group(Loop& loop, std::uint32_t group);
  bool is_poison(const Poll& poll, const Message& message) const;
  void wait_before_next(Loop& loop, sim::Duration pause);

  sim::Component& program_;
  Messages& messages_;
  std::vector<Poll> polls_;
  std::vector<Loop> loops_;       // of instance 0, of instance 1, ...
  std::uint32_t loops_each_ = 0;  // instance
  Connector::Settings connection_;
  sim::Lane lane_;
  sim::Stream retry_chance_;
};

}  // namespace windtunnel
