#include "models/load/client.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/load/client.pb.h"
#include "models/load/client_load.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Outcome;
using sim::Time;

namespace {

// Least time from a user's request to the next one.
constexpr Duration least_cycle{std::chrono::milliseconds(1)};

Backoff backoff_of(const settings::Client::Retry& retry) {
  using J = Backoff::Jitter;
  static constexpr J jitters[] = {J::none, J::exponential, J::full, J::equal, J::decorrelated};
  return {jitters[retry.backoff()], to_duration(retry.base()), to_duration(retry.cap())};
}

RetryTokenBucket bucket_of(const settings::Client::RetryTokenBucket& b) {
  return {.capacity = b.capacity(),
          .cost = b.cost(),
          .timeout_cost = b.timeout_cost(),
          .deposit_on_success = b.deposit_on_success(),
          .deposit_on_first_attempt = b.deposit_on_first_attempt(),
          .reserve = b.reserve(),
          .returns_cost = b.returns_cost(),
          .tokens = b.capacity()};
}

CircuitBreaker::Settings breaker_of(const settings::Client::CircuitBreaker& b) {
  return {b.failure_share(), b.blocks_first_attempts(), to_duration(b.window()),
          to_duration(b.open_for())};
}

void read_load(sim::Simulation& sim, const std::string& name, const settings::Client& settings,
               Client::Shape& shape) {
  const sim::Stream chance(sim::stream_key(sim.options().seed, sim.options().replication,
                                           sim::hash_name(name), "arrivals"));
  if (settings.has_closed()) {
    shape.users = settings.closed().users();
    shape.think_time = to_distribution(settings.closed().think_time());
    shape.users_from = to_duration(settings.closed().from());
  } else if (settings.open().has_poisson()) {
    shape.arrivals = Arrivals::poisson(settings.open().poisson(), chance);
  } else if (settings.open().has_deterministic()) {
    shape.arrivals = Arrivals::evenly(settings.open().deterministic(), chance);
  } else {
    shape.arrivals = Arrivals::planned(plan_of(settings.open()), chance);
  }
}

Client::Shape shape_of(sim::Simulation& sim, const std::string& name,
                       const settings::Client& settings) {
  Client::Shape shape;
  shape.target = settings.target();
  read_load(sim, name, settings, shape);
  shape.writes = settings.writes();
  shape.timeout = to_duration(settings.timeout());
  if (settings.has_retry()) {
    const auto& retry = settings.retry();
    shape.max_attempts = static_cast<std::uint32_t>(retry.max_attempts());
    shape.backoff = backoff_of(retry);
    if (retry.has_token_bucket()) shape.token_bucket = bucket_of(retry.token_bucket());
    if (retry.has_sdk()) {
      const RetryRules rules = retry_rules_of(retry.sdk());
      shape.max_attempts = rules.max_attempts;
      shape.backoff = rules.backoff;
      shape.token_bucket = rules.tokens;
      shape.adaptive = rules.adaptive;
    }
    if (retry.has_circuit_breaker()) shape.breaker = breaker_of(retry.circuit_breaker());
  }
  shape.hosts = static_cast<std::uint32_t>(settings.hosts());
  shape.connection = {.connect_timeout = to_duration(settings.connect_timeout()),
                      .idle_timeout = to_duration(settings.idle_timeout()),
                      .least_dns_ttl = to_duration(settings.dns_cache()),
                      .dns_lookup = to_distribution(settings.dns_lookup())};
  shape.one_way = to_duration(settings.network());
  for (const auto& r : settings.requests()) {
    shape.classes.push_back({{r.host(), r.path(), r.size()},
                             r.weight(),
                             r.has_writes() ? std::optional(r.writes()) : std::nullopt});
  }
  shape.population = Population::groups_of(settings);
  return shape;
}

}  // namespace

Client::Client(sim::Simulation& sim, const std::string& name, const settings::Client& settings)
    : Client(sim, name, shape_of(sim, name, settings)) {}

