#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/signed_normal_float.hpp>
#include <bitgauge/kernel/packed_weights.hpp>
#include <bitgauge/matrix/codes/from_codes.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

double relative_error(const Eigen::MatrixXf& x, const quantized_matrix& q) {
  return static_cast<double>((x - q.dequantize()).squaredNorm() / x.squaredNorm());
}

// Catches another density, another weight or another fixed level. Table 7 of arXiv 2505.06653, BOF4-S (MSE) for
// blocks of 32, was fitted to a sample, whose noise its later digits are.
TEST(signed_normal_float, levels_are_those_published) {
  constexpr std::array published{-0.8732797503, -0.6907446384, -0.5437039137, -0.4173701704,
                                 -0.3038933575, -0.1986017823, -0.0981557220, 0.0,
                                 0.0925938413,  0.1870480031,  0.2855197489,  0.3907126188,
                                 0.5062831640,  0.6379748583,  0.7956376672,  1.0};
  const std::vector<float>& levels = signed_normal_float_levels(4, 32);
  ASSERT_EQ(levels.size(), published.size());
  for (std::size_t i = 0; i < levels.size(); ++i)
    EXPECT_NEAR(static_cast<double>(levels[i]), published[i], 3e-4);
  EXPECT_EQ(levels[7], 0);
  EXPECT_EQ(levels[15], 1);
}

// Catches an integral or an iteration that is off: on a sample of blocks, counted in narrow cells, every level must
// be the mean of what is nearest to it.
TEST(signed_normal_float, levels_are_means_of_what_is_nearest) {
  constexpr int cells = 1 << 14, block = 64;
  std::vector<double> weight(2 * cells + 1), sum(2 * cells + 1);
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  std::array<double, block> x{};
  for (int b = 0; b < 60000; ++b) {
    for (double& value : x) value = normal(random);
    const double most =
        *std::max_element(x.begin(), x.end(), [](double a, double c) { return std::fabs(a) < std::fabs(c); });
    for (const double value : x) {
      if (value == most) continue;
      const auto cell = static_cast<std::size_t>((value / most + 1) * cells);
      weight[cell] += most * most;
      sum[cell] += most * value;
    }
  }
  for (const int bits : {2, 3, 4}) {
    const std::vector<float>& levels = signed_normal_float_levels(bits, block);
    for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
      if (levels[i] == 0) continue;
      const auto cell_of = [&](std::size_t a, std::size_t b) {
        return static_cast<std::size_t>((static_cast<double>(levels[a] + levels[b]) / 2 + 1) * cells);
      };
      double mass = 0, moment = 0;
      for (std::size_t c = i == 0 ? 0 : cell_of(i - 1, i); c < cell_of(i, i + 1); ++c) {
        mass += weight[c];
        moment += sum[c];
      }
      EXPECT_NEAR(moment / mass, static_cast<double>(levels[i]), 6e-4) << bits << " bits, level " << i;
    }
  }
}

// Catches a scale that loses its sign in storing, fitting or encoding: then half of the groups were mirrored. And
// levels that are no better than nf4's at the same bytes.
TEST(signed_normal_float, errs_less_than_nf4) {
  const Eigen::MatrixXf x = test::normal_matrix<Eigen::MatrixXf, std::mt19937_64>(64, 1000, 1);
  const double nf4_error = relative_error(x, quantize(x, nf4{}, per_block{64}));
  const signed_normal_float grid(4, 64);
  const quantized_matrix q = quantize(x, grid, per_block{64});
  EXPECT_LT(relative_error(x, q), 0.93 * nf4_error);
  EXPECT_LT(q.scales_as_matrix().minCoeff(), -1);
  for (const scale_storage& storage : {f16_scales, bf16_scales})
    EXPECT_LT(relative_error(x, quantize(x, grid, per_block{64}, storage)), 0.94 * nf4_error);
  EXPECT_LT(relative_error(x, quantize(x, grid, per_block{64}, mse_range{})), relative_error(x, q));
  const Eigen::MatrixXf one = Eigen::MatrixXf::Constant(1, 2, -3);
  EXPECT_EQ(quantize(one, grid, per_row{}).dequantize(), one);
}

// Catches a consumer of scales that takes them for positive: products, codes from elsewhere, error feedback.
TEST(signed_normal_float, scales_below_zero_are_understood) {
  const Eigen::MatrixXf w = test::normal_matrix<Eigen::MatrixXf, std::mt19937_64>(33, 200, 2),
                        x = test::normal_matrix<Eigen::MatrixXf, std::mt19937_64>(200, 5, 3);
  const signed_normal_float grid(3, 64);
  const quantized_matrix q = quantize(w, grid, per_block{64}, f16_scales);
  const Eigen::MatrixXf y = q.dequantize() * x;
  EXPECT_LT((packed_weights(q) * x - y).norm(), 1e-5f * y.norm());
  Eigen::MatrixXf integer(33, 5);
  packed_weights(q).multiply(x, integer, {.precision = product_precision::integer});
  EXPECT_LT((integer - y).norm(), 0.02f * y.norm());
  EXPECT_EQ(from_codes(q.codes_as(), q.scales_as_matrix(), grid, per_block{64}, f16_scales), q);
  hessian h(200);
  h.accumulate(x.transpose());
  const Eigen::MatrixXf fed_back = quantize(w, grid, per_block{64}, gptq(h)).dequantize();
  EXPECT_LT(((w - fed_back) * x).norm(), 0.5f * ((w - q.dequantize()) * x).norm());
}

// Catches a storage without a sign that takes such scales, and sizes without levels.
TEST(signed_normal_float, refuses_what_has_no_sign) {
  const Eigen::MatrixXf x = test::normal_matrix<Eigen::MatrixXf, std::mt19937_64>(2, 64, 1);
  const signed_normal_float grid(4, 64);
  EXPECT_EQ(test::message_of<invalid_scheme>([&] { quantize(x, grid, e8m0_scales); }),
            "scales: expected f32, f16 or bf16, as this grid's scales have a sign, found e8m0");
  EXPECT_NE(test::message_of<invalid_scheme>([&] { quantize(x, grid, double_quantized{256}); }), "no error");
  EXPECT_NE(test::message_of<invalid_scheme>([] { signed_normal_float(7, 64); }), "no error");
  EXPECT_EQ(test::message_of<invalid_scheme>([] { signed_normal_float(4, 1); }),
            "signed_normal_float: block: expected at least 2 elements, found 1");
}

}  // namespace
