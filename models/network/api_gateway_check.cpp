// What is wrong with an API's settings before the run.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "models/network/api_gateway.hpp"
#include "models/network/api_gateway.pb.h"
#include "models/settings_check.hpp"

namespace windtunnel {

using S = settings::ApiGateway;

namespace {

void check_keys(const S& settings, SettingsCheck& check) {
  const auto components = check.components();
  std::set<std::string> seen;
  for (int p = 0; p < settings.usage_plans_size(); ++p) {
    const auto& keys = settings.usage_plans(p).api_keys();
    for (int k = 0; k < keys.size(); ++k) {
      const std::string path = fmt::format("usage_plans.{}.api_keys.{}", p, k);
      if (std::find(components.begin(), components.end(), keys[k]) == components.end()) {
        check.error(path, fmt::format("no component '{}'{}", keys[k],
                                      check.did_you_mean(keys[k], components)));
      } else if (!seen.insert(keys[k]).second) {
        check.error(path, fmt::format("{} has a key already: a key is in one plan of a stage (API "
                                      "Gateway developer guide, Usage plans)",
                                      keys[k]));
      }
    }
  }
}

}  // namespace

void ApiGateway::check(const S& settings, SettingsCheck& check) {
  const bool rest = settings.type() == S::REST;
  if (settings.routes().empty()) check.error("", "routes is missing: what answers requests");
  constexpr auto quotas = "API Gateway developer guide, Quotas";
  for (int i = 0; i < settings.routes_size(); ++i) {
    const sim::Duration timeout(settings.routes(i).timeout());
    const std::string path = fmt::format("routes.{}.timeout", i);
    if (!rest && timeout > std::chrono::seconds(30)) {
      check.error(path, fmt::format("is above 30s, the most of an HTTP API ({})", quotas));
    } else if (rest && timeout > std::chrono::seconds(29)) {
      check.warning(path,
                    fmt::format("above 29s needs a raised quota, of regional and private REST "
                                "APIs only, and may cost some of the account's throttle ({})",
                                quotas));
    }
  }
  check_keys(settings, check);
  if (rest) return;
  constexpr auto choose = "API Gateway developer guide, Choose between REST APIs and HTTP APIs";
  for (const char* field : {"usage_plans", "api_key_required", "cache"}) {
    if (check.given(field)) {
      check.error(field, fmt::format("is of REST APIs, not of HTTP APIs ({})", choose));
    }
  }
}

}  // namespace windtunnel