Client::Client(sim::Simulation& sim, const std::string& name, Shape shape)
    : Component(sim, name),
      shape_(std::move(shape)),
      retries_{shape_.max_attempts, shape_.backoff, shape_.token_bucket, shape_.adaptive},
      write_connection_(shape_.connection),
      host_chance_(stream("host")),
      write_chance_(stream("write")),
      retry_chance_(stream("retry")),
      think_chance_(stream("think")),
      class_chance_(stream("request class")),
      lane_(*this, shape_.timeout),
      ebb_(shape_.population.empty() ? 0 : Population::few_of(shape_.hosts)) {
  set_zone(sim.network().add_zone("internet:" + name, ""));
  if (!shape_.population.empty()) {
    population_ = std::make_unique<Population>(*this, shape_.population, shape_.hosts, metric_set_);
  }

  double total = 0, below = 0;
  for (const auto& it : shape_.classes) total += it.weight;
  for (const auto& it : shape_.classes) {
    if (it.weight == 0) continue;
    below += it.weight / total;
    shares_.push_back({below, sim.number_of(it.what), it.writes.value_or(shape_.writes)});
  }
  if (shape_.arrivals) {
    for (const std::string& path : shape_.arrivals->paths()) {
      path_classes_.push_back(sim.number_of({"", path}));
    }
  }
  users_hit_.resize(shape_.arrivals ? shape_.hosts : static_cast<std::size_t>(shape_.users));
  const auto users = static_cast<std::uint32_t>(users_hit_.size());
  metric.users.set(sim.now(), users);
  sim.log().users_hit.join(users);
  write_connection_.operation = sim::Operation::write;
  longest_ = shape_.timeout == Duration::zero() ? sim::forever : shape_.timeout;
  for (std::uint32_t i = 1; i < shape_.max_attempts && longest_ < sim::horizon_limit; ++i) {
    longest_ += shape_.timeout + std::min(shape_.backoff.longest(i), sim::horizon_limit);
  }
}

Client::~Client() = default;

void Client::check(const settings::Client& settings, SettingsCheck& check) {
  const auto& requests = settings.requests();
  const auto drawn = [](const auto& request) { return request.weight() > 0; };
  if (!requests.empty() && std::none_of(requests.begin(), requests.end(), drawn)) {
    check.error("requests", "all weights are 0");
  }
  Population::check(settings, check);
  for (const char* other : {"max_attempts", "backoff", "base", "cap", "token_bucket"}) {
    const std::string path = std::string("retry.") + other;
    if (settings.retry().has_sdk() && check.given(path)) {
      check.error(path, "is what retry.sdk decides: an SDK's mode has its own");
    }
  }
}

bool Client::writes_at_all() const {
  return std::any_of(shares_.begin(), shares_.end(), [](const Share& s) { return s.writes > 0; }) ||
         (shares_.empty() && shape_.writes > 0);
}

void Client::wire(sim::Wiring& wiring) {
  // Its place is outside AWS, as far from every other; all places exist by now.
  sim::Network& network = sim().network();
  for (sim::ZoneId other = 0; other < network.zones(); ++other) {
    if (other != zone_of(0)) network.set_one_way(zone_of(0), other, shape_.one_way);
  }
  auto& target = wiring.find<Callable>(shape_.target);
  const bool two_names = writes_at_all() && !target.direct();
  // Without a quota or a send rate there is nothing to remember: one serves all.
  const bool remembers = retries_.tokens || retries_.adaptive;
  sdks_.assign(remembers ? shape_.hosts : 1, SdkClient(retries_));
  if (shape_.breaker) breakers_.assign(shape_.hosts, CircuitBreaker(*shape_.breaker));
  if (population_) {
    return population_->wire(target, shape_.connection, two_names ? &write_connection_ : nullptr);
  }
  machines_.resize(shape_.hosts);
  for (std::uint32_t i = 0; i < shape_.hosts; ++i) {
    reads_.push_back(std::make_unique<Connector>(*this, i, target, shape_.connection, "reads"));
    if (!two_names) continue;
    writes_.push_back(std::make_unique<Connector>(*this, i, target, write_connection_, "writes"));
  }
}

void Client::start() {
  if (shape_.arrivals) return schedule_arrival();
  for (std::uint32_t user = 0; user < static_cast<std::uint32_t>(shape_.users); ++user) {
    sim().after<&Client::on_think_over>(shape_.users_from + shape_.think_time.sample(think_chance_),
                                        this, user);
  }
}

