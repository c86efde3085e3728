// A name in Route 53 with its records: simple, alias, failover, weighted, latency, geolocation,
// geoproximity, multivalue or IP-based (mechanisms/dns_routing.hpp). Records may point at records:
// a tree.
//
// - a value: the target's addresses, kept for this name's TTL, or for the target's if that is
//   shorter; of `simple` in random order;
// - an alias: what the target answers, TTL included: it has no TTL of its own, but it has one (rule
//   41);
// - several answers (multivalue): the addresses of all of them.
//
// Health (rule 39): without a health check a record is healthy. With evaluate_target_health its
// target must be healthy too; a value that is a record counts with that record's health. The name
// is healthy while any of its records is, so that a tree backs out of a dead branch. All unhealthy:
// all count as healthy. Fail-back has no damping. evaluate_target_health is looked up when the name
// is: it costs no events, and the log learns of the change with the first query after it. A health
// check reaches the answers after a propagation delay.
//
// Records are changed through the control plane in us-east-1; while that is gone changes are
// refused and answers and health checks go on (rule 42). A change that was accepted comes through.
//
// Left out: accounts, quotas, types other than addresses. An answer has one TTL: where a record's
// choice and the address behind it are cached for different times in a chain of CNAMEs, the shorter
// rules.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/control_plane.hpp"
#include "models/mechanisms/dns_routing.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/route53_changes.hpp"
#include "models/mechanisms/route53_health_check.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class Route53Record;
}

class Route53Record final : public sim::Component,
                            public Callable,
                            public RecordChanges,
                            private HealthCheckListener {
 public:
  Route53Record(sim::Simulation& sim, const std::string& name,
                const settings::Route53Record& settings);
  static void check(const settings::Route53Record& settings, SettingsCheck& check);

  struct Record {
    std::string target{};
    std::string id{};  // empty: the target
    bool alias = false;
    bool evaluate_target_health = false;
    std::optional<EndpointHealthCheck::Settings> health_check{};
    std::string health_check_id{};
  };
  // Made in C++, for tests.
  struct Shape {
    std::vector<Record> records{};
    std::unique_ptr<DnsRouting> routing{};  // none: the first healthy one
    bool shuffled = false;                  // simple
    sim::Duration ttl{std::chrono::seconds(60)};
    sim::Distribution change_propagation{};
  };
  Route53Record(sim::Simulation& sim, const std::string& name, Shape shape);

  Resolution resolve(const Query& query) override;
  bool healthy() const override;
  std::optional<std::string> change_records(const std::vector<RecordChange>& changes) override;
  // Of a record with a health check of its own.
  const EndpointHealthCheck& health_check(std::size_t record = 0) const {
    return *answers_[record].own_check;
  }

  void wire(sim::Wiring& wiring) override;
  void start() override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter queries{set, "DNSQueries", "queries answered, those of health checkers included"};
  };
  Metrics metric{metric_set_};

 private:
  struct Answer {
    Record record;
    Callable* service = nullptr;
    bool is_record = false;  // the target
    std::unique_ptr<EndpointHealthCheck> own_check{};
    const HealthCheckPort* check = nullptr;
  };

  void point(Answer& answer, Callable& service);
  bool healthy(const Answer& answer) const;
  // Notes what has changed since the last look.
  void look();
  void tell(std::size_t answer);
  void tell_failover();
  void on_health_check_published() override { look(); }
  void append(Resolution& all, const Resolution& one, const Answer& answer) const;
  void on_in_sync(std::uint64_t change);

  Shape shape_;
  ControlPlanes& control_planes_;
  std::vector<Answer> answers_;
  std::vector<std::uint8_t> healthy_;  // by answer, at the last look
  std::vector<std::uint32_t> chosen_;  // by the last query
  bool failover_ = false;
  std::size_t first_ = 0;  // failover: what answers
  std::deque<std::vector<RecordChange>> pending_;
  sim::Stream change_chance_;
  sim::MetricSet unlisted_;  // of health checks beyond the first
};

}  // namespace windtunnel
