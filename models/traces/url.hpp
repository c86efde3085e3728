// "GET https://example.com:443/a/b?x=1 HTTP/1.1" in its parts.
#pragma once

#include <string_view>

#include "models/traces/trace.hpp"

namespace windtunnel::traces {

// Path without the query, "/" where there is none; host without the port.
inline void read_url(std::string_view url, Row& row) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos && scheme < 10) {
    url.remove_prefix(scheme + 3);
    const std::size_t slash = url.find_first_of("/?");
    std::string_view host = url.substr(0, slash);
    const std::size_t colon = host.rfind(':');
    if (colon != std::string_view::npos && host.back() != ']') host = host.substr(0, colon);
    row.host = host;
    url = slash == std::string_view::npos ? std::string_view() : url.substr(slash);
  }
  url = url.substr(0, url.find_first_of("?#"));
  row.path = url.starts_with('/') ? url : std::string_view("/");
}

inline void read_request_line(std::string_view request, Row& row) {
  const std::size_t space = request.find(' ');
  if (space == std::string_view::npos || space == 0) {
    row.path = "/";
    return;
  }
  row.method = request.substr(0, space);
  const std::size_t last = request.rfind(" HTTP/");
  const std::size_t end = last != std::string_view::npos && last > space ? last : request.size();
  read_url(request.substr(space + 1, end - space - 1), row);
}

}  // namespace windtunnel::traces
