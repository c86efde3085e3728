#include "analysis/report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/compare.hpp"
#include "analysis/measure_values.hpp"
#include "analysis/report_bundle.hpp"
#include "analysis/summary.hpp"
#include "analysis/text.hpp"
#include "analysis/verdict.hpp"

namespace windtunnel::analysis {
namespace {

// For HTML and XML, as text or in an attribute.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool is_control = static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t';
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else {
      result += is_control ? ' ' : c;  // XML knows no other control characters
    }
  }
  return result;
}

// For an element of script: nothing in it can end the element or begin a comment.
std::string as_data(const nlohmann::json& data) {
  const std::string text = data.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string titles(const std::vector<Variant>& variants) {
  std::string text;
  for (const auto& variant : variants) {
    text += (text.empty() ? "" : ", ") + variant.results.header.experiment();
  }
  return text;
}

std::string value_text(double value, bool is_share) {
  return is_share ? share_text(value) : duration_text(value);
}

std::string limit_text(const ObjectiveSummary& objective, const MeasureSummary& measure) {
  const Objective& claim = objective.objective;
  return fmt::format("{}{} {}", claim.statistic() == "mean" ? "" : claim.statistic() + " ",
                     more_is_better(claim.measure()) ? "at least" : "at most",
                     value_text(claim.limit(), measure.is_share));
}

std::string finding_text(const ObjectiveSummary& objective, const MeasureSummary& measure) {
  if (measure.n == 0) return "nothing was measured";
  if (!objective.value) {
    return fmt::format("{} of {} had not ended", measure.censored, measure.n);
  }
  std::string text = value_text(*objective.value, measure.is_share);
  if (objective.ci95 && std::isfinite(objective.ci95->low) && std::isfinite(objective.ci95->high)) {
    text += fmt::format(" [{}, {}]", value_text(objective.ci95->low, measure.is_share),
                        value_text(objective.ci95->high, measure.is_share));
  }
  return text;
}

// For a line of Markdown: nothing in it is read as Markdown or HTML.
std::string plain(const std::string& text) {
  constexpr std::string_view special = "|`*_[]\\#~";
  std::string result;
  for (const char c : escaped(text)) {
    if (special.find(c) != std::string_view::npos) result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result;
}

std::string folded(const std::string& title, const std::string& text) {
  return fmt::format("<details><summary>{}</summary>\n\n<pre>\n{}</pre>\n</details>\n\n", title,
                     escaped(text));
}

std::string objectives_table(const Summary& summary) {
  if (summary.objectives.empty()) return "Nothing is promised.\n\n";
  std::string text = "| | promised | measured [95 %] | |\n|---|---|---|---|\n";
  for (const auto& objective : summary.objectives) {
    const auto& measure = summary.measure(objective.objective.measure());
    const char* sign = objective.verdict == Verdict::holds   ? "✅"
                       : objective.verdict == Verdict::fails ? "❌"
                                                             : "◐";
    text += fmt::format("| {} | {} | {} | {} {} |\n", plain(measure.name),
                        limit_text(objective, measure), plain(finding_text(objective, measure)),
                        sign, to_string(objective.verdict));
  }
  return text + "\n";
}

std::string markdown_of(const Variant& variant, const Variant& first) {
  const Results& results = variant.results;
  const Summary summary = summarise(results.header, results.records);
  std::string text = fmt::format("### {}\n\n", plain(results.header.experiment()));
  if (!results.header.question().empty()) {
    text += fmt::format("> {}\n\n", plain(results.header.question()));
  }
  for (const auto& set : results.header.overrides()) {
    text += fmt::format("- with {}\n", plain(set.path() + "=" + set.value()));
  }
  if (!variant.lost.empty()) text += "**The file is damaged; not all of it could be read.**\n";
  text += "\n" + objectives_table(summary);
  text += fmt::format("{} of {} replications, {} requests, seed {}, version {}\n\n",
                      summary.replications, results.header.replications(),
                      short_count_text(summary.requests), results.header.seed(),
                      plain(results.header.program_version()));
  if (&variant != &first && results.header.seed() == first.results.header.seed()) {
    const auto changes = compare(first.results, results);
    text += folded("Against the first",
                   compare_text(first.file, variant.file, first.results, results, changes));
  }
  return text + folded("Verdict and story",
                       verdict_text(results, summary, {.results_path = variant.file}));
}

std::string suite_of(const Variant& variant) {
  const auto& header = variant.results.header;
  const Summary summary = summarise(header, variant.results.records);
  std::string cases;
  int failures = 0, skipped = 0;
  for (const auto& objective : summary.objectives) {
    const auto& measure = summary.measure(objective.objective.measure());
    const std::string finding = escaped(finding_text(objective, measure));
    const std::string limit = limit_text(objective, measure);
    std::string outcome;
    if (objective.verdict == Verdict::fails) {
      ++failures;
      outcome = fmt::format("<failure message=\"{}, promised {}\"/>", finding, limit);
    } else if (objective.verdict == Verdict::undecided) {
      ++skipped;
      outcome = fmt::format("<skipped message=\"undecided: {}\"/>", finding);
    }
    cases += fmt::format("    <testcase classname=\"{}\" name=\"{} {}\" time=\"0\">{}</testcase>\n",
                         escaped(header.experiment()), measure.name, limit, outcome);
  }
  return fmt::format(
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\">\n{}"
      "  </testsuite>\n",
      escaped(header.experiment()), summary.objectives.size(), failures, skipped, cases);
}

constexpr const char* policy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: "
    "blob:";
constexpr const char* plain_style =
    "body{max-width:60em;margin:3em auto;padding:0 1em;font-family:sans-serif}"
    "pre{white-space:pre-wrap}";
constexpr const char* without_pictures =
    "<p><b>This page has no pictures:</b> the windtunnel that made it was built without npm. The "
    "numbers follow. Install npm, build again and repeat the command.</p>";

}  // namespace

bool report_has_pictures() { return !report_script().empty(); }

std::string report_html(const std::vector<Variant>& variants) {
  const bool pictures = report_has_pictures();
  std::string numbers;
  for (const auto& variant : variants) {
    const Summary summary = summarise(variant.results.header, variant.results.records);
    numbers += verdict_text(variant.results, summary, {.results_path = variant.file}) + "\n";
  }
  std::string page = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page += fmt::format("<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n", policy);
  page += fmt::format("<title>{} · wind tunnel report</title>\n", escaped(titles(variants)));
  page += fmt::format("<style>{}</style>\n</head>\n<body>\n",
                      pictures ? report_style() : std::string(plain_style));
  page += fmt::format(
      "<div id=\"plain\">{}<pre>{}</pre></div>\n",
      pictures ? "<noscript><p>Its script draws this page.</p></noscript>" : without_pictures,
      escaped(numbers));
  page += "<script type=\"application/json\" id=\"data\">" + as_data(report_data(variants)) +
          "</script>\n";
  if (pictures) page += "<script>" + report_script() + "</script>\n";
  return page + "</body>\n</html>\n";
}

std::string report_markdown(const std::vector<Variant>& variants) {
  std::string text;
  for (const auto& variant : variants) text += markdown_of(variant, variants.front());
  return text;
}

std::string report_junit(const std::vector<Variant>& variants) {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const auto& variant : variants) text += suite_of(variant);
  return text + "</testsuites>\n";
}

}  // namespace windtunnel::analysis
