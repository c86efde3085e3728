// A client's machines by area, network and resolver. A group calls from a zone of its own, as far
// from AWS's zones as geography says; it shares resolvers; its machines are 64-byte records. Counts
// where requests went, and tells when caches of DNS let go of what leads nowhere.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/mechanisms/connector.hpp"
#include "models/mechanisms/geography.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

namespace settings {
class Client;
}
class SettingsCheck;

// Tells once that a crowd has dispersed, down to `few`, after it had been more than twice that.
class Ebb {
 public:
  explicit Ebb(std::uint32_t few) : few_(few) {}
  bool over(std::uint32_t now) {
    crowd_ = crowd_ || now > 2 * few_;
    if (!crowd_ || now > few_) return false;
    crowd_ = false;
    return true;
  }

 private:
  std::uint32_t few_;
  bool crowd_ = false;
};

class Population {
 public:
  // So many of all are few: some runtimes never let go of an answer.
  static std::uint32_t few_of(std::uint32_t machines) { return machines / 100; }

  struct Group {
    const Location* area = nullptr;
    double share = 1;
    sim::Duration access{0};
    Resolvers::Settings resolvers;
  };
  static std::vector<Group> groups_of(const settings::Client& settings);
  static void check(const settings::Client& settings, SettingsCheck& check);

  // In the owner's constructor: makes zones, and metrics for all AWS regions that there are.
  Population(sim::Component& owner, const std::vector<Group>& groups, std::uint32_t machines,
             sim::MetricSet& set);
  ~Population();

  // In the owner's wire(). `writes`: nullptr where reads and writes have one name.
  void wire(Callable& target, const Connections::Settings& reads,
            const Connections::Settings* writes);

  // The machine's calls are opened for this entity; answers come to the owner.
  sim::Entity& caller(std::uint32_t machine);
  void dispatch(std::uint32_t machine, bool write, sim::Handle call);
  void prefetch(std::uint32_t machine);
  void on_call_failed(std::uint32_t machine, bool write, const sim::Call& call);

  // An attempt came to an end. `latency`: of its request, where that succeeded with it.
  void on_attempt_ended(const sim::Call& call, const sim::Duration* latency);
  // The machine's connection broke and nothing has come through since. False: known already.
  bool strand(std::uint32_t machine, bool write);
  bool stranded(std::uint32_t machine) const { return stranded_[machine]; }
  // A stranded one got through; true: elsewhere than where it broke.
  bool free(std::uint32_t machine, const sim::Address& from);

 private:
  class Members;
  struct RegionMetrics {
    RegionMetrics(sim::MetricSet& set, std::string_view region);
    std::string attempts_name, connects_name, latency_name;
    sim::Counter attempts, connects;
    sim::Histogram latency;
  };
  struct Metrics {
    sim::MetricSet& set;
    sim::Counter lookups{set, "DNSLookups", "lookups by machines at their resolvers"};
    sim::Counter recursions{set, "DNSRecursions",
                            "lookups that a resolver had to make at the authoritative server"};
    sim::Histogram answer_age{set, "DNSAnswerAge",
                              "age of the answer with which a machine connects, since the "
                              "authoritative server gave it"};
    sim::Level stranded{set, "StrandedMachines", "Count",
                        "machines whose connection broke and that reached nothing since"};
    sim::Histogram misled{set, "DNSMisledTime",
                          "from a broken connection to an answer of DNS that leads elsewhere"};
  };
  // Of a machine whose connection broke: DNS has not led it elsewhere yet.
  struct Misled {
    sim::Address broken;
    sim::Time since = sim::Time::max();  // max: it is not misled
  };

  Members& group_of(std::uint32_t machine);
  RegionMetrics* region_of(sim::ZoneId zone) const {
    return zone < by_zone_.size() ? by_zone_[zone] : nullptr;
  }
  void on_answer_used(std::uint32_t machine, const Resolution& answer, sim::Duration age);
  void on_connecting(const sim::Address& to);
  void one_less_misled();

  sim::Component& owner_;
  Metrics metric_;
  std::vector<std::unique_ptr<RegionMetrics>> regions_;
  std::vector<RegionMetrics*> by_zone_;
  std::vector<std::unique_ptr<Members>> groups_;
  std::vector<std::uint32_t> ends_;  // of the groups' machines
  std::vector<bool> stranded_;
  std::vector<Misled> misled_;  // by machine; empty until a connection breaks
  std::uint32_t misled_now_ = 0, redirected_ = 0;
  Ebb ebb_;  // of the misled
};

}  // namespace windtunnel
