// A population of users on client machines: open or closed load, timeouts, retries with backoff, a
// retry quota, a circuit breaker, and on every machine a DNS cache and one connection; as a
// population by area, network and resolver where the settings say so. Left out:
// sessions and sizes (requests differ in path, host, reads from writes, and the service times that
// a log brings), more than one connection a machine.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "models/load/client_population.hpp"
#include "models/mechanisms/arrivals.hpp"
#include "models/mechanisms/connector.hpp"
#include "models/mechanisms/sdk_client.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

namespace settings {
class Client;
}
class SettingsCheck;

class Client final : public sim::Component {
 public:
  Client(sim::Simulation& sim, const std::string& name, const settings::Client& settings);
  ~Client() override;
  static void check(const settings::Client& settings, SettingsCheck& check);

  // Made in C++, for tests and benchmarks.
  struct Shape {
    std::string target;
    std::optional<Arrivals> arrivals;  // open load; else closed
    std::int64_t users = 0;
    sim::Distribution think_time;
    sim::Duration users_from{0};
    double writes = 0;
    sim::Duration timeout{std::chrono::seconds(60)};
    std::uint32_t max_attempts = 1;
    Backoff backoff;
    std::optional<RetryTokenBucket> token_bucket;  // one for each machine
    bool adaptive = false;                         // an SDK's adaptive mode
    std::optional<CircuitBreaker::Settings> breaker;
    std::uint32_t hosts = 1;
    Connector::Settings connection;
    sim::Duration one_way{0};  // to every zone
    struct RequestClass {
      sim::RequestClass what;
      double weight = 1;
      std::optional<double> writes;  // absent: those of all
    };
    std::vector<RequestClass> classes;          // none: all requests are alike
    std::vector<Population::Group> population;  // none: all machines are one_way from everywhere
  };
  Client(sim::Simulation& sim, const std::string& name, Shape shape);

  void wire(sim::Wiring& wiring) override;
  void start() override;
  void report(sim::RunLog& log) override;
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  void on_late_answer(const sim::Call& call) override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter requests{set, "Requests", "requests begun"};
    sim::Counter attempts{set, "Attempts", "attempts sent, retries included"};
    sim::Counter succeeded{set, "Succeeded", "requests that succeeded"};
    sim::Counter failed{set, "Failed", "requests that failed after all their attempts"};
    sim::Counter timeouts{set, "Timeouts", "attempts without an answer in time"};
    sim::Counter retries_denied{set, "RetriesDenied",
                                "retries that the quota or the breaker refused"};
    sim::Counter throttled{set, "Throttles", "attempts that were refused because of a quota"};
    sim::Counter late{set, "LateAnswers", "answers that came after the timeout: wasted work"};
    sim::Counter reconnects{set, "Reconnects", "machines that came back on another address"};
    sim::Level users{set, "Users", "Count", "users; of an open load its client machines"};
    sim::Level users_hit{set, "UsersHit", "Count",
                         "users whose last request failed, or who cannot connect"};
    sim::Level open{set, "OpenRequests", "Count",
                    "requests under way, pauses before retries included"};
    sim::Histogram latency{set, "RequestLatency",
                           "from the first attempt to the end of the request"};
    sim::Histogram success_latency{set, "SuccessLatency", "the same for requests that succeeded"};
  };
  Metrics metric{metric_set_};

 private:
  struct Request {
    sim::Time arrival{};
    sim::Duration pause{0};  // the last one before a retry
    float last_cost = 0;     // tokens that the last retry took
    std::uint32_t host = 0;
    std::uint32_t attempt = 0;
    std::uint32_t user = 0;
    std::uint32_t breaker_era = 0;
    std::uint16_t request_class = 0;
    bool write = false;
    sim::Duration service_time{0};  // as its trace has it
  };
  struct Machine {
    sim::Address last;      // where its last success came from
    bool stranded = false;  // its connection broke and nothing has come through since
  };

  void on_arrival();
  void on_think_over(std::uint32_t user);
  void begin_request(std::uint32_t user, const Arrival& arrival);
  void prefetch_next();
  void choose_class(Request& request, const Arrival& arrival);
  void attempt(sim::Handle request_handle);
  void send(sim::Handle request_handle);
  void tell_breaker(const Request& request, bool success);
  void attempt_failed(sim::Handle request_handle, const sim::Call& call);
  bool breaker_allows_retry(const Request& request);
  void end_request(sim::Handle request_handle, bool success);
  void schedule_arrival();
  void got_through(std::uint32_t host, const sim::Call& call);
  void strand(const Request& request);
  // In a closed load a user is one; in an open one a machine stands for its user.
  std::uint32_t user_of(const Request& request) const {
    return shape_.arrivals ? request.host : request.user;
  }
  void set_hit(const Request& request, bool hit);
  SdkClient& sdk(std::uint32_t host) { return sdks_[sdks_.size() == 1 ? 0 : host]; }
  Connector& connector(std::uint32_t host, bool write) {
    return write && !writes_.empty() ? *writes_[host] : *reads_[host];
  }

  Shape shape_;
  RetryRules retries_;
  Arrival next_;
  std::vector<std::uint16_t> path_classes_;  // numbers of sim::RequestClass
  sim::Duration longest_{
      0};  // of a request, all attempts and pauses included; forever without timeouts
  Connector::Settings write_connection_;
  // A class of requests as it is drawn: the first whose bound is above a number below 1.
  struct Share {
    double bound;
    std::uint16_t number;  // sim::Simulation::request_class
    double writes;
  };
  bool writes_at_all() const;

  std::vector<Share> shares_;
  sim::Stream host_chance_, write_chance_, retry_chance_, think_chance_, class_chance_;
  sim::Lane lane_;
  sim::Pool<Request> requests_;
  std::vector<bool> users_hit_;
  std::vector<Machine> machines_;
  // By machine. Connectors without a population; reads serves both where they have one name.
  std::vector<std::unique_ptr<Connector>> reads_, writes_;
  std::vector<SdkClient> sdks_;           // one for all, or one for each machine
  std::vector<CircuitBreaker> breakers_;  // empty: none
  std::unique_ptr<Population> population_;
  std::uint32_t stranded_ = 0, moved_ = 0;
  Ebb ebb_;  // of the stranded
};

}  // namespace windtunnel
