// A text file that is there whole or not at all.
#pragma once

#include <fcntl.h>

#include <string>
#include <string_view>

#include "analysis/files.hpp"

namespace windtunnel::experiments {

inline void write_whole(const std::string& path, std::string_view text) {
  const std::string part = path + ".part";
  {
    analysis::File file(part, O_WRONLY | O_CREAT | O_TRUNC);
    file.write(text);
    file.sync();
  }
  analysis::publish(part, path);
}

}  // namespace windtunnel::experiments
