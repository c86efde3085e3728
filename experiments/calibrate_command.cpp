// `windtunnel calibrate`: a service's settings from its access log.
#include "models/traces/calibration.hpp"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "experiments/commands.hpp"
#include "experiments/whole_file.hpp"
#include "models/load/client_load.hpp"
#include "topologies/quantity.hpp"

namespace windtunnel::experiments {

namespace {

using traces::Calibration;
using traces::Fit;
using traces::Parameter;

// Five digits.
std::string time(double seconds) {
  if (seconds <= 0) return "0s";
  const double digits = std::pow(10, 4 - std::floor(std::log10(seconds)));
  const double rounded = std::round(seconds * digits) / digits;
  return format_quantity(static_cast<std::int64_t>(std::llround(rounded * 1e9)), schema::DURATION);
}
std::string value(const Parameter& parameter, double number) {
  const bool plain = parameter.name == "cv" || parameter.name == "alpha";
  return plain ? fmt::format("{:.5g}", number) : time(number);
}
std::string percent(double share) { return fmt::format("{:.4g}%", 100 * share); }

std::string yaml_of(const Fit& fit) {
  if (fit.law == "constant") return time(fit.parameters.front().value);
  if (fit.parameters.size() == 1) {
    return fmt::format("{{{}: {}}}", fit.law, time(fit.parameters.front().value));
  }
  return fmt::format("{{{}: {{{}: {}, {}: {}}}}}", fit.law, fit.parameters[0].name,
                     value(fit.parameters[0], fit.parameters[0].value), fit.parameters[1].name,
                     value(fit.parameters[1], fit.parameters[1].value));
}

std::string workers_text(const Calibration& told) {
  if (told.workers > 0) {
    return fmt::format(
        "  workers        {} at each target: more would explain the waiting less, fewer not at "
        "all\n",
        told.workers);
  }
  return fmt::format(
      "  workers        can't be told{}; up to {} requests were at a target at once\n",
      told.seen_at_once > 0 ? ": no request is seen to wait, or the dates are whole seconds" : "",
      told.seen_at_once);
}

std::string text_of(const Calibration& told) {
  const auto date = [&](traces::Date at) {
    return traces::format_date(std::chrono::floor<std::chrono::seconds>(at + told.zone));
  };
  std::string text = fmt::format("  {} requests of {} from {} to {}, {:.4g}/s at {} target{}\n",
                                 told.requests, told.format, date(told.from), date(told.to),
                                 told.rate, told.targets, told.targets == 1 ? "" : "s");
  if (told.more) {
    text += fmt::format("  the log goes on; {} are enough\n", traces::calibrated_max);
  }
  if (told.without_time > 0) {
    text += fmt::format("  {} requests more had no target or no answer\n", told.without_time);
  }
  const Fit& best = told.laws.front();
  text += fmt::format("  service time   {}, greatest distance to the data {:.3f}\n", best.law,
                      told.distance);
  for (const Parameter& p : best.parameters) {
    text += fmt::format("    {:<12} {} [{}, {}]\n", p.name, value(p, p.value), value(p, p.low),
                        value(p, p.high));
  }
  if (told.distance > 0.05) {
    text += "    no law fits well: see the quantiles below before you believe it\n";
  }
  text += workers_text(told);
  text += fmt::format("  errors         {} [{}, {}]", percent(told.errors.value),
                      percent(told.errors.low), percent(told.errors.high));
  if (told.errors.value > 0) {
    text += fmt::format(", in runs of {:.3g} (without memory {:.3g}), mean {} against {}",
                        told.error_run, 1 / (1 - told.errors.value), time(told.error_time),
                        time(told.success_time));
  }
  text += "\n";
  if (told.checked.empty()) return text;
  text +=
      fmt::format("  the {} requests held out, and what the model says of them\n", told.held_out);
  for (const auto& checked : told.checked) {
    const bool share = checked.name == "errors";
    const auto shown = [&](double number) { return share ? percent(number) : time(number); };
    text += fmt::format("    {:<8} {:>12} {:>12}", checked.name, shown(checked.measured),
                        shown(checked.predicted));
    text += checked.measured > 0 ? fmt::format("  {:+.1f} %\n", 100 * checked.error()) : "\n";
  }
  return text;
}

std::string yaml_of(const Calibration& told, const std::string& file) {
  const std::string law = yaml_of(told.laws.front());
  const int workers = told.workers > 0 ? told.workers : std::max(1, told.seen_at_once);
  const std::string name = std::filesystem::path(file).filename().string();
  std::string clean;
  for (const char c : name) clean += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return fmt::format(
      "# Calibrated by windtunnel from {}: {} requests, {} of them held out.\n"
      "# In a topology of AWS services the same is\n"
      "#   ec2_service: {{on: GROUP, workers: {}, service_time: {}}}\n"
      "# and its errors are a fault: {{at: 0s, errors: {{target: NAME, share: {}}}}}\n"
      "experiment: calibrated\n"
      "question: Does the model answer as the log does?\n"
      "topology:\n"
      "  components:\n"
      "    users: {{client: {{target: service, hosts: 1, network: 0s, dns_lookup: 0s, open: "
      "{{poisson: {:.5g}/s}}}}}}\n"
      "    service: {{station: {{servers: {}, service_time: {}, failure_share: {}}}}}\n"
      "horizon: {}\n",
      clean, told.requests, told.held_out, workers, law, percent(told.errors.value),
      std::max(told.rate, 1e-6), workers * static_cast<int>(told.targets), law,
      percent(told.errors.value), told.rate > 100 ? "10min" : "1h");
}

std::string option_name(const std::string& field) {
  return field == "format" ? "--read-as" : fmt::format("--{}", dashed(field));
}

}  // namespace

int calibrate(const CalibrateCommand& command) {
  Diagnostics diagnostics;
  const auto settings = read_trace_options(command.options, command.file, option_name, diagnostics);
  if (!diagnostics.has_errors()) {
    try {
      const Calibration told = traces::calibrate(cut_of(settings), command.held_out);
      fmt::print("{}\n{}", command.file, text_of(told));
      const std::string yaml = yaml_of(told, command.file);
      if (command.out.empty()) {
        fmt::print("\n{}", yaml);
      } else {
        write_whole(command.out, yaml);
        fmt::print("{} written\n", command.out);
      }
      return 0;
    } catch (const traces::Bad& bad) {
      tell(bad, {command.file, 1, 1}, diagnostics);
    }
  }
  fmt::print(stderr, "{}", diagnostics.print());
  return 2;
}

}  // namespace windtunnel::experiments
