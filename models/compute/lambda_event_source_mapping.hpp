// An event source mapping: Lambda's own pollers between a queue or a stream and a function. All are
// one mechanism (batch_invoker) with a source in front of it: lambda_queue_source or
// lambda_stream_source. Left out: MQ, Kafka, DocumentDB as sources; filters; starting at a
// timestamp; a mapping that is switched off or on during the run.
#pragma once

#include <memory>

#include "models/compute/lambda_queue_source.hpp"
#include "models/compute/lambda_stream_source.hpp"

namespace windtunnel {

class SettingsCheck;
namespace settings {
class LambdaEventSourceMapping;
}

class LambdaEventSourceMapping final : public sim::Component {
 public:
  LambdaEventSourceMapping(sim::Simulation& sim, const std::string& name,
                           const settings::LambdaEventSourceMapping& settings);
  static void check(const settings::LambdaEventSourceMapping& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void start() override;

 private:
  std::string function_, queue_name_, stream_name_, on_failure_;
  std::unique_ptr<LambdaQueueSource> queue_;
  std::unique_ptr<LambdaStreamSource> stream_;
};

}  // namespace windtunnel
