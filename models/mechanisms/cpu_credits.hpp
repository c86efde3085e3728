// CPU credits of burstable instances (T2, T3, T3a, T4g): a credit is one vCPU at 100 % for a
// minute. An instance earns them by the hour, keeps 24 hours' worth, and spends what it computes.
// Without credits a standard instance is slowed to its baseline; an unlimited one goes on with
// surplus credits, which later earnings pay down, and which are charged beyond 24 hours' worth. T2
// gets launch credits (30 a vCPU), spent first and not part of the 24 hours' worth; others start at
// 0 (rule 52).
//
// Requests cost nothing here: the balance follows from the CPU time used since the last look, and
// the next look is due when the balance could be used up (or, slowed, when some has been earned).
// Left out: the gradual slowing over the last minutes of a balance; the limit of 100 launches with
// launch credits a day; what a stop does to credits (a fault that stops an instance leaves them);
// an unlimited instance's charge when it is terminated; the delay of the metrics, which can be read
// at the end of their five minutes.
#pragma once

#include <optional>
#include <vector>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/ports.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class CpuCredits final : public sim::Entity, public MetricPublisher {
 public:
  enum class Specification : std::uint8_t { by_type, standard, unlimited };

  // Who computes with them.
  class Owner {
   public:
    virtual ~Owner() = default;
    // vCPU-seconds used on the instance since the run began.
    virtual double cpu_used(std::uint32_t instance) const = 0;
    // The instance may use this share of its vCPUs from now on.
    virtual void on_cpu_share(std::uint32_t instance, double share) = 0;
  };

  CpuCredits(sim::Component& component, Owner& owner, Specification specification,
             const Fleet& fleet);

  bool is_unlimited(const InstanceType& type) const;
  // An instance of this type may come to be slowed.
  bool may_slow(const InstanceType& type) const { return type.burstable() && !is_unlimited(type); }
  // In the owner's wire(). `group`: its AutoScalingGroupName.
  void publish(const std::string& group);
  // A new instance of this slot begins, or its last one has gone.
  void on_launched(std::uint32_t instance);
  void on_terminated(std::uint32_t instance);

  // Earned and launch credits, up to now.
  double balance(std::uint32_t instance);
  double surplus(std::uint32_t instance);

  void collect(std::uint32_t which, sim::Time from, sim::Time to, StatisticSet& out) override;

 private:
  enum Published : std::uint32_t { credit_balance, credit_usage, surplus_balance, charged };
  struct Account {
    InstanceType type;
    bool open = false, unlimited = false, slowed = false;
    double earned = 0, launch = 0, surplus = 0, charged = 0;  // credits
    double cpu_seconds = 0;                                   // used until `updated`
    sim::Time updated{};
    std::uint32_t life = 0;     // a look at an earlier instance is stale
    double reported_usage = 0;  // cpu_seconds, and charged, at the last report
    double reported_charged = 0;

    double balance() const { return earned + launch; }
    // Credits a second at most: all vCPUs busy; and earned.
    double burn() const { return static_cast<double>(type.vcpus) / 60; }
    double income() const { return type.credits_per_hour / 3600; }
  };

  void update(std::uint32_t instance);
  void look_again(std::uint32_t instance);
  void on_look(std::uint64_t instance_and_life);

  sim::Component& component_;
  Owner& owner_;
  Specification specification_;
  const Fleet& fleet_;
  std::vector<Account> accounts_;
};

}  // namespace windtunnel
