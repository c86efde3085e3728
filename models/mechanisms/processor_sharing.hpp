// c processors shared evenly by all present: each job runs at speed min(1, c/n). c may be a
// fraction (a quarter of a vCPU) and may change (CPU credits). Virtual time advances at that speed,
// so a job ends when virtual time has grown by its work, and only the next end needs an event.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/simulation.hpp"

namespace windtunnel {

class ProcessorSharing : public sim::Entity {
 public:
  // `owner` hears of the jobs' ends.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_job_done(ProcessorSharing& from, sim::Handle job) = 0;
  };

  ProcessorSharing(sim::Entity& parent, Owner& owner, double processors, std::uint32_t tag = 0);

  void add(sim::Handle job, sim::Duration work);
  // From now on.
  void set_processors(double processors);
  // Forgets all jobs.
  void clear();
  std::int64_t jobs() const { return static_cast<std::int64_t>(jobs_.size()); }
  std::uint32_t tag() const { return tag_; }

 private:
  struct Job {
    double ends;  // virtual ns
    std::uint64_t order;
    sim::Handle job;
    bool operator<(const Job& other) const {  // for a heap with the earliest on top
      return ends != other.ends ? ends > other.ends : order > other.order;
    }
  };
  void on_due();
  void catch_up();
  void schedule();
  double speed() const;

  Owner& owner_;
  double processors_;
  std::uint32_t tag_;
  std::vector<Job> jobs_;  // heap
  double virtual_now_ = 0;
  sim::Time caught_up_{};
  std::uint64_t order_ = 0;
  sim::Time due_ = sim::Time::max();  // date of the earliest event under way
};

}  // namespace windtunnel
