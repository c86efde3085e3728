#include "models/mechanisms/region_latency.hpp"

#include <array>
#include <cstddef>

namespace windtunnel {

namespace {

constexpr std::size_t regions = 21;
constexpr std::array<std::string_view, regions> names = {
    "us-east-1",      "us-east-2",      "us-west-1",      "us-west-2",      "ca-central-1",
    "sa-east-1",      "eu-west-1",      "eu-west-2",      "eu-west-3",      "eu-central-1",
    "eu-north-1",     "eu-south-1",     "me-south-1",     "af-south-1",     "ap-south-1",
    "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
    "ap-east-1"};

// Round trips in ms, from the row's region to the column's.
constexpr std::array<std::array<int, regions>, regions> round_trips = {{
    {5, 15, 64, 64, 16, 115, 70, 78, 84, 93, 112, 101, 161, 228, 192, 219, 200, 149, 179, 153, 197},
    {16,  5,   53,  51,  28,  126, 80,  89,  95,  104, 124,
     112, 172, 239, 204, 204, 188, 135, 165, 142, 185},
    {64,  52,  3,   22,  80,  175, 130, 148, 144, 153, 173,
     162, 221, 288, 231, 170, 139, 108, 133, 110, 155},
    {64,  51,  22,  3,   61,  174, 118, 129, 135, 143, 156,
     151, 213, 275, 222, 160, 141, 98,  123, 99,  145},
    {16, 26, 80, 61, 4, 125, 69, 79, 86, 93, 107, 102, 162, 225, 193, 214, 198, 146, 176, 152, 196},
    {115, 125, 175, 175, 126, 3,   178, 187, 196, 205, 222,
     213, 273, 339, 302, 327, 312, 258, 288, 264, 308},
    {70, 80, 130, 118, 69, 178, 3, 14, 20, 27, 41, 36, 98, 161, 126, 182, 256, 201, 231, 207, 226},
    {77, 88, 148, 129, 79, 187, 13, 3, 11, 18, 32, 27, 88, 151, 118, 172, 266, 211, 242, 217, 206},
    {84, 95, 144, 136, 86, 196, 20, 12, 3, 13, 32, 21, 87, 147, 109, 167, 280, 218, 248, 224, 200},
    {93, 103, 153, 142, 93, 204, 27, 18, 12, 4, 23, 12, 86, 156, 129, 161, 252, 227, 231, 234, 193},
    {112, 123, 172, 155, 105, 223, 40,  31,  31,  23, 3,
     31,  105, 174, 149, 181, 271, 247, 250, 253, 213},
    {102, 112, 162, 152, 102, 213, 36,  27,  21,  13, 32,
     2,   113, 190, 110, 152, 243, 218, 222, 225, 184},
    {161, 172, 222, 222, 163, 273, 98,  89,  86,  87, 105,
     114, 3,   252, 39,  99,  189, 176, 169, 171, 132},
    {226, 236, 286, 273, 223, 337, 158, 149, 145, 154, 175,
     186, 246, 5,   271, 316, 409, 356, 386, 370, 350},
    {190, 200, 231, 221, 191, 301, 125, 117, 109, 129, 148,
     109, 38,  273, 3,   63,  154, 133, 134, 137, 97},
    {219, 203, 171, 161, 215, 327, 183, 173, 167, 161, 181,
     152, 98,  319, 64,  4,   95,  71,  74,  77,  37},
    {200, 188, 139, 141, 198, 312, 256, 266, 280, 252, 272,
     243, 188, 409, 154, 95,  4,   106, 146, 121, 128},
    {149, 135, 109, 98,  145, 257, 201, 212, 218, 228, 247,
     218, 173, 358, 134, 70,  107, 3,   36,  10,  52},
    {179, 165, 134, 123, 175, 288, 232, 243, 249, 232, 251,
     222, 166, 387, 135, 74,  145, 36,  4,   25,  39},
    {153, 140, 110, 100, 150, 263, 207, 218, 224, 234, 253,
     225, 170, 370, 137, 77,  120, 10,  25,  2,   46},
    {198, 185, 156, 146, 198, 310, 234, 207, 202, 194, 214,
     185, 131, 359, 99,  38,  128, 52,  39,  46,  3},
}};

std::optional<std::size_t> index_of(std::string_view region) {
  for (std::size_t i = 0; i < regions; ++i) {
    if (names[i] == region) return i;
  }
  return std::nullopt;
}

}  // namespace

std::optional<sim::Duration> region_round_trip(std::string_view from, std::string_view to) {
  const auto a = index_of(from), b = index_of(to);
  if (!a || !b || *a == *b) return std::nullopt;
  // Both directions are one path; their difference (5 ms at most) is noise of the measurement.
  return std::chrono::microseconds(500 * (round_trips[*a][*b] + round_trips[*b][*a]));
}

bool in_round_trip_matrix(std::string_view region) { return index_of(region).has_value(); }

}  // namespace windtunnel