void Client::schedule_arrival() {
  next_ = shape_.arrivals->next(sim().now());
  if (next_.at < sim().horizon()) sim().at<&Client::on_arrival>(next_.at, this, 0);
}

void Client::on_arrival() {
  const Arrival arrival = next_;
  schedule_arrival();
  begin_request(0, arrival);
}

void Client::on_think_over(std::uint32_t user) { begin_request(user, {}); }

void Client::begin_request(std::uint32_t user, const Arrival& arrival) {
  metric.requests.add();
  metric.open.add(sim().now(), +1);
  const Handle handle = requests_.create();
  Request& request = requests_[handle];
  request.arrival = sim().now();
  request.user = user;
  request.service_time = arrival.service_time;
  request.host = shape_.hosts == 1 ? 0 : host_chance_.below(shape_.hosts);
  if (population_) prefetch_next();
  choose_class(request, arrival);
  sdk(request.host).on_first_attempt();
  if (!breakers_.empty()) {
    CircuitBreaker& breaker = breakers_[request.host];
    if (!breaker.allows_first_attempt(sim().now())) return end_request(handle, false);
    breaker.on_first_attempt(sim().now());
    request.breaker_era = breaker.era();
  }
  attempt(handle);
}

// Its machine will have come from memory by the time of the next request.
void Client::prefetch_next() {
  sim::Stream ahead = host_chance_;
  population_->prefetch(ahead.below(shape_.hosts));
}

void Client::choose_class(Request& request, const Arrival& arrival) {
  double writes = shape_.writes;
  if (arrival.path_class >= 0) {
    request.request_class = path_classes_[static_cast<std::size_t>(arrival.path_class)];
  } else if (!shares_.empty()) {
    const Share* share = shares_.data();
    if (shares_.size() > 1) {
      const double at = class_chance_.uniform();
      while (share != &shares_.back() && share->bound <= at) ++share;
    }
    request.request_class = share->number;
    writes = share->writes;
  }
  request.write = write_chance_.chance(writes);
}

void Client::attempt(Handle request_handle) {
  Request* request = requests_.find(request_handle);
  if (request == nullptr) return;
  const Duration wait = sdk(request->host).before_attempt(sim().now());
  if (wait > Duration::zero()) return sim().after<&Client::send>(wait, this, request_handle);
  send(request_handle);
}

void Client::send(Handle request_handle) {
  Request* request = requests_.find(request_handle);
  if (request == nullptr) return;
  ++request->attempt;
  metric.attempts.add();
  const auto operation = request->write ? sim::Operation::write : sim::Operation::read;
  const std::uint32_t host = request->host;
  sim::Entity& caller = population_ ? population_->caller(host) : *this;
  const Handle call = sim().open_call(caller, host, operation, request_handle);
  sim().call(call).request_class = request->request_class;
  sim().call(call).service_time = request->service_time;
  lane_.enter(sim().call(call), call);
  population_ ? population_->dispatch(host, request->write, call)
              : connector(host, request->write).dispatch(call);
}

void Client::on_answer(Call& call, Handle) {
  const Handle request_handle = call.context;
  Request& request = requests_[request_handle];
  const bool good = call.outcome == Outcome::ok;
  if (population_) {
    const Duration latency = sim().now() - request.arrival;
    population_->on_attempt_ended(call, good ? &latency : nullptr);
  }
  tell_breaker(request, good);
  if (!good) return attempt_failed(request_handle, call);
  sdk(request.host).on_success(request.last_cost, sim().now());
  got_through(request.host, call);
  end_request(request_handle, true);
}

void Client::on_timeout(Call& call, Handle) {
  metric.timeouts.add();
  if (population_) population_->on_attempt_ended(call, nullptr);
  tell_breaker(requests_[call.context], false);
  attempt_failed(call.context, call);
}

void Client::on_late_answer(const Call&) { metric.late.add(); }

void Client::tell_breaker(const Request& request, bool success) {
  if (breakers_.empty()) return;
  breakers_[request.host].on_result(success, sim().now(), request.breaker_era);
}

