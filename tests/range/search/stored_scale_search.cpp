#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/small_float.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/range/search/group.hpp>
#include <bitgauge/range/search/stored_scale_search.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace {

using namespace bitgauge;

/// The least error of a group under one scale: every element takes the level that suits it best.
double error_of(const group_values& group, const any_grid& grid, float scale) {
  const integer_grid* integer = grid.integer();
  double sum = 0;
  for (std::size_t i = 0; i < group.values.size(); ++i) {
    double least = std::numeric_limits<double>::infinity();
    for (int field = 0; field < 1 << grid.bits(); ++field) {
      const float level = grid.level(field) - static_cast<float>(grid.constant_zero_point());
      if (!numeric::is_finite(level)) continue;
      if (integer != nullptr && (grid.level(field) < static_cast<float>(integer->lowest) ||
                                 grid.level(field) > static_cast<float>(integer->highest)))
        continue;
      const double difference =
          static_cast<double>(group.values[i]) - static_cast<double>(scale) * static_cast<double>(level);
      least = std::min(least, difference * difference);
    }
    sum += least * (group.weights.empty() ? 1.0 : static_cast<double>(group.weights[i]));
  }
  return sum;
}

/// Calls check(model) for grids of every kind without a zero point.
template <class Check>
void for_each_grid(const Check& check) {
  check(detail::any_grid_of<fp4_e2m1>(fp4_e2m1{}));
  check(detail::any_grid_of<mxfp6_e2m3>(mxfp6_e2m3{}));
  check(detail::any_grid_of<fp8_e4m3>(fp8_e4m3{}));
  check(detail::any_grid_of<nf4>(nf4{}));
  check(detail::any_grid_of<integer_grid>(make_symmetric(4)));
  check(detail::any_grid_of<integer_grid>(make_symmetric(4, {.full = true, .unsigned_codes = true})));
  check(detail::any_grid_of<integer_grid>(make_symmetric(2)));
}

// Catches a bound that stops the walk before the best scale: all stored values are tried here, on heavy
// tails, with and without weights, zeros among both.
TEST(stored_scale_search, agrees_with_trying_every_stored_scale) {
  std::mt19937 random(11);
  std::student_t_distribution<float> student(3);
  scale_array powers(e8m0_scales, 1), floats(e4m3_scales, 1);
  floats.prepare(std::vector<float>{60});
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<float> x(1u + random() % 48), weights;
    for (float& value : x) value = random() % 8 == 0 ? 0.0f : student(random);
    for (std::size_t i = 0; trial % 2 != 0 && i < x.size(); ++i)
      weights.push_back(random() % 5 == 0 ? 0.0f : static_cast<float>(random() % 100));
    x[0] = 1;
    const group_values group{x, weights, 0};
    for_each_grid([&](const any_grid& grid) {
      for (const scale_array* array : {&powers, &floats}) {
        const scale_array::rounding rounding(*array, 0);
        const float start = detail::parameters_for(detail::extent_of(x), grid, rounding).scale;
        ASSERT_TRUE(detail::is_coarse(rounding, start));
        double least = error_of(group, grid, start);
        for (int code = 1; code < 255; ++code) {
          scale_array all(array->storage(), 1, [&] {
            auto bytes = array->bytes();
            bytes[0] = static_cast<std::uint8_t>(code);
            return bytes;
          }());
          if (array == &floats && code > 126) break;
          if (all[0] > 0x1p-60f && all[0] < 0x1p60f) least = std::min(least, error_of(group, grid, all[0]));
        }
        const float found = detail::best_stored_scale(detail::examine_group(group), grid, rounding, start);
        EXPECT_LE(error_of(group, grid, found), least * (1 + 1e-9) + 1e-30) << trial << " " << grid.bits();
      }
    });
  }
}

// Catches a search that is not reached through mse_range, at any effort, or loses to the specification's
// rule.
TEST(stored_scale_search, is_what_mse_range_does_with_coarse_scales) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  const Eigen::MatrixXf w = Eigen::MatrixXf::NullaryExpr(16, 256, [&] { return normal(random); });
  const auto error = [&](const quantized_matrix& q) { return (w - q.dequantize()).squaredNorm(); };
  const auto rule = quantize(w, mxfp4{}, per_block{32}, e8m0_scales);
  const auto best = quantize(w, mxfp4{}, per_block{32}, e8m0_scales, mse_range{effort::best});
  EXPECT_LT(error(best), 0.97f * error(rule));
  EXPECT_EQ(quantize(w, mxfp4{}, per_block{32}, e8m0_scales, mse_range{effort::fast}), best);
  EXPECT_LT(error(quantize(w, fp4_e2m1{}, per_block{16}, e4m3_scales, mse_range{})),
            0.8f * error(quantize(w, fp4_e2m1{}, per_block{16}, e4m3_scales)));
}

}  // namespace
