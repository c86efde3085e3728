// What is wrong with a function's settings before the run.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/compute/lambda_function.hpp"
#include "models/compute/lambda_function.pb.h"
#include "models/mechanisms/other_settings.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

using S = settings::LambdaFunction;

namespace {

constexpr std::int64_t unreserved = 100;

void check_runtime(const S& s, SettingsCheck& check) {
  const auto package =
      s.package() == S::IMAGE ? LambdaInit::Package::image : LambdaInit::Package::zip;
  const auto architecture = s.architecture() == S::ARM64 ? LambdaInit::Architecture::arm64
                                                         : LambdaInit::Architecture::x86_64;
  if (LambdaInit::find(s.runtime(), package, architecture) == nullptr) {
    const auto known = LambdaInit::runtimes();
    check.error("runtime",
                fmt::format("no figures of a runtime '{}'{}; known are {}", s.runtime(),
                            check.did_you_mean(s.runtime(), known), fmt::join(known, ", ")));
  }
  if (!s.has_snap_start()) return;
  constexpr std::array<std::string_view, 9> with = {"java11",     "java17",     "java21",
                                                    "java25",     "python3.12", "python3.13",
                                                    "python3.14", "dotnet8",    "dotnet10"};
  constexpr auto source = "Lambda guide, Lambda SnapStart";
  if (std::find(with.begin(), with.end(), s.runtime()) == with.end()) {
    check.error("snap_start", fmt::format("is not for {}, but for Java 11, Python 3.12, .NET 8 and "
                                          "later ({})",
                                          s.runtime(), source));
  }
  if (s.package() == S::IMAGE) {
    check.error("snap_start", fmt::format("is not for container images ({})", source));
  }
}

// All functions of the region and what they have set aside.
struct Account {
  std::int64_t limit = 1000, reserved = 0, provisioned = 0;
};

Account account_of(const S& s, SettingsCheck& check) {
  Account account;
  for (const std::string& name : check.components()) {
    const auto* settings = check.settings_of(name);
    const auto limit = integer_setting(settings, "lambda.concurrent_executions");
    if (limit && text_setting(settings, "region") == s.region()) account.limit = *limit;
    const auto* function = dynamic_cast<const S*>(settings);
    if (function == nullptr || function->region() != s.region()) continue;
    account.reserved += function->reserved_concurrency();
    if (!function->has_reserved_concurrency()) {
      account.provisioned += function->provisioned_concurrency();
    }
  }
  return account;
}

void check_concurrency(const S& s, SettingsCheck& check) {
  constexpr auto source = "Lambda guide, Configuring reserved concurrency";
  const Account account = account_of(s, check);
  const std::int64_t left = account.limit - unreserved;
  const std::string all = fmt::format(
      "the functions of the region set aside {}, above {}: the account's {} less the {} "
      "that stay unreserved ({})",
      account.reserved + account.provisioned, left, account.limit, unreserved, source);
  const bool too_much = account.reserved + account.provisioned > left;
  if (too_much && s.reserved_concurrency() > 0) {
    check.error("reserved_concurrency", all);
  } else if (too_much && s.provisioned_concurrency() > 0) {
    check.error("provisioned_concurrency", all);
  }
  if (s.has_reserved_concurrency() && s.provisioned_concurrency() > s.reserved_concurrency()) {
    check.error("provisioned_concurrency",
                fmt::format("{} is above the reserved concurrency of {} (Lambda guide, Configuring "
                            "provisioned concurrency)",
                            s.provisioned_concurrency(), s.reserved_concurrency()));
  }
  if (s.has_reserved_concurrency() && s.reserved_concurrency() == 0) {
    check.note("reserved_concurrency",
               fmt::format("0: every invocation is throttled ({})", source));
  }
}

// A topic, a bus or a destination hands events to this component.
bool gets_events(const std::string& name, const SettingsCheck& check) {
  const auto names = check.components();
  return std::any_of(names.begin(), names.end(), [&](const std::string& other) {
    return refers_to(check.settings_of(other), "message_target", name);
  });
}

void check_poison(const S& s, SettingsCheck& check) {
  if (s.poison() == 0 || !s.asynchronous().on_failure().empty() ||
      !s.asynchronous().dead_letter_queue().empty()) {
    return;
  }
  for (const std::string& name : check.components()) {
    if (check.settings_of(name) != &s || !gets_events(name, check)) continue;
    check.warning("poison",
                  "events that it always fails on are lost after their retries: asynchronous has "
                  "neither on_failure nor dead_letter_queue (Lambda guide, Capturing records of "
                  "asynchronous invocations)");
  }
}

}  // namespace

void LambdaFunction::check(const S& settings, SettingsCheck& check) {
  check_runtime(settings, check);
  check_concurrency(settings, check);
  check_poison(settings, check);
}

}  // namespace windtunnel
