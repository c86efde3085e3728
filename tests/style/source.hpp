// The tree's own files, as text.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace windtunnel::test {

struct Source {
  std::string path;  // from the root: "sim/pool.hpp"
  std::string text;

  std::string folder() const { return path.substr(0, path.find('/')); }
  std::string stem() const { return std::filesystem::path(path).stem().string(); }
  std::string extension() const { return std::filesystem::path(path).extension().string(); }
  bool is_code() const { return extension() == ".cpp" || extension() == ".hpp"; }
  bool is_in(const std::string& start) const { return path.starts_with(start); }
};

// Without what builds and runs leave behind.
inline const std::vector<Source>& sources() {
  static const std::vector<Source> all = [] {
    namespace fs = std::filesystem;
    static const std::set<std::string> not_ours = {"build", "results", ".git", ".cache"};
    const fs::path root(WINDTUNNEL_SOURCE);
    std::vector<Source> found;
    for (auto entry = fs::recursive_directory_iterator(root);
         entry != fs::recursive_directory_iterator(); ++entry) {
      const std::string name = entry->path().filename().string();
      if (entry->is_directory() && entry.depth() == 0 && not_ours.contains(name)) {
        entry.disable_recursion_pending();
      } else if (entry->is_regular_file()) {
        std::ifstream in(entry->path(), std::ios::binary);
        found.push_back({entry->path().lexically_relative(root).string(),
                         {std::istreambuf_iterator<char>(in), {}}});
      }
    }
    std::sort(found.begin(), found.end(),
              [](const Source& a, const Source& b) { return a.path < b.path; });
    return found;
  }();
  return all;
}

// What is named between #include and the end of the line, quotes and brackets taken off.
inline std::vector<std::string> includes_of(const Source& source) {
  std::vector<std::string> names;
  std::istringstream lines(source.text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("#include ")) continue;
    const std::size_t end = line.find_first_of("\">", 10);
    names.push_back(line.substr(10, end - 10));
  }
  return names;
}

// The code without comments and without what stands in quotes; lines stay where they are.
inline std::string bare_code(const std::string& text) {
  std::string bare;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = std::string_view(text).substr(i);
    if (quote != 0) {
      if (text[i] == '\n') bare += '\n';
      if (text[i] == quote || text[i] == '\n') quote = 0;
      if (text[i] == '\\') ++i;
    } else if (rest.starts_with("R\"(")) {
      const std::size_t end = text.find(")\"", i);
      bare.append(static_cast<std::size_t>(
                      std::count(text.begin() + static_cast<std::ptrdiff_t>(i),
                                 text.begin() + static_cast<std::ptrdiff_t>(end), '\n')),
                  '\n');
      i = end + 1;
    } else if (rest.starts_with("//")) {
      i = text.find('\n', i) - 1;
    } else if (rest.starts_with("/*")) {
      i = text.find("*/", i) + 1;
    } else if (text[i] == '"' ||
               (text[i] == '\'' && (i == 0 || !isalnum(static_cast<unsigned char>(text[i - 1]))))) {
      quote = text[i];
    } else {
      bare += text[i];
    }
  }
  return bare;
}

}  // namespace windtunnel::test
