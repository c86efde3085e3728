// Transformation by a Lambda function: records gather by size and time, the function is invoked
// with them and waited for, a few invocations at a time. An invocation that fails, is throttled or
// takes too long is tried again; then its records have failed, as have those that the function
// itself says it could not process.
#pragma once

#include <cstdint>
#include <vector>

#include "models/mechanisms/flush_buffer.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/retry.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class FirehoseTransform final : public sim::Entity, private FlushBuffer::Owner {
 public:
  class Next {
   public:
    virtual ~Next() = default;
    virtual void on_processed(const Message& message) = 0;
    virtual void on_processing_failed(const Message& message) = 0;
  };
  struct Settings {
    std::uint64_t buffering_size;
    sim::Duration buffering_interval;
    std::uint32_t retries, outstanding;
    double output_ratio;  // bytes that the function answers for each that it gets
  };
  FirehoseTransform(sim::Component& owner, Next& next, sim::MetricSet& set,
                    const Settings& settings, Messages& messages);
  void wire(Callable& function) { function_ = &function; }

  void add(const Message& message) { buffer_.add(message); }
  std::uint64_t count() const;
  sim::Time oldest(sim::Time now) const;

  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;

  struct Metrics {
    explicit Metrics(sim::MetricSet& set) : set(set) {}
    sim::MetricSet& set;
    sim::Counter processed{set, "SucceedProcessing.Records", "records that the function processed"};
    sim::Counter failed{set, "ProcessingFailed.Records", "records that went to the error output"};
    sim::Counter retries{set, "ExecuteProcessing.Retries", "invocations after the first"};
    sim::Histogram time{set, "ExecuteProcessing.Duration", "an invocation's time"};
  };
  Metrics metric;

 private:
  struct Invocation {
    std::vector<Message> messages{};
    sim::Time opened{};
    std::uint32_t attempt = 0;  // 0: not under way
  };
  void on_flush(std::vector<Message>& messages, sim::Time opened) override;
  void begin_waiting();
  void invoke(std::uint64_t number);
  void failed(std::uint32_t number);
  void end(std::uint32_t number);

  Next& next_;
  Settings settings_;
  Messages& messages_;
  FlushBuffer buffer_;
  sim::Lane lane_;
  Backoff backoff_;
  sim::Stream address_chance_, backoff_chance_;
  Callable* function_ = nullptr;
  std::vector<Invocation> invocations_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> waiting_;  // batches, oldest first
  std::uint32_t under_way_ = 0;
};

}  // namespace windtunnel
