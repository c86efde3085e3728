// Logs, records and headers small enough to check by hand.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/record.pb.h"
#include "sim/log.hpp"

namespace windtunnel::analysis::samples {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Milestone;
using sim::Time;

inline Time date(Duration since_start) { return Time(since_start); }

// 99 %, windows of 10 s, sustained 30 s, 20 requests.
inline ServiceLevel service_level() {
  ServiceLevel level;
  level.set_success(0.99);
  level.set_window(Duration(10s).count());
  level.set_sustained(Duration(30s).count());
  level.set_minimum_requests(20);
  return level;
}

// One character a window of 10 s: '+' 100 good requests, '-' 100 failed ones, '.' none.
inline sim::RunLog log_of(const std::string& windows) {
  sim::RunLog log;
  log.configure(10s, sim::forever, sim::time_zero, date(10s * windows.size()));
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (windows[i] == '.') continue;
    log.windows[i] = {
        .arrived = 100, .good = windows[i] == '+' ? 100u : 0u, .fast = 100, .undecided = 0};
  }
  return log;
}

inline ExperimentHeader header() {
  ExperimentHeader header;
  header.set_experiment("az_loss_web");
  header.set_question("How long are users hurt?");
  header.set_input_text("experiment: az_loss_web\n# größer als 7 bit\n");
  header.set_input_file("az_loss_web.yaml");
  header.set_input_hash(0xfedcba9876543210u);
  header.set_seed(1);
  header.set_replications(3);
  header.set_program_version("0.1.0");
  header.set_horizon(Duration(60min).count());
  *header.mutable_service_level() = service_level();
  auto& objective = *header.add_objectives();
  objective.set_measure("rto");
  objective.set_statistic("mean");
  objective.set_limit(300);
  auto& assumption = *header.add_assumptions();
  assumption.set_path("web-alb.elb_dns_removal");
  assumption.set_value("30s");
  assumption.set_sentence("until the address is gone");
  assumption.set_source("UNSOURCED");
  assumption.set_unsourced(true);
  assumption.set_at_default(true);
  return header;
}

// A replication that uses every field of the record.
inline ReplicationRecord record(std::uint32_t replication, Duration rto = 134s) {
  ReplicationRecord record;
  record.set_replication(replication);
  record.set_seed(1);
  record.set_fingerprint(0xf000000000000001u + replication);
  record.set_events_handled(1'000'000);
  record.set_requests(1'440'000);
  record.set_cpu_seconds(0.75);
  record.set_memory_bytes_max(50'000'000);
  auto& measures = *record.mutable_measures();
  measures.set_users(300);
  measures.set_users_hit(0.66);
  measures.set_user_time_hit(Duration(20s).count());
  measures.set_fault(Duration(10min).count());
  measures.set_breach(Duration(10min).count());
  measures.set_recovered((10min + rto).count());
  measures.set_rto(rto.count());
  measures.set_time_out_of_service(rto.count());
  measures.set_rpo(0);
  measures.set_writes_acknowledged(14'400);
  measures.set_writes_unknown(2);
  measures.set_availability(0.9971);
  measures.set_requests_decided(1'439'000);
  measures.set_requests_good(1'434'827);
  measures.set_requests_undecided(1000);
  auto& milestone = *record.add_milestones();
  milestone.set_name("first_failed_request");
  milestone.set_at(Duration(600100ms).count());
  for (const char* name : {"first_failed_request", "first_detection", "last_detection",
                           "action_started", "action_finished", "clients_moved", "recovered"}) {
    auto& part = *record.add_rto_parts();
    part.set_name(name);
    part.set_length(rto.count() / 7);
  }
  record.mutable_rto_parts(6)->set_length(rto.count() - 6 * (rto.count() / 7));
  auto& outage = *record.add_outages();
  outage.set_start(Duration(10min).count());
  auto& event = *record.add_events();
  event.set_at(Duration(10min).count());
  event.set_milestone("fault");
  event.set_component("us-east-1a");
  event.set_text("loses power for 30 min");
  auto& spell = *record.add_spells();
  spell.set_component("web-asg");
  spell.set_kind("replacement");
  spell.set_start(Duration(10min).count());
  auto& part = *record.add_spell_parts();
  part.set_name("launch");
  part.set_length(Duration(90s).count());
  auto& writes = *record.add_writes();
  writes.set_component("db");
  writes.set_acknowledged(14'400);
  writes.set_unknown(2);
  writes.set_failed(Duration(10min).count());
  writes.set_recovered(true);
  for (const std::uint32_t n : {100u, 200u}) {
    record.mutable_windows()->add_arrived(n);
    record.mutable_windows()->add_good(n - 1);
    record.mutable_windows()->add_fast(n - 2);
    record.mutable_windows()->add_undecided(n - 3);
  }
  const auto metric = [&](const char* name,
                          std::vector<std::pair<const char*, double>> statistics) {
    auto& added = *record.add_metrics();
    added.set_component("web-alb");
    added.set_metric(name);
    added.set_unit("Count");
    added.set_sentence("what it counts");
    for (const auto& [statistic, value] : statistics) {
      auto& of_metric = *added.add_statistics();
      of_metric.set_name(statistic);
      of_metric.set_value(value);
    }
  };
  metric("RequestCount", {{"sum", 1e6 + replication}});
  metric("ActiveConnectionCount", {{"mean", 12.5}, {"max", 80}});
  return record;
}

// A directory of its own that is gone at the end of the test.
class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "windtunnel.XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace windtunnel::analysis::samples
