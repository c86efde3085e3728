#include "models/mechanisms/route53_health_check.hpp"

#include <fmt/format.h>

#include "models/mechanisms/route53_health_check.pb.h"
#include "models/mechanisms/settings.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

using sim::Duration;

Route53HealthCheck::Settings Route53HealthCheck::settings_of(
    const settings::HealthCheckStatus& settings) {
  return {settings.inverted(), settings.disabled(), to_distribution(settings.propagation())};
}

Route53HealthCheck::Route53HealthCheck(sim::Component& owner, std::string of,
                                       const Settings& settings, sim::MetricSet& metrics)
    : Entity(owner, "health check"),
      metric(metrics),
      owner_(owner),
      of_(std::move(of)),
      settings_(settings),
      propagation_chance_(stream("propagation")) {
  begin(true);
}

void Route53HealthCheck::begin(bool passes) {
  status_ = published_ = status_of(passes);
  metric.status.set(sim().now(), status_);
}

void Route53HealthCheck::report(bool passes, const std::string& why) {
  const bool status = status_of(passes);
  if (status == status_) return;
  status_ = status;
  metric.status.set(sim().now(), status);
  // What is found well again is no detection of a fault.
  sim().note(
      status ? sim::Milestone::none : sim::Milestone::detection, owner_,
      fmt::format("health check of {}: {} ({})", of_, status ? "healthy" : "unhealthy", why));
  for (HealthCheckListener* listener : listeners_) listener->on_health_check_changed();
  sim().after<&Route53HealthCheck::on_propagated>(settings_.propagation.sample(propagation_chance_),
                                                  this, ++changes_);
}

void Route53HealthCheck::on_propagated(std::uint64_t change) {
  if (change <= published_changes_) return;
  if ((change - published_changes_) % 2 == 1) published_ = !published_;
  published_changes_ = change;
  for (HealthCheckListener* listener : listeners_) listener->on_health_check_published();
}

EndpointHealthCheck::Settings EndpointHealthCheck::settings_of(
    const settings::EndpointHealthCheck& settings) {
  using Type = Route53Checkers::Type;
  const bool tcp = settings.type() == settings::EndpointHealthCheck::TCP;
  const Duration connecting{std::chrono::seconds(tcp ? 10 : 4)};
  return {
      .status = Route53HealthCheck::settings_of(settings.status()),
      .checkers = {.interval = to_duration(settings.interval()),
                   .failure_threshold = static_cast<std::uint32_t>(settings.failure_threshold()),
                   .checkers = static_cast<std::uint32_t>(settings.checkers()),
                   .healthy_above = settings.healthy_above(),
                   .connect_timeout = settings.has_connect_timeout()
                                          ? to_duration(settings.connect_timeout())
                                          : connecting,
                   .response_timeout = to_duration(settings.response_timeout()),
                   .one_way = to_duration(settings.network()),
                   .type = tcp                                ? Type::tcp
                           : settings.search_string().empty() ? Type::http
                                                              : Type::string_match,
                   .string_time = to_distribution(settings.search_time())}};
}

void EndpointHealthCheck::check(const settings::EndpointHealthCheck& settings,
                                const std::string& path, SettingsCheck& check) {
  constexpr auto source = "Route 53 API reference, HealthCheckConfig";
  const std::int64_t interval = settings.interval() / 1'000'000'000;
  if (interval != 10 && interval != 30) {
    check.error(
        path + "interval",
        fmt::format("{}s is neither 10s (fast) nor 30s ({}.RequestInterval)", interval, source));
  }
  if (settings.type() == settings::EndpointHealthCheck::TCP && !settings.search_string().empty()) {
    check.error(
        path + "search_string",
        fmt::format("a TCP check reads no answer: type is HTTP or HTTPS ({}.Type)", source));
  }
  constexpr std::size_t longest = 255;
  if (settings.search_string().size() > longest) {
    check.error(path + "search_string",
                fmt::format("{} characters are above {} ({}.SearchString)",
                            settings.search_string().size(), longest, source));
  }
  if (settings.search_string().empty() && settings.has_search_time()) {
    check.error(path + "search_time", "there is no search_string to wait for");
  }
}

EndpointHealthCheck::EndpointHealthCheck(sim::Component& owner, const std::string& target,
                                         const Settings& settings, sim::MetricSet& metrics)
    : metric(metrics),
      owner_(owner),
      settings_(settings),
      status_(owner, target, settings.status, metrics) {
  metric.share.set(owner.sim().now(), 100);
  if (!status_.disabled()) {
    Route53Checkers::zones_of_checkers(owner.sim(), settings.checkers.one_way);
  }
}

void EndpointHealthCheck::wire(Callable& target) {
  if (status_.disabled()) return;
  Route53Checkers::Listener& listener = *this;
  checkers_ = std::make_unique<Route53Checkers>(owner_, target, settings_.checkers, listener);
}

void EndpointHealthCheck::start() {
  if (checkers_ != nullptr) checkers_->start();
}

void EndpointHealthCheck::on_checker_changed(bool verdict_changed) {
  const std::uint32_t healthy = checkers_->healthy_checkers(), all = checkers_->checkers();
  metric.share.set(owner_.sim().now(), healthy * 100 / all);
  if (!verdict_changed) return;
  status_.report(checkers_->healthy(), fmt::format("{} of {} checkers healthy", healthy, all));
}

}  // namespace windtunnel
