// Messages through an SQS queue: loops that send ten, receive ten, take effect and delete ten, each
// a call that takes 5 ms, against as many bare holds of a calendar as the run has events; one at a
// time; and the memory of a waiting message, ten million of them.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "models/integration/sqs_queue.hpp"
#include "models/mechanisms/messages.hpp"
#include "sim/calendar.hpp"
#include "tests/bench/ratio.hpp"
#include "tests/support/yaml_run.hpp"

namespace windtunnel::bench {
namespace {

using sim::Handle;

constexpr std::uint32_t loops = 100;

std::string queue_yaml(const std::string& settings, const std::string& horizon) {
  return fmt::format(
      "{{experiment: bench, topology: {{regions: {{us-east-1: {{availability_zones: 3}}}}, "
      "components: {{users: {{client: {{target: jobs, open: {{deterministic: 0.000001/s}}}}}}, "
      "jobs: {{sqs_queue: {{{}}}}}}}}}, horizon: {}}}",
      settings, horizon);
}

// Sends, receives and deletes in turn, in many loops.
class Pump final : public sim::Component {
 public:
  Pump(sim::Simulation& sim, std::uint32_t batch)
      : Component(sim, "pump"), batch_(batch), messages_(Messages::of(sim)) {}

  void start() override {
    queue_ = dynamic_cast<SqsQueue*>(sim().find_component("jobs"));
    for (std::uint32_t i = 0; i < loops; ++i) send();
  }
  void on_answer(sim::Call& call, Handle) override {
    const Batch& batch = *messages_.find(call);
    if (batch.action == Batch::Action::send) return ask(Batch::Action::receive);
    if (batch.action != Batch::Action::receive || batch.messages.empty()) return send();
    for (const Message& message : batch.messages) messages_.ledger().effect(message);
    done += batch.messages.size();
    const Handle handle = sim().open_call(*this, 0, sim::Operation::write);
    messages_.put_into(sim().call(handle), Batch::Action::remove).messages = batch.messages;
    sim().send(handle, queue_->address_of(0));
  }
  void send() {
    const Handle handle = sim().open_call(*this, 0, sim::Operation::write);
    Batch& batch = messages_.put_into(sim().call(handle), Batch::Action::send);
    for (std::uint32_t i = 0; i < batch_; ++i) {
      batch.messages.push_back({.sent = sim().now(), .content = ++content_, .bytes = 1024});
    }
    sim().send(handle, queue_->address_of(0));
  }

  std::uint64_t done = 0;

 private:
  void ask(Batch::Action action) {
    const Handle handle = sim().open_call(*this, 0, sim::Operation::read);
    Batch& batch = messages_.put_into(sim().call(handle), action);
    batch.most = batch_;
    batch.wait = std::chrono::seconds(20);
    sim().send(handle, queue_->address_of(0));
  }

  std::uint32_t batch_;
  Messages& messages_;
  SqsQueue* queue_ = nullptr;
  std::uint64_t content_ = 0;
};

std::uint64_t events_of_a_run = 0;

void sqs_messages(benchmark::State& state) {
  const auto batch = static_cast<std::uint32_t>(state.range(0));
  const std::string yaml =
      queue_yaml("request_time: 5ms", fmt::format("{}s", batch == 10 ? 20 : 100));
  std::uint64_t done = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto sim = test::simulation_of(yaml);
    auto& pump = static_cast<Pump&>(sim->add(std::make_unique<Pump>(*sim, batch)));
    state.ResumeTiming();
    sim->run();
    done = pump.done;
    events_of_a_run = sim->events_handled();
    state.PauseTiming();
    sim.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(done));
  state.counters["events a message"] =
      static_cast<double>(events_of_a_run) / static_cast<double>(done);
}

// As many holds as the run of batches of ten has events.
void calendar_hold(benchmark::State& state) {
  for (auto _ : state) {
    sim::Calendar calendar;
    sim::Stream chance(1);
    for (std::uint32_t i = 0; i < loops; ++i) {
      calendar.push({chance.below(40'000'000), nullptr, nullptr, 0});
    }
    for (std::uint64_t i = 0; i < events_of_a_run; ++i) {
      sim::Event event = calendar.pop();
      event.key += chance.below(40'000'000);
      calendar.push(event);
    }
    benchmark::DoNotOptimize(calendar.size());
  }
}

// A queue that nobody reads.
void waiting_messages(benchmark::State& state) {
  double bytes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto sim = test::simulation_of(queue_yaml("", "1s"));
    Messages& messages = Messages::of(*sim);
    auto& jobs = dynamic_cast<SqsQueue&>(*sim->find_component("jobs"));
    state.ResumeTiming();
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      Message message{.content = static_cast<std::uint64_t>(i), .bytes = 1024};
      jobs.take_redriven(message);
    }
    state.PauseTiming();
    bytes = static_cast<double>(jobs.queue().bytes() + messages.ledger().bytes()) /
            static_cast<double>(state.range(0));
    sim->run();
    sim.reset();
    state.ResumeTiming();
  }
  state.counters["bytes a message"] = bytes;
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(sqs_messages)->Arg(1)->Arg(10)->Unit(benchmark::kMillisecond);
BENCHMARK(calendar_hold)->Unit(benchmark::kMillisecond);
BENCHMARK(waiting_messages)->Arg(10'000'000)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace windtunnel::bench

int main(int argc, char** argv) {
  return windtunnel::bench::run_and_compare(argc, argv, {{"sqs_messages/10", "calendar_hold"}},
                                            0.0);
}
