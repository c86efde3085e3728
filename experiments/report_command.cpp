// report: results as a page, as Markdown, as JUnit's XML.
#include <fcntl.h>
#include <fmt/format.h>

#include <filesystem>

#include "analysis/files.hpp"
#include "analysis/report.hpp"
#include "experiments/prepare.hpp"

namespace windtunnel::experiments {

namespace {

namespace fs = std::filesystem;

void write(const std::string& path, const std::string& text) {
  analysis::File(path, O_WRONLY | O_CREAT | O_TRUNC).write(text);
}

// results/az_loss_web.h5: results/az_loss_web.html.
std::string page_beside(const std::string& file) {
  return fs::path(file).replace_extension(".html").string();
}

// A results file is not overwritten by what is made from it.
bool is_input(const std::string& out, const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    std::error_code error;
    if (!out.empty() && fs::equivalent(out, file, error)) {
      fmt::print(stderr, "--out:1:1: {} is one of the results\n", out);
      return true;
    }
  }
  return false;
}

}  // namespace

int report(const ReportCommand& command) {
  std::string out = command.out;
  if (out.empty() && !command.markdown) out = page_beside(command.files.front());
  if (is_input(out, command.files) || is_input(command.junit, command.files)) return 2;
  std::vector<analysis::Variant> variants;
  for (const std::string& file : command.files) {
    auto& variant = variants.emplace_back();
    variant.file = file;
    variant.results = read_any(file, &variant.lost);
  }
  if (!command.junit.empty()) write(command.junit, analysis::report_junit(variants));
  if (command.markdown) {
    const std::string text = analysis::report_markdown(variants);
    out.empty() ? fmt::print("{}", text) : write(out, text);
    return 0;
  }
  const std::string page = analysis::report_html(variants);
  write(out, page);
  if (!analysis::report_has_pictures()) {
    fmt::print(stderr, "{}:1:1: note: no pictures, windtunnel was built without npm\n", out);
  }
  fmt::print("report        {} ({} kB)\n", out, (page.size() + 999) / 1000);
  return 0;
}

}  // namespace windtunnel::experiments
