// Batches, pollers and their vacations, a backlog's end, buckets, hashes, shuffle sharding. Ids are
// those of the project's table of closed forms.
#include <fmt/format.h>

#include <map>
#include <set>

#include "models/compute/station.hpp"
#include "models/load/client.hpp"
#include "models/mechanisms/hash_key.hpp"
#include "models/mechanisms/shuffle_sharding.hpp"
#include "models/mechanisms/token_bucket.hpp"
#include "tests/models/stream_world.hpp"
#include "tests/support/messenger.hpp"
#include "tests/support/planned.hpp"
#include "tests/support/work.hpp"
#include "tests/theory/formulas.hpp"
#include "tests/theory/point.hpp"

namespace windtunnel::theory {
namespace {

using namespace std::chrono_literals;
using Dist = sim::Distribution;

// Batches of customers at the dates of a Poisson process; `size` draws how many.
template <typename Size>
class Batches final : public ArrivalSource {
 public:
  Batches(double rate, Size size, sim::Stream chance)
      : gap_(Dist::exponential(1 / rate)), size_(size), chance_(chance) {}
  bool next(Arrival& arrival) override {
    if (left_ == 0) {
      at_ += gap_.sample(chance_);
      left_ = size_(chance_);
    }
    --left_;
    arrival = {.at = at_};
    return true;
  }

 private:
  Dist gap_;
  Size size_;
  sim::Stream chance_;
  sim::Time at_{};
  int left_ = 0;
};

template <typename Size>
double batch_response(double rate, Size size, double batches, std::uint64_t replication) {
  const sim::Duration measured = sim::from_seconds(test::scaled(batches) / rate);
  sim::Simulation sim({.replication = replication,
                       .horizon = measured + measured / 10,
                       .warm_up = measured / 10,
                       .window = std::chrono::hours(100000)});
  Client::Shape users;
  users.target = "station";
  users.timeout = sim::Duration(0);
  users.arrivals = Arrivals::planned(test::planned([=](sim::Stream chance) {
                                       return std::make_unique<Batches<Size>>(rate, size, chance);
                                     }),
                                     sim::Stream(replication));
  sim.add(std::make_unique<Client>(sim, "users", users));
  Station::Shape shape;
  shape.service_time = Dist::exponential(1);
  auto& station = static_cast<Station&>(sim.add(std::make_unique<Station>(sim, "station", shape)));
  sim.run();
  return station.metric.response.mean();
}

// rho (E[X] + E[X^2]) / (2 E[X] (1 - rho)) / lambda, mu = 1.
double batch_formula(double batch_rate, double mean, double second_moment) {
  const double rho = batch_rate * mean;
  return rho * (mean + second_moment) / (2 * mean * (1 - rho)) / rho;
}

// A thread that goes around queues. At each it works on what it finds, until nothing is left, or
// (gated) only on what stood there when it came; then it walks to the next. Where there is one
// queue, its walks are vacations.
class Rounds final : public sim::Component {
 public:
  struct Way {
    std::vector<std::string> queues{};
    Dist service, walk;
    bool gated = false;
    sim::Duration begins{0};
  };
  Rounds(sim::Simulation& sim, Way way)
      : Component(sim, "thread"),
        way_(std::move(way)),
        messages_(Messages::of(sim)),
        chance_(stream("all")) {}

  void start() override { sim().after<&Rounds::on_walked>(way_.begins, this); }
  void on_answer(sim::Call& call, sim::Handle) override {
    const Batch& batch = *messages_.find(call);
    if (batch.action == Batch::Action::remove) return work_on_next();
    in_hand_.insert(in_hand_.end(), batch.messages.begin(), batch.messages.end());
    if (way_.gated && !batch.messages.empty()) return ask(Batch::Action::receive);
    in_hand_.empty() ? walk() : work_on_next();
  }
  sim::Histogram waiting{metric_set_, "WaitingTime", "of a message until the work on it begins"};

