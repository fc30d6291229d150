#include <bitgauge/matrix/scheme/grid_of.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/matrix/scheme/text.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace bitgauge {
namespace {

using rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct input {
  std::string name;
  rows values;
};

constexpr index_t height = 2, width = 32;

rows gaussian(double deviation) {
  std::mt19937 random(7);
  std::normal_distribution<double> normal;
  return rows::NullaryExpr(height, width, [&] {
    return static_cast<float>(std::clamp(deviation * normal(random), -double{FLT_MAX}, double{FLT_MAX}));
  });
}

/// Magnitudes from the smallest subnormal number to the largest finite one, alone and side by side.
std::vector<input> inputs() {
  std::vector<input> all;
  for (const double deviation : {2e-45, 1e-38, 1e-9, 1.0, 1e5, 1e38, 3e38})
    all.push_back({"deviation " + std::to_string(std::log10(deviation)), gaussian(deviation)});
  all.push_back({"FLT_MAX", rows::Constant(height, width, FLT_MAX)});
  all.push_back({"zeros", rows::Zero(height, width)});
  rows both = rows::Constant(height, width, FLT_MAX);
  both.leftCols(width / 4).setConstant(-FLT_MAX);
  all.push_back({"+-FLT_MAX", both});
  rows outliers = gaussian(1);
  outliers(0, 0) = FLT_MAX;
  outliers(1, 3) = -FLT_MAX;
  all.push_back({"two of FLT_MAX", outliers});
  rows steps = gaussian(1), mixed = gaussian(1);
  for (index_t r = 0; r < height; ++r)
    for (index_t c = 0; c < width; ++c) {
      steps(r, c) *= std::pow(10.0f, static_cast<float>(-36 + 66 * r));
      mixed(r, c) *= std::pow(10.0f, static_cast<float>(-40 + 7 * (r + 2 * c) % 78));
    }
  all.push_back({"rows of 1e-36 to 1e30", steps});
  all.push_back({"1e-40 to 1e37", mixed});
  return all;
}

struct storage {
  const char* name;
  scale_storage how;
};
constexpr storage storages[] = {
    {"f32", f32_scales},
    {"f16", f16_scales},
    {"bf16", bf16_scales},
    {"e8m0", e8m0_scales},
    {"e4m3", e4m3_scales},
    {"e4m3 divided", e4m3_divided_scales},
    {"double quantized", double_quantized{4}},
    {"affine8", double_quantized{4, scale_type::affine8}},
};

/// Quantizes in groups of 16; where that is no error, expects finite values and rows that err at most as much
/// as zeros would. Returns whether it was one.
bool check(const input& x, scheme s, const storage& scales, const std::string& text) {
  s.scales = scales.how;
  s.groups = per_group{16};
  const std::string where = text + ", scales " + scales.name + ", " + x.name;
  rows back;
  try {
    back = quantize(x.values, s).dequantize();
  } catch (const data_error& refused) {
    const std::string message = refused.what();
    EXPECT_TRUE(message.find("store scales as") != std::string::npos) << where << ": " << message;
    return false;
  }
  // what stochastic rounding gets right is the mean; E8M0 has no zero and one bit none without it
  const bool has_zero = s.bits > 1 || s.grid.view() != "symmetric" || scales.how != e8m0_scales;
  for (index_t r = 0; r < height; ++r) {
    double error = 0, energy = 0;
    for (index_t c = 0; c < width; ++c) {
      EXPECT_TRUE(numeric::is_finite(back(r, c))) << where << ", row " << r;
      if (!numeric::is_finite(back(r, c))) return true;
      const double value = x.values(r, c);
      error += std::pow(value - static_cast<double>(back(r, c)), 2);
      energy += value * value;
    }
    const bool is_bounded = s.rounding == rounding_kind::nearest && has_zero;
    EXPECT_LE(is_bounded ? error : 0, energy * (1 + 1e-6)) << where << ", row " << r;
  }
  return true;
}

void check_grids(std::initializer_list<const char*> grids) {
  const std::vector<input> all = inputs();
  int taken = 0, refused = 0;
  for (const std::string grid : grids)
    for (const char* answers : {"minmax", "minmax,rounding=stochastic", "percentile", "kl", "mse,effort=fast",
                                "mse", "mse,rounding=stochastic", "mse,effort=best"}) {
      const std::string text = grid + (grid.find(':') == std::string::npos ? ":" : ",") + "range=" + answers;
      const scheme s = parse_scheme(text);
      if (s.range == range_kind::kl && detail::grid_of(s)->bits() == 8) continue;  // slow, and nothing new
      for (const storage& scales : storages)
        for (const input& x : all) ++(check(x, s, scales, text) ? taken : refused);
    }
  EXPECT_LT(refused, taken / 4) << "refused are scales beyond f16 and bf16, and few others";
}

// Every named grid under every storage of scales. Catches a scale that is finite while the codes beyond the
// values are not (mse near FLT_MAX), codes that nothing rounds to (-2 of MXINT8), stored scales whose inverse
// is infinite (E4M3 times a subnormal factor), one bit at the smallest stored scale, and a loop without end
// where no stored scale is small enough.
TEST(extreme_values, integers) {
  check_grids({"symmetric:bits=1", "symmetric:bits=2", "symmetric:bits=4", "symmetric:bits=4,full=1",
               "affine:bits=1", "affine:bits=4"});
}
TEST(extreme_values, integers_of_8_bits) {
  check_grids({"symmetric:bits=8", "affine:bits=8"});
}
TEST(extreme_values, small_floats) {
  check_grids({"fp8_e4m3", "fp8_e5m2", "fp8_e4m3_fnuz", "fp8_e5m2_fnuz", "fp6_e3m2", "fp6_e2m3", "fp4_e2m1",
               "nvfp4"});
}
TEST(extreme_values, microscaling) {
  check_grids({"mxfp4", "mxfp6_e3m2", "mxfp6_e2m3", "mxfp8_e4m3", "mxfp8_e5m2", "mxint8"});
}
TEST(extreme_values, codebooks) {
  check_grids({"nf4", "fp4", "dynamic8"});
}

// Catches a range that takes what the storage cannot hold for a smaller scale, and clips in silence.
TEST(extreme_values, scales_beyond_f16_are_an_error_for_every_range) {
  const rows x = gaussian(1e8);
  for (const char* text : {"symmetric:bits=4", "affine:bits=4", "nf4", "mxfp4", "fp4_e2m1"})
    for (const char* range : {"minmax", "percentile", "mse", "kl"}) {
      scheme s = parse_scheme(text);
      s.range = parse_scheme(std::string("affine:range=") + range).range;
      s.scales = f16_scales;
      const std::string message = test::message_of<data_error>([&] { quantize(x, s); });
      EXPECT_NE(message.find("overflows f16: store scales as bf16 or f32"), std::string::npos)
          << text << ", " << range << ": " << message;
    }
}

}  // namespace
}  // namespace bitgauge