void Client::attempt_failed(Handle request_handle, const Call& call) {
  Request& request = requests_[request_handle];
  const bool broken =
      call.outcome == Outcome::timeout || call.outcome == Outcome::connect_timeout ||
      call.outcome == Outcome::connection_reset || call.outcome == Outcome::read_only;
  if (broken) {
    population_ ? population_->on_call_failed(request.host, request.write, call)
                : connector(request.host, request.write).on_call_failed(call);
    strand(request);
    set_hit(request, true);
  }
  if (call.outcome == Outcome::throttled) metric.throttled.add();
  if (!breaker_allows_retry(request)) return end_request(request_handle, false);
  const SdkClient::Verdict verdict =
      sdk(request.host)
          .after_failure(call.outcome, request.attempt, request.pause, sim().now(), retry_chance_);
  if (verdict.denied) metric.retries_denied.add();
  if (!verdict.retry) return end_request(request_handle, false);
  request.last_cost = verdict.cost;
  request.pause = verdict.pause;
  sim().after<&Client::attempt>(request.pause, this, request_handle);
}

bool Client::breaker_allows_retry(const Request& request) {
  if (request.attempt >= shape_.max_attempts) return true;  // it is over anyway
  if (breakers_.empty() || breakers_[request.host].allows_retry(sim().now())) return true;
  metric.retries_denied.add();
  return false;
}

void Client::end_request(Handle request_handle, bool success) {
  const Request& request = requests_[request_handle];
  const Time now = sim().now();
  const Duration latency = now - request.arrival;
  (success ? metric.succeeded : metric.failed).add();
  set_hit(request, !success);
  metric.open.add(now, -1);
  metric.latency.record(latency);
  if (success) metric.success_latency.record(latency);
  // Without a timeout there is no last deadline: the request is decided when it ends.
  const Time deadline = longest_ < sim::horizon_limit ? request.arrival + longest_ : now;
  sim().log().request_ended(request.arrival, deadline, success, latency, now);
  const std::uint32_t user = request.user;
  requests_.destroy(request_handle);
  if (shape_.arrivals) return;
  Duration pause = shape_.think_time.sample(think_chance_);
  // Who fails in no time (a breaker) and does not think would try for ever at one instant.
  if (latency == Duration::zero()) pause = std::max(pause, least_cycle);
  sim().after<&Client::on_think_over>(pause, this, user);
}

void Client::set_hit(const Request& request, bool hit) {
  std::vector<bool>::reference user = users_hit_[user_of(request)];
  if (user == hit) return;
  user = hit;
  const int change = hit ? 1 : -1;
  metric.users_hit.add(sim().now(), change);
  sim().log().users_hit.add(sim().now(), change);
}

void Client::strand(const Request& request) {
  bool newly;
  if (population_) {
    newly = population_->strand(request.host, request.write);
  } else {
    Machine& machine = machines_[request.host];
    newly = !machine.stranded;
    machine.stranded = true;
  }
  if (newly) ebb_.over(++stranded_);
}

// Tells when the users reach something again: a machine whose connection broke is stranded until an
// answer comes.
void Client::got_through(std::uint32_t host, const Call& call) {
  const sim::Address from{call.callee, call.callee_node, call.callee_life};
  bool moved;
  if (population_) {
    if (stranded_ == 0 || !population_->stranded(host)) return;
    moved = population_->free(host, from);
  } else {
    Machine& machine = machines_[host];
    const bool stranded = machine.stranded;
    moved = machine.last && machine.last != from;
    machine = {from, false};
    if (!stranded) return;
  }
  if (moved) {
    ++moved_;
    metric.reconnects.add();
  }
  if (!ebb_.over(--stranded_) || moved_ == 0) return;
  sim().note(sim::Milestone::clients_moved, *this,
             fmt::format("{} client hosts moved to another address, {} stranded", moved_,
                         stranded_ == 0 ? "none is" : fmt::format("{} are", stranded_)));
  moved_ = 0;
}

void Client::report(sim::RunLog& log) {
  requests_.for_each([&](const Request& request) { log.request_open(request.arrival); });
}

REGISTER_MODEL(Client, settings::Client);

}  // namespace windtunnel
