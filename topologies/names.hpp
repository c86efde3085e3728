// Names that users write: which are allowed, and which one was meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace windtunnel {

// Components and experiments: a letter or digit, then letters, digits, _ and -, 64 at most.
bool is_name(std::string_view text);
inline constexpr std::string_view name_rule =
    "a name has 1 to 64 letters, digits, _ and -, the first a letter or digit";

// ", did you mean 'idle_timeout'?", or nothing where no candidate is near.
std::string did_you_mean(std::string_view text, const std::vector<std::string>& candidates);

// "a, b and c"; "or" instead of "and" if asked.
std::string listed(const std::vector<std::string>& words, std::string_view last = "and");

// The AWS regions, by their codes.
const std::vector<std::string>& known_regions();

}  // namespace windtunnel
