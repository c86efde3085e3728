// From a queue to a function in batches of ten: messages a second of processor time, against a bare
// calendar that handles as many events.
#include "models/compute/lambda_function.hpp"
#include "models/mechanisms/messages.hpp"
#include "sim/calendar.hpp"
#include "tests/bench/ratio.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel::bench {
namespace {

using namespace std::chrono_literals;

constexpr int batches_a_second = 10'000, of_messages = 10, seconds = 10;
constexpr int messages = batches_a_second * of_messages * seconds;

// Sends a batch of ten every 100 us.
class Producer final : public sim::Component {
 public:
  Producer(sim::Simulation& sim, Callable& queue)
      : Component(sim, "producer"), queue_(queue), messages_(Messages::of(sim)) {}
  void start() override { on_due(); }
  void on_answer(sim::Call&, sim::Handle) override {}

 private:
  void on_due() {
    const sim::Handle handle = sim().open_call(*this, 0, sim::Operation::write);
    Batch& batch = messages_.put_into(sim().call(handle), Batch::Action::send);
    for (int i = 0; i < of_messages; ++i) {
      batch.messages.push_back({.sent = sim().now(), .content = ++sent_, .bytes = 256});
    }
    sim().send(
        handle,
        queue_.resolve({.operation = sim::Operation::write, .chance = chance_}).addresses.front());
    sim().after<&Producer::on_due>(sim::Duration(1s) / batches_a_second, this);
  }
  Callable& queue_;
  Messages& messages_;
  sim::Stream chance_;
  std::uint64_t sent_ = 0;
};

std::string pipeline() {
  return test::small_experiment(
      "q: {sqs_queue: {}}, m: {lambda_event_source_mapping: {queue: q, function: fn, "
      "queue_scaling: "
      "{initial: 400}}}, fn: {lambda_function: {runtime: rust, service_time: {exponential: 10ms}}}",
      "horizon: " + std::to_string(seconds) + "s");
}

void sqs_to_lambda(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto run = std::make_unique<test::SmallRun>(pipeline());
    run->sim.add(std::make_unique<Producer>(run->sim, run->find<Callable>("q")));
    state.ResumeTiming();
    run->sim.run();
    benchmark::DoNotOptimize(run->sim.fingerprint());
    state.PauseTiming();
    const double done = run->metric("q", "MessagesDelivered");
    if (done < 0.98 * messages) state.SkipWithError("messages were left");
    run.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * messages);
}

// As many events, as many pending, nothing done.
void calendar_hold(benchmark::State& state) {
  test::SmallRun run(pipeline());
  run.sim.add(std::make_unique<Producer>(run.sim, run.find<Callable>("q")));
  run.sim.run();
  const std::uint64_t events = run.sim.events_handled();
  for (auto _ : state) {
    sim::Calendar calendar;
    sim::Stream chance(1);
    for (int i = 0; i < 1000; ++i) calendar.push({chance.below(40'000'000), nullptr, nullptr, 0});
    for (std::uint64_t i = 0; i < events; ++i) {
      sim::Event event = calendar.pop();
      event.key += chance.below(40'000'000);
      calendar.push(event);
    }
    benchmark::DoNotOptimize(calendar.size());
  }
  state.SetItemsProcessed(state.iterations() * messages);
}

BENCHMARK(sqs_to_lambda)->Unit(benchmark::kMillisecond);
BENCHMARK(calendar_hold)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace windtunnel::bench

int main(int argc, char** argv) {
  return windtunnel::bench::run_and_compare(argc, argv, {{"sqs_to_lambda", "calendar_hold"}}, 0.0);
}
