#include "models/mechanisms/processor_sharing.hpp"

#include <algorithm>
#include <cmath>

namespace windtunnel {

ProcessorSharing::ProcessorSharing(sim::Entity& parent, Owner& owner, double processors,
                                   std::uint32_t tag)
    : Entity(parent, "processors"), owner_(owner), processors_(processors), tag_(tag) {}

double ProcessorSharing::speed() const {
  const auto present = static_cast<double>(jobs_.size());
  return present <= processors_ ? 1.0 : processors_ / present;
}

void ProcessorSharing::catch_up() {
  const sim::Time now = sim().now();
  virtual_now_ += static_cast<double>((now - caught_up_).count()) * speed();
  caught_up_ = now;
}

void ProcessorSharing::add(sim::Handle job, sim::Duration work) {
  if (jobs_.empty()) {  // from zero again: a double keeps nanoseconds for 104 days only
    virtual_now_ = 0;
    caught_up_ = sim().now();
  }
  catch_up();
  jobs_.push_back({virtual_now_ + static_cast<double>(work.count()), order_++, job});
  std::push_heap(jobs_.begin(), jobs_.end());
  schedule();
}

void ProcessorSharing::set_processors(double processors) {
  if (processors == processors_) return;
  catch_up();
  processors_ = processors;
  schedule();
}

void ProcessorSharing::clear() { jobs_.clear(); }

// An event that comes too early, because the jobs were slowed meanwhile, finds nothing due and
// posts the next.
void ProcessorSharing::schedule() {
  if (jobs_.empty()) return;
  const double left = std::max(0.0, (jobs_.front().ends - virtual_now_) / speed());
  if (left >= static_cast<double>((sim().horizon() - caught_up_).count())) return;  // may not fit
  // A division by 2/3 that ends 1e-7 above a nanosecond must not cost the next one.
  const sim::Time date =
      caught_up_ + sim::Duration(static_cast<std::int64_t>(std::ceil(left - 1e-3)));
  if (date >= due_) return;
  due_ = date;
  sim().at<&ProcessorSharing::on_due>(date, this, 0);
}

void ProcessorSharing::on_due() {
  if (sim().now() < due_) return;  // an event that was overtaken by an earlier one
  due_ = sim::Time::max();
  catch_up();
  while (!jobs_.empty() && jobs_.front().ends <= virtual_now_ + 0.5) {
    std::pop_heap(jobs_.begin(), jobs_.end());
    const sim::Handle job = jobs_.back().job;
    jobs_.pop_back();
    owner_.on_job_done(*this, job);
  }
  schedule();
}

}  // namespace windtunnel
