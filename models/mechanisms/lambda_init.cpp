// Figures: GitHub maxday/lambda-perf at 6070b79, data of 2026-05-28 to 2026-08-22, 512 MB, about
// 770 cold starts a row.
#include "models/mechanisms/lambda_init.hpp"

#include <algorithm>

namespace windtunnel {

namespace {

using Package = LambdaInit::Package;
using Architecture = LambdaInit::Architecture;

constexpr LambdaInit table[] = {
    {"python3.9", Package::zip, Architecture::x86_64, {68.0, 74.2, 78.9, 85.6, 94.9, 103.8, 133.2, 148.2, 162.7}},
    {"python3.9", Package::zip, Architecture::arm64, {56.4, 62.7, 74.0, 77.9, 87.0, 94.9, 140.9, 198.6, 199.5}},
    {"python3.9", Package::image, Architecture::x86_64, {113.2, 132.3, 154.4, 188.9, 275.5, 296.6, 364.4, 399.9, 407.4}},
    {"python3.9", Package::image, Architecture::arm64, {88.4, 111.7, 125.0, 165.5, 255.0, 279.3, 320.6, 348.1, 356.4}},
    {"python3.10", Package::zip, Architecture::x86_64, {64.1, 74.6, 79.2, 86.0, 95.6, 102.9, 134.7, 253.4, 258.9}},
    {"python3.10", Package::zip, Architecture::arm64, {57.0, 63.5, 73.8, 77.3, 84.2, 91.0, 148.3, 216.5, 282.0}},
    {"python3.10", Package::image, Architecture::x86_64, {114.7, 130.2, 152.7, 188.4, 252.7, 280.2, 347.7, 422.0, 452.8}},
    {"python3.10", Package::image, Architecture::arm64, {90.5, 112.2, 124.1, 145.8, 211.5, 253.6, 305.2, 372.9, 392.4}},
    {"python3.11", Package::zip, Architecture::x86_64, {67.2, 75.6, 80.4, 87.9, 98.6, 109.5, 126.5, 162.8, 165.0}},
    {"python3.11", Package::zip, Architecture::arm64, {57.2, 64.0, 73.8, 76.5, 81.2, 86.9, 106.2, 171.3, 231.8}},
    {"python3.11", Package::image, Architecture::x86_64, {114.3, 134.8, 155.5, 197.5, 263.4, 294.4, 348.2, 453.1, 463.0}},
    {"python3.11", Package::image, Architecture::arm64, {87.9, 108.8, 122.8, 139.3, 206.2, 249.6, 287.1, 324.9, 327.8}},
    {"python3.12", Package::zip, Architecture::x86_64, {72.0, 81.8, 86.5, 94.2, 106.1, 116.8, 138.2, 169.9, 173.8}},
    {"python3.12", Package::zip, Architecture::arm64, {62.7, 69.5, 81.1, 84.8, 89.9, 95.9, 138.4, 211.7, 223.3}},
    {"python3.12", Package::image, Architecture::x86_64, {118.4, 141.8, 166.2, 203.0, 281.5, 327.2, 398.4, 448.3, 483.6}},
    {"python3.12", Package::image, Architecture::arm64, {96.9, 118.9, 132.4, 150.5, 193.9, 289.7, 368.2, 389.2, 394.7}},
    {"python3.13", Package::zip, Architecture::x86_64, {76.3, 82.4, 92.1, 104.6, 118.4, 131.6, 186.6, 252.0, 296.8}},
    {"python3.13", Package::zip, Architecture::arm64, {62.9, 75.6, 81.3, 91.9, 98.9, 104.0, 124.8, 192.2, 201.5}},
    {"python3.13", Package::image, Architecture::x86_64, {119.6, 138.0, 162.3, 200.2, 292.1, 339.1, 391.9, 459.4, 474.1}},
    {"python3.13", Package::image, Architecture::arm64, {94.8, 120.5, 134.2, 159.4, 249.1, 287.0, 338.4, 375.9, 402.5}},
    {"python3.14", Package::zip, Architecture::x86_64, {96.2, 105.4, 117.8, 131.8, 157.4, 198.8, 274.8, 350.4, 424.4}},
    {"python3.14", Package::zip, Architecture::arm64, {79.3, 92.3, 102.9, 112.8, 119.8, 126.4, 213.4, 254.9, 280.2}},
    {"python3.14", Package::image, Architecture::x86_64, {141.2, 160.4, 186.5, 237.6, 363.7, 408.4, 469.1, 574.3, 606.2}},
    {"python3.14", Package::image, Architecture::arm64, {116.2, 143.1, 161.3, 201.5, 308.2, 338.9, 384.1, 445.1, 575.6}},
    {"nodejs20.x", Package::zip, Architecture::x86_64, {117.5, 137.5, 145.1, 155.3, 170.1, 180.6, 207.6, 247.3, 260.2}},
    {"nodejs20.x", Package::zip, Architecture::arm64, {103.8, 113.2, 132.0, 136.8, 142.6, 148.2, 173.4, 233.8, 304.8}},
    {"nodejs20.x", Package::image, Architecture::x86_64, {218.5, 244.9, 273.8, 346.5, 550.2, 709.8, 802.3, 937.2, 1011.1}},
    {"nodejs20.x", Package::image, Architecture::arm64, {168.1, 189.6, 228.0, 238.7, 266.3, 457.7, 698.9, 742.5, 755.5}},
    {"nodejs22.x", Package::zip, Architecture::x86_64, {118.1, 136.7, 144.8, 156.8, 169.8, 184.1, 219.1, 277.1, 308.5}},
    {"nodejs22.x", Package::zip, Architecture::arm64, {100.1, 109.9, 129.9, 135.0, 140.8, 148.6, 195.1, 547.5, 573.1}},
    {"nodejs22.x", Package::image, Architecture::x86_64, {221.8, 258.7, 296.8, 382.3, 554.2, 663.8, 792.3, 880.6, 926.1}},
    {"nodejs22.x", Package::image, Architecture::arm64, {168.8, 210.3, 235.6, 279.3, 527.7, 698.5, 750.8, 801.9, 827.7}},
    {"nodejs24.x", Package::zip, Architecture::x86_64, {117.2, 131.2, 140.9, 153.8, 170.9, 181.5, 213.1, 249.0, 283.7}},
    {"nodejs24.x", Package::zip, Architecture::arm64, {97.5, 110.3, 125.4, 132.3, 138.2, 143.7, 168.2, 339.7, 507.1}},
    {"nodejs24.x", Package::image, Architecture::x86_64, {214.9, 245.0, 280.5, 381.8, 592.3, 711.1, 826.9, 882.7, 896.7}},
    {"nodejs24.x", Package::image, Architecture::arm64, {164.6, 208.1, 227.3, 275.2, 602.6, 699.9, 738.9, 798.3, 814.1}},
    {"java8.al2", Package::zip, Architecture::x86_64, {221.9, 242.7, 254.6, 274.6, 302.7, 458.6, 534.9, 577.3, 617.2}},
    {"java8.al2", Package::zip, Architecture::arm64, {190.6, 234.9, 258.9, 294.0, 489.5, 502.3, 516.6, 603.3, 785.1}},
    {"java8.al2", Package::image, Architecture::x86_64, {280.4, 312.3, 336.3, 391.8, 594.0, 647.6, 747.0, 831.8, 859.4}},
    {"java8.al2", Package::image, Architecture::arm64, {232.6, 257.5, 317.2, 335.4, 418.2, 512.1, 619.2, 1399.2, 3209.5}},
    {"java11", Package::zip, Architecture::x86_64, {235.0, 269.6, 279.4, 296.6, 352.5, 456.1, 586.1, 683.0, 772.8}},
    {"java11", Package::zip, Architecture::arm64, {210.2, 236.3, 279.2, 298.3, 475.8, 536.2, 562.5, 574.5, 580.1}},
    {"java11", Package::image, Architecture::x86_64, {293.5, 336.0, 377.6, 464.5, 668.4, 727.4, 805.8, 876.6, 894.3}},
    {"java11", Package::image, Architecture::arm64, {245.6, 307.3, 333.7, 396.7, 605.8, 681.7, 747.2, 832.0, 944.7}},
    {"java17", Package::zip, Architecture::x86_64, {179.4, 199.7, 208.1, 221.4, 243.0, 263.4, 343.8, 618.4, 624.2}},
    {"java17", Package::zip, Architecture::arm64, {158.8, 172.6, 215.4, 223.5, 231.8, 241.5, 335.4, 610.7, 646.1}},
    {"java17", Package::image, Architecture::x86_64, {244.4, 279.9, 309.8, 361.3, 436.7, 537.8, 713.7, 862.6, 937.0}},
    {"java17", Package::image, Architecture::arm64, {200.9, 264.6, 291.9, 357.7, 477.8, 560.9, 682.5, 898.8, 1323.8}},
    {"java21", Package::zip, Architecture::x86_64, {209.7, 233.4, 245.1, 262.3, 291.0, 327.7, 622.0, 727.7, 740.1}},
    {"java21", Package::zip, Architecture::arm64, {183.2, 198.1, 247.9, 258.8, 269.2, 281.7, 585.7, 648.0, 657.7}},
    {"java21", Package::image, Architecture::x86_64, {271.4, 309.5, 346.3, 409.0, 553.8, 692.8, 811.1, 901.1, 902.1}},
    {"java21", Package::image, Architecture::arm64, {218.3, 271.7, 306.3, 341.3, 466.6, 641.3, 733.1, 798.5, 806.0}},
    {"java25", Package::zip, Architecture::x86_64, {164.3, 182.7, 194.1, 214.7, 278.0, 420.2, 501.6, 556.8, 634.0}},
    {"java25", Package::zip, Architecture::arm64, {141.0, 157.5, 196.2, 208.7, 221.0, 245.1, 435.2, 483.4, 520.5}},
    {"java25", Package::image, Architecture::x86_64, {201.3, 224.1, 246.9, 299.0, 494.8, 566.2, 657.9, 846.3, 918.9}},
    {"java25", Package::image, Architecture::arm64, {163.8, 214.8, 243.2, 289.6, 403.2, 462.6, 568.6, 613.9, 651.6}},
    {"dotnet8", Package::zip, Architecture::x86_64, {214.1, 241.3, 258.2, 286.9, 333.1, 563.4, 666.5, 822.6, 872.0}},
    {"dotnet8", Package::zip, Architecture::arm64, {220.0, 257.9, 293.9, 321.1, 382.8, 623.3, 696.7, 764.0, 772.6}},
    {"dotnet8", Package::image, Architecture::x86_64, {317.4, 360.6, 403.2, 480.3, 678.6, 741.9, 857.1, 922.2, 972.2}},
    {"dotnet8", Package::image, Architecture::arm64, {306.9, 374.4, 416.9, 484.2, 623.3, 717.6, 839.2, 949.5, 1056.1}},
    {"dotnet10", Package::zip, Architecture::x86_64, {225.2, 241.2, 259.6, 312.4, 571.5, 631.8, 707.2, 810.9, 883.9}},
    {"dotnet10", Package::zip, Architecture::arm64, {195.2, 236.0, 254.2, 303.7, 595.4, 612.7, 680.0, 743.4, 753.9}},
    {"dotnet10", Package::image, Architecture::x86_64, {317.6, 360.1, 403.7, 492.1, 716.2, 779.0, 892.7, 1046.6, 1179.4}},
    {"dotnet10", Package::image, Architecture::arm64, {263.9, 319.1, 362.3, 419.2, 603.8, 738.8, 826.3, 914.8, 933.4}},
    {"ruby3.2", Package::zip, Architecture::x86_64, {193.7, 215.6, 236.2, 292.7, 390.5, 440.9, 482.2, 569.4, 570.9}},
    {"ruby3.2", Package::zip, Architecture::arm64, {193.8, 246.5, 280.3, 354.5, 418.7, 428.3, 483.2, 498.6, 512.6}},
    {"ruby3.2", Package::image, Architecture::x86_64, {218.8, 250.0, 272.1, 309.7, 388.2, 429.5, 492.8, 638.3, 674.8}},
    {"ruby3.2", Package::image, Architecture::arm64, {217.8, 245.7, 301.8, 317.4, 360.9, 400.2, 456.9, 491.9, 536.5}},
    {"ruby3.3", Package::zip, Architecture::x86_64, {195.3, 223.0, 244.9, 322.2, 396.1, 419.3, 484.0, 580.6, 597.1}},
    {"ruby3.3", Package::zip, Architecture::arm64, {183.2, 207.3, 250.6, 267.1, 297.9, 403.1, 428.8, 505.7, 527.2}},
    {"ruby3.3", Package::image, Architecture::x86_64, {225.2, 255.2, 278.6, 322.6, 411.5, 445.9, 493.7, 581.0, 643.3}},
    {"ruby3.3", Package::image, Architecture::arm64, {208.0, 231.1, 289.2, 304.2, 357.4, 393.8, 450.6, 830.4, 1188.8}},
    {"ruby3.4", Package::zip, Architecture::x86_64, {189.4, 208.3, 230.4, 318.7, 394.2, 425.3, 496.9, 627.7, 651.7}},
    {"ruby3.4", Package::zip, Architecture::arm64, {177.0, 207.5, 241.4, 269.9, 394.6, 408.6, 431.2, 484.4, 484.9}},
    {"ruby3.4", Package::image, Architecture::x86_64, {222.4, 244.9, 269.8, 316.9, 399.2, 425.3, 498.0, 628.3, 640.8}},
    {"ruby3.4", Package::image, Architecture::arm64, {204.8, 233.1, 275.8, 290.3, 340.4, 378.1, 447.4, 674.6, 1145.5}},
    {"rust", Package::zip, Architecture::x86_64, {14.5, 15.4, 16.2, 17.4, 21.7, 27.2, 49.4, 69.5, 71.4}},
    {"rust", Package::zip, Architecture::arm64, {11.5, 12.5, 13.8, 14.5, 17.4, 22.9, 44.8, 51.8, 53.4}},
    {"rust", Package::image, Architecture::x86_64, {26.5, 30.6, 35.8, 45.0, 60.9, 79.0, 139.8, 362.9, 400.7}},
    {"rust", Package::image, Architecture::arm64, {21.5, 25.8, 29.4, 34.4, 44.1, 71.5, 99.1, 308.1, 339.9}},
    {"go", Package::zip, Architecture::x86_64, {44.8, 49.4, 50.6, 52.2, 55.3, 58.5, 69.3, 78.9, 82.4}},
    {"go", Package::zip, Architecture::arm64, {35.5, 37.0, 43.0, 43.9, 44.8, 46.5, 53.9, 77.7, 129.6}},
    {"go", Package::image, Architecture::x86_64, {35.6, 41.9, 48.1, 61.3, 83.5, 95.0, 120.2, 148.6, 185.4}},
    {"go", Package::image, Architecture::arm64, {28.0, 35.4, 39.6, 45.4, 59.3, 72.4, 100.1, 208.5, 282.6}},
    {"c++", Package::zip, Architecture::x86_64, {60.3, 63.8, 66.8, 72.4, 91.9, 104.8, 134.8, 149.9, 150.6}},
    {"c++", Package::zip, Architecture::arm64, {40.1, 44.1, 49.4, 51.9, 60.3, 65.3, 103.5, 108.3, 109.1}},
    {"c++", Package::image, Architecture::x86_64, {37.5, 42.6, 50.8, 67.2, 102.8, 115.3, 171.3, 920.5, 1846.3}},
    {"c++", Package::image, Architecture::arm64, {29.1, 36.6, 41.0, 47.8, 79.9, 92.1, 125.1, 953.7, 1876.2}},
    {"dotnet8-aot", Package::zip, Architecture::x86_64, {80.9, 85.1, 87.9, 91.5, 102.2, 111.9, 126.5, 161.0, 183.4}},
    {"dotnet8-aot", Package::zip, Architecture::arm64, {66.3, 70.3, 77.8, 80.6, 85.2, 89.9, 105.4, 135.8, 178.3}},
    {"dotnet8-aot", Package::image, Architecture::x86_64, {47.9, 54.7, 62.2, 78.0, 107.5, 126.0, 178.5, 428.2, 698.5}},
    {"dotnet8-aot", Package::image, Architecture::arm64, {39.8, 50.2, 55.1, 62.8, 84.3, 104.7, 229.6, 1252.7, 2951.1}},
    {"graalvm-java21", Package::zip, Architecture::x86_64, {137.4, 149.4, 154.1, 161.0, 171.4, 185.3, 223.0, 273.3, 280.3}},
    {"graalvm-java21", Package::zip, Architecture::arm64, {104.8, 112.0, 127.5, 131.7, 135.9, 140.3, 159.3, 168.9, 172.7}},
    {"graalvm-java21", Package::image, Architecture::x86_64, {68.2, 79.6, 91.1, 118.9, 211.9, 252.9, 379.9, 6062.9, 7106.6}},
    {"graalvm-java21", Package::image, Architecture::arm64, {52.9, 67.0, 75.6, 86.8, 152.2, 201.3, 997.5, 5162.1, 5228.8}},
    {"llrt", Package::zip, Architecture::x86_64, {57.4, 63.6, 67.9, 71.8, 74.8, 78.4, 85.0, 95.9, 97.3}},
    {"llrt", Package::zip, Architecture::arm64, {41.4, 48.7, 62.6, 66.3, 69.0, 70.2, 73.1, 78.0, 81.3}},
    {"llrt", Package::image, Architecture::x86_64, {45.3, 51.7, 59.8, 77.8, 131.1, 163.2, 233.8, 923.0, 967.2}},
    {"llrt", Package::image, Architecture::arm64, {33.5, 43.1, 47.6, 53.5, 87.6, 101.6, 143.8, 329.8, 334.9}},
};

constexpr std::array<double, 9> shares = {0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1};

}  // namespace

const LambdaInit* LambdaInit::find(std::string_view runtime, Package package,
                                   Architecture architecture) {
  for (const LambdaInit& row : table) {
    if (row.runtime == runtime && row.package == package && row.architecture == architecture) {
      return &row;
    }
  }
  return nullptr;
}

std::vector<std::string> LambdaInit::runtimes() {
  std::vector<std::string> names;
  for (const LambdaInit& row : table) {
    if (names.empty() || names.back() != row.runtime) names.emplace_back(row.runtime);
  }
  return names;
}

double LambdaInit::quantile(double q) const {
  // Below the first quantile the line of the first two goes on.
  const auto above = static_cast<std::size_t>(
      std::upper_bound(shares.begin() + 1, shares.end() - 1, q) - shares.begin());
  const double low = milliseconds[above - 1], high = milliseconds[above];
  const double share = (q - shares[above - 1]) / (shares[above] - shares[above - 1]);
  return std::max(0.0, low + (high - low) * share);
}

sim::Duration LambdaInit::sample(sim::Stream& chance) const {
  return sim::from_seconds(quantile(chance.uniform()) * 1e-3);
}

}  // namespace windtunnel
