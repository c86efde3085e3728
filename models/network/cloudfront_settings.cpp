#include "models/network/cloudfront_settings.hpp"

#include <algorithm>

namespace windtunnel::cloudfront {

using sim::Duration;

std::string name_of(const Settings::Origin& origin) {
  return origin.name().empty() ? origin.target() : origin.name();
}

std::string target_of(const Settings& settings, const Settings::CacheBehavior& behavior) {
  if (!behavior.target_origin().empty()) return behavior.target_origin();
  if (settings.origin_groups_size() == 1) return settings.origin_groups(0).name();
  if (settings.origin_groups().empty() && settings.origins_size() == 1) {
    return name_of(settings.origins(0));
  }
  return {};
}

Ttls ttls_of(const Settings::CacheBehavior& behavior) {
  constexpr Duration day = std::chrono::hours(24);
  const Settings::CachePolicy& policy = behavior.cache_policy();
  const Settings::CacheControl& said = behavior.cache_control();
  Ttls ttls{};
  ttls.least = Duration(policy.min_ttl());
  ttls.otherwise =
      policy.has_default_ttl() ? Duration(policy.default_ttl()) : std::max(day, ttls.least);
  ttls.most =
      policy.has_max_ttl() ? Duration(policy.max_ttl()) : std::max(365 * day, ttls.otherwise);
  if (said.no_store()) {
    ttls.of_origin = ttls.least;
  } else if (said.has_s_maxage() || said.has_max_age()) {
    const Duration age(said.has_s_maxage() ? said.s_maxage() : said.max_age());
    ttls.of_origin = std::clamp(age, ttls.least, std::max(ttls.least, ttls.most));
  } else {
    ttls.of_origin = std::max(ttls.otherwise, ttls.least);
  }
  return ttls;
}

}  // namespace windtunnel::cloudfront
