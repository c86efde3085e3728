// The program and the style of the report's page, as analysis/report/bundle.cmake embeds them;
// empty where the program was built without npm.
#pragma once

#include <string>

namespace windtunnel::analysis {

std::string report_script();
std::string report_style();

}  // namespace windtunnel::analysis
