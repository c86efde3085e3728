// What is fuzzed: a harness reads any bytes and aborts where something else than the reader's own
// word comes out, a message that is no line of plain text for instance.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace windtunnel::fuzz {

struct Harness {
  std::string name;
  std::vector<std::string> seeds;  // folders of the tree
  std::function<void(std::string_view)> run;
};

std::vector<Harness> harnesses();

}  // namespace windtunnel::fuzz
