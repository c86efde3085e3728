// What CloudWatch learns of a distribution: AWS/CloudFront.
#include "models/mechanisms/settings.hpp"
#include "models/network/cloudfront_distribution.hpp"
#include "models/network/cloudfront_distribution.pb.h"

namespace windtunnel {

namespace {

// Rates, in the order of their publication: part and whole are counters.
enum Rate : std::uint32_t { total_errors, errors_4xx, errors_5xx, cache_hits };

}  // namespace

void CloudFrontDistribution::publish_metrics(const settings::CloudFrontDistribution& settings) {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  CloudWatch::Publication publication{
      .component = name(),
      .space = "AWS/CloudFront",
      .name = "Requests",
      .dimensions = {{"DistributionId", name()}, {"Region", "Global"}},
      .delay = to_distribution(settings.metric_delay())};
  cloudwatch.publish_growth(publication, metric.requests);
  std::uint32_t which = 0;
  for (const char* rate : {"TotalErrorRate", "4xxErrorRate", "5xxErrorRate", "CacheHitRate"}) {
    publication.name = rate;
    cloudwatch.publish(publication, *this, which++);
  }
  publication.name = "OriginLatency";
  publication.scale = 1000;
  cloudwatch.publish_records(publication, metric.origin_latency);
}

void CloudFrontDistribution::collect(std::uint32_t which, sim::Time, sim::Time, StatisticSet& out) {
  const std::uint64_t e4 = metric.errors_4xx.total(), e5 = metric.errors_5xx.total();
  const std::uint64_t parts[] = {e4 + e5, e4, e5, metric.hits.total()};
  const std::uint64_t whole =
      which == cache_hits ? metric.cacheable.total() : metric.requests.total();
  Collected& last = collected_[which];
  if (whole > last.whole) {
    out.add(100 * static_cast<double>(parts[which] - last.part) /
            static_cast<double>(whole - last.whole));
  }
  last = {parts[which], whole};
}

}  // namespace windtunnel
