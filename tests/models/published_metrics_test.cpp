// What models declare to publish (windtunnel models NAME, the reader's checks) is what they publish
// at run time. A new model that publishes metrics needs a component in one of the runs here.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/registry.hpp"
#include "models/schema.pb.h"
#include "tests/support/small_run.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;

const std::vector<std::string>& runs() {
  static const std::vector<std::string> all = {
      "users: {client: {target: alb, open: {poisson: 1/s}}}, "
      "alb: {application_load_balancer: {targets: web}}, "
      "web: {ec2_service: {on: group, service_time: 1ms, calls: [{to: db}]}}, "
      "group: {auto_scaling_group: {size: 1, instance_type: t3.medium}}, "
      "db: {aurora_cluster: {}}",
      "users: {client: {target: tasks, open: {poisson: 1/s}}}, "
      "tasks: {ecs_service: {cpu: 256, memory: 512MiB, desired_count: 1, service_time: 1ms, "
      "capacity_provider_strategy: [{capacity_provider: provider, weight: 1}]}}, "
      "provider: {ecs_capacity_provider: {auto_scaling_group: group}}, "
      "group: {auto_scaling_group: {size: 1, instance_type: m5.large, monitoring: detailed}}",
      "users: {client: {target: ga, open: {poisson: 1/s}}}, "
      "ga: {global_accelerator: {endpoint_groups: [{endpoint_group_region: us-east-1, endpoints: "
      "[{load_balancer: nlb}]}]}}, nlb: {network_load_balancer: {targets: web}}, "
      "web: {ec2_service: {on: group, service_time: 1ms}}, group: {auto_scaling_group: {size: 1}}, "
      "inspection: {gateway_load_balancer: {to: nlb, targets: fw}}, "
      "fw: {ec2_service: {on: group, service_time: 1ms}}",
      "users: {client: {target: cdn, open: {poisson: 1/s}}}, "
      "cdn: {cloudfront_distribution: {origins: [web]}}, web: {station: {service_time: 1ms}}",
      "users: {client: {target: bus, writes: 100%, open: {poisson: 1/s}}}, "
      "bus: {eventbridge_bus: {rules: [{targets: [topic]}]}}, "
      "topic: {sns_topic: {subscriptions: [jobs]}}, jobs: {sqs_queue: {}}",
      "stream: {kinesis_data_stream: {}}, "
      "app: {kcl_application: {stream: stream, on: group}}, group: {auto_scaling_group: {size: "
      "1}}, "
      "firehose: {firehose_delivery_stream: {stream: stream, processing: fn}}, "
      "fn: {lambda_function: {runtime: rust}}, table: {dynamodb_stream: {}}",
      "users: {client: {target: rest, open: {poisson: 1/s}}}, "
      "rest: {api_gateway: {routes: [{to: flow}]}}, "
      "http: {api_gateway: {type: http, routes: [{to: fn}]}}, "
      "flow: {step_functions_state_machine: {states: [{task: fn}]}}, "
      "fn: {lambda_function: {runtime: rust}}, quotas: {service_quotas: {}}, "
      "s: {kinesis_data_stream: {}}, "
      "m: {lambda_event_source_mapping: {stream: s, function: fn}}"};
  return all;
}

// The declared resolutions of a metric: "60s", "300s".
std::set<sim::Duration> periods_of(const schema::PublishedMetric& metric) {
  std::set<sim::Duration> periods{std::chrono::seconds(std::stoi(metric.period()))};
  for (const auto& finer : metric.finer()) {
    periods.insert(std::chrono::seconds(std::stoi(finer.period())));
  }
  return periods;
}

// Metrics by model, as published by the components of all runs. Each is checked on the way.
std::map<std::string, std::set<std::string>> published_metrics() {
  std::map<std::string, std::set<std::string>> published;
  for (const std::string& components : runs()) {
    Diagnostics diagnostics;
    const std::string yaml = test::small_experiment(components, "horizon: 1s");
    const auto experiment = read_experiment(yaml, "test.yaml", {}, diagnostics);
    EXPECT_TRUE(experiment) << diagnostics.print();
    if (!experiment) continue;
    const auto sim = test::simulation_of(yaml);
    sim->run();
    const CloudWatch& cloudwatch = CloudWatch::of(*sim);
    for (const auto& component : experiment->topology.components) published[component.model];
    for (MetricIndex i = 0; i < cloudwatch.publications(); ++i) {
      const auto& publication = cloudwatch.publication(i);
      const std::string owner = publication.component.substr(0, publication.component.find('/'));
      const auto* component = experiment->topology.find(owner);
      EXPECT_NE(component, nullptr) << owner;
      if (component == nullptr) continue;
      published[component->model].insert(publication.name);
      for (const auto& declared : component->model_options().publishes()) {
        if (declared.name() != publication.name) continue;
        EXPECT_EQ(declared.namespace_(), publication.space) << publication.name;
        EXPECT_TRUE(periods_of(declared).contains(publication.period)) << publication.name;
      }
    }
  }
  return published;
}

TEST(PublishedMetrics, AreThoseThatModelsDeclare) {
  const auto published = published_metrics();
  for (const auto& [name, entry] : models()) {
    std::set<std::string> declared;
    const auto& model = entry.descriptor()->options().GetExtension(schema::model);
    for (const auto& metric : model.publishes()) declared.insert(metric.name());
    const auto found = published.find(name);
    if (found == published.end()) {
      EXPECT_TRUE(declared.empty()) << "no run of this test has a " << name;
    } else {
      EXPECT_EQ(found->second, declared) << name;
    }
  }
}

TEST(PublishedMetrics, AreDeclaredWithAllThatWindtunnelModelsPrints) {
  for (const auto& [name, entry] : models()) {
    for (const auto& metric :
         entry.descriptor()->options().GetExtension(schema::model).publishes()) {
      EXPECT_FALSE(metric.sentence().empty()) << name << ' ' << metric.name();
      EXPECT_FALSE(metric.unit().empty()) << name << ' ' << metric.name();
      EXPECT_FALSE(metric.source().empty()) << name << ' ' << metric.name();
      for (const sim::Duration period : periods_of(metric)) EXPECT_GE(period, 1s);
    }
  }
}

}  // namespace
}  // namespace windtunnel
