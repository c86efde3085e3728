// What each model leaves out, in the words of its header's opening comment: the place where it is
// written is the place where it is read from (left_out.cmake).
#pragma once

#include <string>
#include <string_view>

namespace windtunnel {

// Of a model, by its name in topologies; empty where its header names nothing.
std::string left_out(std::string_view model);

}  // namespace windtunnel
