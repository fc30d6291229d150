// Any answer combines with any other: codebooks, small floats and scales that are quantized themselves, with
// roundings and ranges that were written for integers.

#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/small_float.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/hqq.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include <gtest/gtest.h>

#include <random>

namespace {

using namespace bitgauge;

/// A layer and inputs whose features are strongly correlated, as those of real layers are.
struct layer {
  Eigen::MatrixXf w, x;
  hessian h{128};

  layer() {
    std::mt19937 random(9);
    std::normal_distribution<float> normal;
    const auto drawn = [&](Eigen::Index rows, Eigen::Index cols) {
      return Eigen::MatrixXf(Eigen::MatrixXf::NullaryExpr(rows, cols, [&] { return normal(random); }));
    };
    w = drawn(24, 128);
    x = drawn(600, 20) * drawn(20, 128) + 0.3f * drawn(600, 128);
    h.accumulate(x);
  }

  float output_error(const quantized_matrix& q) const {
    return (x * (w - q.dequantize()).transpose()).squaredNorm();
  }
};

// Catches a rounding that chooses codes for other levels or scales than those that are stored.
TEST(combinations, gptq_rounds_into_every_grid_and_storage) {
  const layer l;
  const auto gain = [&](const auto&... answers) {
    const auto nearest = quantize(l.w, answers...);
    const auto q = quantize(l.w, answers..., gptq(l.h));
    EXPECT_EQ(q, quantize(l.w, answers..., gptq(l.h), options{.threads = 1}));
    EXPECT_EQ(q.scales().storage(), nearest.scales().storage());
    return l.output_error(q) / l.output_error(nearest);
  };
  EXPECT_LT(gain(nf4{}, per_block{64}), 0.6f);
  EXPECT_LT(gain(nf4{}, per_block{64}, double_quantized{16}), 0.6f);
  EXPECT_LT(gain(symmetric<4>{}, per_group{32}, double_quantized{16, scale_type::affine8}), 0.6f);
  EXPECT_LT(gain(affine<3>{}, per_group{32}, double_quantized{16}), 0.6f);
  EXPECT_LT(gain(mxfp4{}, per_block{32}, e8m0_scales), 0.6f);
  EXPECT_LT(gain(fp4_e2m1{}, per_block{16}, e4m3_scales), 0.6f);
  EXPECT_LT(gain(fp8_e4m3{}, per_row{}), 0.6f);
  EXPECT_LT(gain(fp8_e5m2{}, per_tensor{}, f16_scales), 0.6f);
  EXPECT_LT(gain(dynamic8{}, per_block{64}), 0.6f);
}

// Catches a range that ends with a worse error than the one it starts from, on any grid and storage.
TEST(combinations, ranges_serve_every_grid_and_storage) {
  const layer l;
  const auto expect_better = [&](const auto& range, const auto&... answers) {
    const auto start = quantize(l.w, answers...), found = quantize(l.w, answers..., range);
    EXPECT_LT((l.w - found.dequantize()).squaredNorm(), 1.001f * (l.w - start.dequantize()).squaredNorm());
  };
  const auto with_every_storage = [&](const auto& range, const auto& grid) {
    for (const scale_storage& how :
         {f32_scales, f16_scales, e8m0_scales, e4m3_scales, scale_storage(double_quantized{16}),
          scale_storage(double_quantized{16, scale_type::affine8})})
      expect_better(range, grid, per_group{32}, how);
  };
  with_every_storage(mse_range{effort::best}, nf4{});
  with_every_storage(mse_range{effort::best}, fp4_e2m1{});
  with_every_storage(mse_range{effort::best}, symmetric<4>{});
  with_every_storage(mse_range{effort::best}, affine<4>{});
}

// Catches a stochastic rounding that meets the NaN codes of FP8, or levels out of order: its mean is the
// value.
TEST(combinations, stochastic_rounding_is_unbiased_on_codebooks) {
  const Eigen::RowVectorXf x = Eigen::RowVectorXf::Constant(20000, 0.3f);
  const auto mean = [&](const auto& grid) {
    const quantized_matrix q = quantize(x, grid, fixed_range{{-1, 1}}, stochastic_rounding{7});
    const Eigen::RowVectorXf values = q.dequantize<Eigen::RowVectorXf>();
    return values.cast<double>().mean();
  };
  EXPECT_NEAR(mean(nf4{}), 0.3, 2e-3);
  EXPECT_NEAR(mean(fp4{}), 0.3, 2e-3);
  EXPECT_NEAR(mean(fp8_e4m3{}), 0.3, 2e-3);
  EXPECT_NEAR(mean(dynamic8{}), 0.3, 2e-3);
}

}  // namespace
