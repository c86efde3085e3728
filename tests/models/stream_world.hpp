// One who puts records into a stream and reads its shards by hand.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/ports_messaging.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel::test {

class StreamUser final : public sim::Component {
 public:
  StreamUser(sim::Simulation& sim, std::string name, sim::Component& stream)
      : Component(sim, std::move(name)), stream_(stream), batches_(Messages::of(sim)) {}

  void put(std::vector<Message> messages) {
    const sim::Handle handle = sim().open_call(*this, 0, sim::Operation::write);
    for (Message& it : messages) {
      if (it.sent == sim::Time{}) it.sent = sim().now();
    }
    batches_.put_into(sim().call(handle), Batch::Action::send).messages = std::move(messages);
    sim().send(handle, stream_.address_of(0));
  }
  void get(std::uint32_t shard, std::uint64_t position, std::uint32_t most = 10'000) {
    read(shard, position, most, sim::Duration(0));
  }
  void subscribe(std::uint32_t shard, std::uint64_t position) {
    read(shard, position, 10'000, std::chrono::minutes(5));
  }
  void on_answer(sim::Call& call, sim::Handle) override {
    Batch& batch = *batches_.find(call);
    answers.push_back({sim().now() - sim::time_zero, call.outcome, batch.position, batch.messages});
  }

  struct Answer {
    sim::Duration at;
    sim::Outcome outcome;
    std::uint64_t position;
    std::vector<Message> messages;

    std::uint64_t records(std::optional<Entry> result = std::nullopt) const {
      std::uint64_t sum = 0;
      for (const Message& it : messages) sum += !result || it.result == *result ? it.count : 0;
      return sum;
    }
  };
  std::vector<Answer> answers;

 private:
  void read(std::uint32_t shard, std::uint64_t position, std::uint32_t most, sim::Duration wait) {
    const sim::Handle handle = sim().open_call(*this, 0, sim::Operation::read);
    Batch& batch = batches_.put_into(sim().call(handle), Batch::Action::read_records);
    batch.shard = shard;
    batch.position = position;
    batch.most = most;
    batch.wait = wait;
    batch.account = account;
    sim().send(handle, stream_.address_of(0));
  }

  sim::Component& stream_;
  Messages& batches_;

 public:
  LossLedger::Account account = 0;  // who it says that it is when it reads
};

// A stream that takes no time by itself and finds what is there.
inline std::string plain_stream(const std::string& more = "") {
  return "stream: {kinesis_data_stream: {put_time: 0s, get_time: 0s, empty_reads: 0%" +
         (more.empty() ? "" : ", " + more) + "}}";
}

struct StreamRun : SmallRun {
  explicit StreamRun(const std::string& components, const std::string& rest = "horizon: 1min")
      : SmallRun(small_experiment(components, rest)),
        stream(find<sim::Component>("stream")),
        port(find<StreamPort>("stream")) {}

  StreamUser& user(const std::string& name = "by hand") {
    return static_cast<StreamUser&>(sim.add(std::make_unique<StreamUser>(sim, name, stream)));
  }
  // What a metric says at the end.
  double last(const std::string& component, const std::string& metric) {
    for (const sim::Metric* it : find<sim::Component>(component).metrics().all()) {
      if (it->name() == metric) return it->reading();
    }
    throw std::runtime_error("no " + metric);
  }
  void at(sim::Duration date, std::function<void()> what) { script.at(date, std::move(what)); }

  sim::Component& stream;
  StreamPort& port;
};

// `count` records of one key, of `each` bytes.
inline Message records(std::uint32_t key, std::uint32_t count, std::uint32_t each = 1000) {
  return {.bytes = count * each, .key = key, .count = count};
}

}  // namespace windtunnel::test