 private:
  void walk() {
    at_ = (at_ + 1) % way_.queues.size();
    sim().after<&Rounds::on_walked>(way_.walk.sample(chance_), this);
  }
  void on_walked() { ask(Batch::Action::receive); }
  void work_on_next() {
    if (next_ < in_hand_.size()) {
      waiting.record(sim().now() - in_hand_[next_].sent);
      return sim().after<&Rounds::on_worked>(way_.service.sample(chance_), this);
    }
    in_hand_.clear();
    next_ = 0;
    way_.gated ? walk() : ask(Batch::Action::receive);
  }
  void on_worked() {
    messages_.ledger().effect(in_hand_[next_]);
    ask(Batch::Action::remove);
  }
  void ask(Batch::Action action) {
    const sim::Handle handle = sim().open_call(*this, 0, sim::Operation::write);
    Batch& batch = messages_.put_into(sim().call(handle), action);
    if (action == Batch::Action::remove) batch.messages.push_back(in_hand_[next_++]);
    sim().send(handle, sim().find_component(way_.queues[at_])->address_of(0));
  }

  Way way_;
  Messages& messages_;
  sim::Stream chance_;
  std::size_t at_ = 0, next_ = 0;
  std::vector<Message> in_hand_;
};

std::string fed_queue(const std::string& name, const std::string& load) {
  return test::queue(name, "visibility_timeout: 12h") + ", " + name + "-" +
         test::client(name, "open: {" + load + "}, idle_timeout: 0s, timeout: 0s, writes: 100%");
}
// Mean wait of the messages of so many queues, each of that load.
double rounds_wait(int queues, double rate, Rounds::Way way, double seconds,
                   std::uint64_t replication) {
  std::string components;
  for (int i = 0; i < queues; ++i) {
    way.queues.push_back(fmt::format("queue{}", i));
    components +=
        (i == 0 ? "" : ", ") + fed_queue(way.queues.back(), fmt::format("poisson: {}/s", rate));
  }
  seconds = test::scaled(seconds);
  const auto sim = test::simulation_of(
      test::small_experiment(components, fmt::format("warm_up: {}s, horizon: {}s",
                                                     std::floor(seconds / 10), std::ceil(seconds))),
      1, replication);
  auto& thread = static_cast<Rounds&>(sim->add(std::make_unique<Rounds>(*sim, std::move(way))));
  sim->run();
  return thread.waiting.mean();
}

// A worker of a fleet that sleeps for 5 s whenever it found nothing.
double sleeping_worker_wait(double seconds, std::uint64_t replication) {
  seconds = test::scaled(seconds);
  const auto sim = test::simulation_of(
      test::small_experiment(
          fed_queue("queue", "poisson: 0.8/s") +
              ", fleet: {auto_scaling_group: {size: 1}}, app: {ec2_service: {on: fleet, workers: "
              "1, service_time: {exponential: 1s}, polls: [{queue: queue, wait_time: 0s, "
              "max_number_of_messages: 1, pause_when_empty: 5s}]}}",
          fmt::format("warm_up: {}s, horizon: {}s", std::floor(seconds / 10), std::ceil(seconds))),
      1, replication);
  sim->run();
  return test::metric_of(*sim, "queue", "ProducerToEffect", "mean") - 1;  // a second of work
}

// Takagi: delta^2 / 2r + (N lambda b2 + r (N -+ rho)) / (2 (1 - rho)), r the walk, b2 = E[S^2] = 2;
// minus: exhaustive, plus: gated. The walk is constant.
double polling_formula(int n, double rate, double walk, bool gated) {
  const double rho = n * rate;
  return (n * rate * 2 + walk * (n + (gated ? rho : -rho))) / (2 * (1 - rho));
}

std::vector<Point> points() {
  const auto fixed = [](int n) { return [n](sim::Stream&) { return n; }; };
  const auto geometric = [](sim::Stream& chance) {  // 1, 2, 3, ..., mean 4
    return 1 + static_cast<int>(std::log(1 - chance.uniform()) / std::log(0.75));
  };
  const Dist second = Dist::exponential(1);
  return {
      {"T148", "batches of 10 at M/1, rho 0.8: E[T]", batch_formula(0.08, 10, 100), 27.5,
       [=](std::uint64_t r) { return batch_response(0.08, fixed(10), 130'000, r); }, 0.01},
      {"T149", "batches of 5 at M/1, rho 0.8: E[T]", batch_formula(0.16, 5, 25), 15.0,
       [=](std::uint64_t r) { return batch_response(0.16, fixed(5), 145'000, r); }, 0.01},
      {"T150", "batches of a geometric number, mean 4, rho 0.8: E[T]",
       batch_formula(0.2, 4, 2 * 4 * 4 - 4), 20.0,
       [=](std::uint64_t r) { return batch_response(0.2, geometric, 280'000, r); }, 0.01},
      // Pollaczek-Khinchine, and half a vacation's mean residual: E[V^2] / (2 E[V])
      {"T174", "a worker that sleeps 5 s when it finds nothing: E[Wq]", pk_wait(0.8, 2) + 25.0 / 10,
       6.5, [](std::uint64_t r) { return sleeping_worker_wait(2.4e5, r); }, 0.01},
      {"T175", "M/M/1, vacations exponential, mean 5: E[Wq]", pk_wait(0.8, 2) + 50.0 / 10, 9.0,
       [=](std::uint64_t r) {
         return rounds_wait(1, 0.8, {.service = second, .walk = Dist::exponential(5)}, 1.1e5, r);
       },
       0.01},
      {"T176", "4 queues polled in turn until empty: E[Wq]", polling_formula(4, 0.15, 0.5, false),
       3.625,
       [=](std::uint64_t r) {
         return rounds_wait(4, 0.15, {.service = second, .walk = Dist::constant(500ms)}, 6e4, r);
       },
       0.01},
      {"T177", "4 queues polled in turn, gated: E[Wq]", polling_formula(4, 0.15, 0.5, true), 4.375,
       [=](std::uint64_t r) {
         return rounds_wait(
             4, 0.15, {.service = second, .walk = Dist::constant(500ms), .gated = true}, 6e4, r);
       },
       0.01},
      {"T191", "leaky bucket of 100/s as a queue, load 0.8: mean delay", pk_wait(0.8, 1) / 100,
       0.02,
       [](std::uint64_t r) {
         const auto warm_up = sim::from_seconds(test::scaled(400.0));
         sim::Simulation sim(
             {.replication = r, .horizon = 10 * warm_up, .warm_up = warm_up, .window = 100h});
         Client::Shape users;
         users.target = "bucket";
         users.timeout = sim::Duration(0);
         users.arrivals = Arrivals::poisson(80, sim::Stream(r));
         sim.add(std::make_unique<Client>(sim, "users", users));
         Station::Shape shape;
         shape.service_time = Dist::constant(10ms);
         auto& bucket =
             static_cast<Station&>(sim.add(std::make_unique<Station>(sim, "bucket", shape)));
         sim.run();
         return bucket.metric.waiting.mean();
       },
       0.01}};
}

class MessagingTheory : public testing::TestWithParam<Point> {};
TEST_P(MessagingTheory, HoldsItsClosedForm) { check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(, MessagingTheory, testing::ValuesIn(points()), id_of);

// A shard that is polled every tau, each call taking d: a record waits tau/2 + d in the mean, and
// 0.99 tau + d at most of 99 %. A simulated quantile is within 0.4 % by its histogram.
void expect_polling(double interval, const char* setting, double mean, double p99) {
  EXPECT_NEAR(interval / 2 + 0.1, mean, 1e-9);
  EXPECT_NEAR(0.99 * interval + 0.1, p99, 1e-9);
  const auto sim = test::simulation_of(test::small_experiment(
      test::client("stream", "open: {poisson: 100/s}, idle_timeout: 1h") +
          ", stream: {kinesis_data_stream: {shards: 1, put_time: 0s, empty_reads: 0%, get_time: "
          "100ms}}, fleet: {auto_scaling_group: {size: 1}}, app: {kcl_application: {stream: "
          "stream, on: fleet, batch_time: 0s, record_time: 0s, checkpoint_interval: 0s, "
          "idle_time_between_reads: " +
          std::string(setting) + "}}",
      "horizon: 2000s, warm_up: 10s"));
  sim->run();
  EXPECT_NEAR(test::metric_of(*sim, "app", "ProducerToEffect", "mean"), mean, 0.005 * mean);
  EXPECT_NEAR(test::metric_of(*sim, "app", "ProducerToEffect", "p99"), p99, 0.01 * p99);
}
TEST(PollerTheory, T178_T179_ARecordWaitsHalfTheIntervalAndTheCall) {
  expect_polling(0.2, "200ms", 0.2, 0.298);
}
TEST(PollerTheory, T181_APollASecondTakesUpToASecondAndTheCall) {
  expect_polling(1, "1s", 0.6, 1.09);
}

// Fluid: D lambda / (mu - lambda) after the outage's end.
void expect_drained(double outage, double rho, double tabulated) {
  ASSERT_NEAR(outage * rho / (1 - rho), tabulated, 1e-9);
  const auto sim = test::simulation_of(test::small_experiment(
      fed_queue("queue", fmt::format("deterministic: {}/s", rho)), "horizon: 6h"));
  sim->add(std::make_unique<Rounds>(*sim, Rounds::Way{.queues = {"queue"},
                                                      .service = Dist::constant(1s),
                                                      .walk = Dist::constant(100ms),
                                                      .begins = sim::from_seconds(outage)}));
  sim->run();
  // The last ten are in its hands, and none is visible.
  EXPECT_NEAR(test::metric_of(*sim, "queue", "TimeToDrain", "max"), tabulated, 10 / (1 - rho));
}
TEST(BacklogTheory, T262_AnHoursBacklogAtALoadOf80PercentTakesFourHours) {
  expect_drained(3600, 0.8, 14400);
}
TEST(BacklogTheory, T263_AndAtHalfTheLoadAnHour) { expect_drained(3600, 0.5, 3600); }

// Fluid: B / (demand - refill).
double exhausted_after(double depth, double refill, double demand, double step) {
  TokenBucket bucket(refill, depth);
  for (std::int64_t n = 0;; ++n) {
    const sim::Time at = sim::time_zero + sim::from_seconds(static_cast<double>(n) * step);
    if (!bucket.take(at, demand * step)) return sim::seconds(at);
  }
}
TEST(TokenBucketTheory, T192_ABurstOf30000At200LastsFiveMinutes) {
  EXPECT_NEAR(30000.0 / (200 - 100), 300, 1e-9);
  EXPECT_NEAR(exhausted_after(30000, 100, 200, 0.01), 300, 0.03);
}
TEST(TokenBucketTheory, T193_BurstCreditsOfASmallVolumeLast2000Seconds) {
  EXPECT_NEAR(5.4e6 / (3000 - 300), 2000, 1e-9);
  EXPECT_NEAR(exhausted_after(5.4e6, 300, 3000, 0.01), 2000, 0.03);
}

// E[max] of M balls in N bins: the sum over k of P(max > k). Bins hold Poisson numbers, mean M/N,
// on the condition that they sum to M: P(max <= k) is the chance that N Poisson numbers cut at k
// do, over the chance that the sum of all does.
double expected_max(std::size_t balls, int bins) {
  const auto convolved = [&](const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> sum(balls + 1, 0.0);
    for (std::size_t i = 0; i <= balls; ++i) {
      for (std::size_t j = 0; a[i] > 0 && i + j <= balls; ++j) sum[i + j] += a[i] * b[j];
    }
    return sum;
  };
  const auto poisson = [](double mean, std::size_t n) {
    const auto x = static_cast<double>(n);
    return std::exp(x * std::log(mean) - mean - std::lgamma(x + 1));
  };
  const auto all = static_cast<double>(balls);
  double expectation = 0, above = 1;
  for (std::size_t k = 0; above > 1e-9; ++k) {
    std::vector<double> power(balls + 1, 0.0), sum(balls + 1, 0.0);
    for (std::size_t n = 0; n <= std::min(k, balls); ++n) power[n] = poisson(all / bins, n);
    sum[0] = 1;
    for (int left = bins; left > 0; left /= 2) {
      if (left % 2 == 1) sum = convolved(sum, power);
      power = convolved(power, power);
    }
    above = 1 - sum[balls] / poisson(all, balls);
    expectation += above;
  }
  return expectation;
}

struct Keys {
  const char* id;
  std::size_t keys;
  double tabulated;
  int rounds;
};
class PartitionTheory : public testing::TestWithParam<Keys> {};
TEST_P(PartitionTheory, TheBusiestOf100ShardsHasAsManyKeysAsChanceSays) {
  const Keys& it = GetParam();
  const int rounds = test::scaled(it.rounds);
  ASSERT_NEAR(expected_max(it.keys, 100), it.tabulated, 1e-5 * it.tabulated);
  double sum = 0, squares = 0;
  for (int round = 0; round < rounds; ++round) {
    std::vector<int> shards(100);
    int most = 0;
    for (std::size_t key = 0; key < it.keys; ++key) {
      const HashKey hash = hash_key_of(fmt::format("customer-{}-{}", round, key));
      __extension__ using Wide = unsigned __int128;
      most = std::max(most, ++shards[static_cast<std::size_t>((Wide{hash} * 100) >> 64)]);
    }
    sum += most;
    squares += most * most;
  }
  const double mean = sum / rounds, error = std::sqrt((squares / rounds - mean * mean) / rounds);
  const double slack = test::work_share() == 1 ? 1 : 1.5;  // as in point.hpp
  EXPECT_LE(error, slack * test::widened(0.003) * it.tabulated);
  EXPECT_NEAR(mean, it.tabulated, 3.5 * error + 0.002 * it.tabulated);
}
INSTANTIATE_TEST_SUITE_P(, PartitionTheory,
                         testing::Values(Keys{"T248", 100, 4.2326, 20'000},
                                         Keys{"T249", 1000, 18.7617, 1'000}),
                         [](const auto& info) { return std::string(info.param.id); });

double choose(double n, int k) {
  double product = 1;
  for (int i = 0; i < k; ++i) product *= (n - i) / (i + 1);
  return product;
}
double overlap_probability(int workers, int shard, int overlap) {
  return choose(shard, overlap) * choose(workers - shard, shard - overlap) / choose(workers, shard);
}
std::vector<std::uint32_t> shuffle_shard(std::uint64_t customer, std::uint32_t workers,
                                         std::uint32_t shard) {
  return ShuffleSharding(workers, shard).of(customer);
}
// How often the shards of two customers have so many workers in common.
double simulated_overlap(std::uint32_t workers, std::uint32_t shard, std::size_t overlap,
                         std::uint64_t customers) {
  const auto mine = [&](std::uint64_t customer) { return shuffle_shard(customer, workers, shard); };
  double hits = 0;
  for (std::uint64_t i = 0; i < customers; ++i) {
    const auto a = mine(2 * i), b = mine(2 * i + 1);
    std::vector<std::uint32_t> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    hits += both.size() == overlap;
  }
  return hits / static_cast<double>(customers);
}

struct Overlap {
  const char* id;
  std::uint32_t workers, shard;
  int overlap;
  double tabulated;
};
class ShardOverlap : public testing::TestWithParam<Overlap> {};
TEST_P(ShardOverlap, TwoCustomersShareWorkersWithThePublishedProbability) {
  const Overlap& it = GetParam();
  const double formula =
      overlap_probability(static_cast<int>(it.workers), static_cast<int>(it.shard), it.overlap);
  ASSERT_NEAR(formula, it.tabulated, 1e-5 * it.tabulated);
  constexpr std::uint64_t customers = 50'000;
  const double error = std::sqrt(formula * (1 - formula) / customers);
  EXPECT_NEAR(
      simulated_overlap(it.workers, it.shard, static_cast<std::size_t>(it.overlap), customers),
      formula, 3.5 * error);
}
INSTANTIATE_TEST_SUITE_P(, ShardOverlap,
                         testing::Values(Overlap{"T238", 8, 2, 0, 0.535714},
                                         Overlap{"T239", 8, 2, 1, 0.428571},
                                         Overlap{"T241", 100, 5, 0, 0.76959},
                                         Overlap{"T242", 100, 5, 1, 0.211426},
                                         Overlap{"T244", 100, 5, 3, 0.00059306}),
                         [](const auto& info) { return std::string(info.param.id); });

TEST(ShuffleShardingTheory, T237_T247_ThereAreAsManyShardsAsChoices) {
  EXPECT_NEAR(choose(8, 2), 28, 1e-9);
  EXPECT_NEAR(choose(2048, 4), 730'862e6, 1e-5 * 730'862e6);
  EXPECT_NEAR(overlap_probability(100, 5, 4), 6.30915e-06, 1e-10);
  std::set<std::vector<std::uint32_t>> seen;
  for (std::uint64_t customer = 0; customer < 1000; ++customer) {
    seen.insert(shuffle_shard(customer, 8, 2));
  }
  EXPECT_EQ(seen.size(), 28u);
}

TEST(ShuffleShardingTheory, AWorkerThatLeavesMovesOnlyItsOwnCustomers) {
  for (std::uint64_t customer = 0; customer < 1000; ++customer) {
    const auto before = shuffle_shard(customer, 20, 3), after = shuffle_shard(customer, 19, 3);
    const bool had_it = std::find(before.begin(), before.end(), 19u) != before.end();
    EXPECT_EQ(before != after, had_it);
  }
}

}  // namespace
}  // namespace windtunnel::theory
