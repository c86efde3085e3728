// What a CloudFront distribution says of its settings before anything runs.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "models/network/cloudfront_distribution.hpp"
#include "models/network/cloudfront_settings.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using cloudfront::Settings;

constexpr std::array failover_codes{400, 403, 404, 416, 429, 500, 502, 503, 504};
constexpr auto failover_page =
    "CloudFront guide, Optimize high availability with CloudFront origin failover";

class Check {
 public:
  Check(const Settings& settings, SettingsCheck& check) : settings_(settings), check_(check) {}

  void run() {
    if (settings_.origins().empty()) return check_.error("", "origins is missing");
    add_names();
    for (int i = 0; i < settings_.origins_size(); ++i) origin(i);
    for (int i = 0; i < settings_.origin_groups_size(); ++i) group(i);
    behavior("default_cache_behavior", settings_.default_cache_behavior());
    if (!settings_.default_cache_behavior().path_pattern().empty()) {
      check_.error("default_cache_behavior.path_pattern",
                   "the default behavior has no path pattern: it takes what no other does");
    }
    for (int i = 0; i < settings_.cache_behaviors_size(); ++i) {
      const auto& it = settings_.cache_behaviors(i);
      const std::string path = fmt::format("cache_behaviors.{}", i);
      behavior(path, it);
      if (it.path_pattern().empty()) {
        check_.error(path, "path_pattern is missing: only default_cache_behavior has none");
      }
    }
    for (int i = 0; i < settings_.updates_size(); ++i) update(i);
    quota("origins", settings_.origins_size(), 100);
    quota("origin_groups", settings_.origin_groups_size(), 10);
    quota("cache_behaviors", settings_.cache_behaviors_size(), 75);
  }

 private:
  void quota(const std::string& path, int count, int most) {
    if (count <= most) return;
    check_.error(path, fmt::format("{} are too many, {} is the quota (CloudFront guide, Quotas)",
                                   count, most));
  }

  void add_names() {
    for (const auto& origin : settings_.origins()) origins_.push_back(cloudfront::name_of(origin));
    names_ = origins_;
    for (const auto& group : settings_.origin_groups()) names_.push_back(group.name());
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (std::find(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(i), names_[i]) ==
          names_.begin() + static_cast<std::ptrdiff_t>(i)) {
        continue;
      }
      const std::string path = i < origins_.size()
                                   ? fmt::format("origins.{}", i)
                                   : fmt::format("origin_groups.{}", i - origins_.size());
      check_.error(path, fmt::format("another origin or group is named '{}' too; give one a name "
                                     "of its own",
                                     names_[i]));
    }
  }

  void known(const std::string& path, const std::string& name,
             const std::vector<std::string>& names, std::string_view what) {
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    check_.error(
        path, fmt::format("no {} is named '{}'{}", what, name, check_.did_you_mean(name, names)));
  }

  void origin(int i) {
    const std::string& shield = settings_.origins(i).origin_shield();
    if (shield.empty()) return;
    const auto regions = CloudFrontDistribution::regional_edge_caches();
    if (std::find(regions.begin(), regions.end(), shield) != regions.end()) return;
    check_.error(
        fmt::format("origins.{}.origin_shield", i),
        fmt::format("no regional edge cache is in '{}'{} (CloudFront guide, Using Amazon "
                    "CloudFront Origin Shield)",
                    shield, check_.did_you_mean(shield, {regions.begin(), regions.end()})));
  }

  void group(int i) {
    const auto& group = settings_.origin_groups(i);
    const std::string path = fmt::format("origin_groups.{}", i);
    known(path + ".primary", group.primary(), origins_, "origin");
    known(path + ".secondary", group.secondary(), origins_, "origin");
    if (group.primary() == group.secondary()) {
      check_.error(path + ".secondary", fmt::format("primary and secondary are both '{}' ({})",
                                                    group.primary(), failover_page));
    }
    if (group.failover_codes().empty()) {
      check_.error(path, fmt::format("failover_codes is missing: a group has at least one ({})",
                                     failover_page));
    }
    for (int c = 0; c < group.failover_codes_size(); ++c) {
      const std::int64_t code = group.failover_codes(c);
      if (std::find(failover_codes.begin(), failover_codes.end(), code) != failover_codes.end()) {
        continue;
      }
      check_.error(fmt::format("{}.failover_codes.{}", path, c),
                   fmt::format("{} is none of {} ({})", code, fmt::join(failover_codes, ", "),
                               failover_page));
    }
    const auto lacks = [&](std::int64_t code) {
      return std::find(group.failover_codes().begin(), group.failover_codes().end(), code) ==
             group.failover_codes().end();
    };
    if (lacks(503)) {
      check_.note(path, "without 503 a primary that cannot be reached is not failed over");
    }
    if (lacks(504)) check_.note(path, "without 504 a primary that is silent is not failed over");
  }

  void behavior(const std::string& path, const Settings::CacheBehavior& it) {
    if (!it.target_origin().empty()) {
      known(path + ".target_origin", it.target_origin(), names_, "origin or origin group");
    } else if (cloudfront::target_of(settings_, it).empty()) {
      check_.error(check_.given(path) ? path : "",
                   "target_origin is missing, and there is more than one: " +
                       fmt::format("{}", fmt::join(names_, ", ")));
    }
    const cloudfront::Ttls ttls = cloudfront::ttls_of(it);
    if (ttls.least > ttls.most || ttls.least > ttls.otherwise || ttls.otherwise > ttls.most) {
      const auto text = [](sim::Duration d) { return fmt::format("{:g} s", sim::seconds(d)); };
      check_.error(path + ".cache_policy",
                   fmt::format("min_ttl ({}) <= default_ttl ({}) <= max_ttl ({}) does not hold "
                               "(CloudFront API reference, CachePolicyConfig)",
                               text(ttls.least), text(ttls.otherwise), text(ttls.most)));
    }
    const auto& catalogue = it.catalogue();
    if (catalogue.has_size_p99() && catalogue.size_p99() <= catalogue.size_p50()) {
      check_.error(path + ".catalogue.size_p99", "the 99th percentile is not above the median");
    }
    function(path + ".origin_request.nearest_of", it);
    const bool many = ttls.of_origin == sim::Duration::zero() && check_.given(path + ".catalogue");
    if (many) check_.note(path, "nothing is kept: every request goes from the edge to the origin");
  }

  void function(const std::string& path, const Settings::CacheBehavior& it) {
    for (int i = 0; i < it.origin_request().nearest_of_size(); ++i) {
      known(fmt::format("{}.{}", path, i), it.origin_request().nearest_of(i), names_,
            "origin or origin group");
    }
  }

  void update(int i) {
    const auto& update = settings_.updates(i);
    const std::string path = fmt::format("updates.{}", i);
    known(path + ".target_origin", update.target_origin(), names_, "origin or origin group");
    const auto& behaviors = settings_.cache_behaviors();
    const bool is_there = update.path_pattern().empty() ||
                          std::any_of(behaviors.begin(), behaviors.end(), [&](const auto& it) {
                            return it.path_pattern() == update.path_pattern();
                          });
    if (!is_there) {
      check_.error(path + ".path_pattern",
                   fmt::format("no cache behavior has the pattern '{}'", update.path_pattern()));
    }
  }

  const Settings& settings_;
  SettingsCheck& check_;
  std::vector<std::string> origins_, names_;
};

}  // namespace

void CloudFrontDistribution::check(const settings::CloudFrontDistribution& settings,
                                   SettingsCheck& check) {
  Check(settings, check).run();
}

}  // namespace windtunnel
