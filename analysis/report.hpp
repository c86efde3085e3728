// The report of one experiment, or of several side by side: an HTML page of its own, Markdown for a
// pull request, JUnit's XML for CI. What the page shows is in report_data.cpp; how it is drawn, in
// the programs of analysis/report/.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "analysis/results_file.hpp"

namespace windtunnel::analysis {

struct Variant {
  std::string file;
  Results results;
  std::vector<std::string> lost;  // what could not be read of a damaged file
};

// All that the page shows. Sizes are bounded: of many replications or components it holds a choice,
// and says so.
nlohmann::json report_data(const std::vector<Variant>& variants);

// A page that needs nothing else. Safe to open whatever the files hold: all that comes from them
// goes into the page as data, never as markup.
std::string report_html(const std::vector<Variant>& variants);
// False: this program was built without npm; the page then has the numbers, but no pictures.
bool report_has_pictures();

std::string report_markdown(const std::vector<Variant>& variants);
// One test case an objective.
std::string report_junit(const std::vector<Variant>& variants);

}  // namespace windtunnel::analysis
