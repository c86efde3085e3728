// A results file as it lies there: `windtunnel show FILE PATH` and `windtunnel export`. Reads also
// what another layout or another program wrote, as far as its types are ours.
#pragma once

#include <string>
#include <vector>

namespace windtunnel::analysis {

// What is at PATH ("/", "/series/web-alb", "measures/rto"): the members of a group, or the first
// values of a dataset; several lines. Throws WrongFile.
std::string browse(const std::string& file, const std::string& path);

// Every group as a table of its own, DIRECTORY/series/web-alb.csv: the axes and then one column a
// dataset; times in seconds. Returns the files it wrote. Throws FileError.
std::vector<std::string> export_csv(const std::string& file, const std::string& directory);

}  // namespace windtunnel::analysis
