// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace windtunnel::analysis {

// "340 ms", "2.1 s", "45 s", "2 min 14 s", "3 h 05 min", "12 d 3 h"; of seconds.
std::string duration_text(double seconds);
// "0:07", "2:06", "1:02:06"; of seconds, rounded.
std::string clock_text(double seconds);
// A date with tenths, "10:00.1"; of nanoseconds since the start of the run.
std::string date_text(std::int64_t nanoseconds);
// "99.71 %"; of a share.
std::string share_text(double share);
// "288,000".
std::string count_text(std::uint64_t count);
// "28.8 M", "12.4 k", "950".
std::string short_count_text(std::uint64_t count);

}  // namespace windtunnel::analysis
