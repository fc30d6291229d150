#include <bitgauge/layer/activation.hpp>
#include <bitgauge/range/observer/histogram_observer.hpp>
#include <bitgauge/range/percentile.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitgauge {
namespace {

/// Tokens of which one is a thousand times larger.
Eigen::MatrixXf with_a_large_token() {
  Eigen::MatrixXf x(5, 64);
  for (index_t r = 0; r < x.rows(); ++r)
    for (index_t c = 0; c < x.cols(); ++c) x(r, c) = std::sin(static_cast<float>(7 * r + 3 * c));
  x.row(2) *= 1000;
  return x;
}

double relative_error(const Eigen::MatrixXf& a, const Eigen::MatrixXf& b) {
  return static_cast<double>((a - b).norm() / b.norm());
}

// Catches one scale for the whole batch, with which a large token leaves nothing of the others.
TEST(activation_quantizer, per_token_scales_are_each_tokens_own) {
  const Eigen::MatrixXf x = with_a_large_token();
  const Eigen::MatrixXf rows = activation_quantizer::dynamic(per_row{})(x).dequantize();
  const Eigen::MatrixXf columns = activation_quantizer::dynamic(per_column{})(x.transpose()).dequantize();
  const Eigen::MatrixXf tensor = activation_quantizer::dynamic(per_tensor{})(x).dequantize();
  for (const index_t token : {0, 1, 3, 4}) {
    EXPECT_LT(relative_error(rows.row(token), x.row(token)), 0.005);
    EXPECT_EQ(rows.row(token), columns.col(token).transpose());
    EXPECT_GT(relative_error(tensor.row(token), x.row(token)), 0.5);
  }
}

// Catches a frozen scale that follows the batch, and values beyond it that wrap instead of being clipped.
TEST(activation_quantizer, static_scale_is_the_observers) {
  const Eigen::MatrixXf x = with_a_large_token();
  histogram_observer seen;
  seen.observe(x.topRows(2));
  const parameters p = seen.finish(affine<8>{}, percentile_range{100}).front();
  const auto frozen = activation_quantizer::frozen(p);
  EXPECT_TRUE(frozen.is_static());
  const quantized_matrix q = frozen(x);
  ASSERT_EQ(q.scales().size(), 1);
  EXPECT_EQ(q.scales()[0], p.scale);
  const Eigen::MatrixXf back = q.dequantize();
  const float high = p.scale * static_cast<float>(255 - p.zero_point),
              low = p.scale * static_cast<float>(-p.zero_point);
  for (index_t r = 0; r < x.rows(); ++r)
    for (index_t c = 0; c < x.cols(); ++c)
      EXPECT_NEAR(back(r, c), std::clamp(x(r, c), low, high), p.scale / 2 + 1e-6f);
}

TEST(activation_quantizer, wrong_settings_are_named) {
  EXPECT_EQ(
      test::message_of<invalid_scheme>([] { activation_quantizer::dynamic(per_row{}, make_affine(4)); }),
      "activations: expected a grid of 8 bits, found 4");
  EXPECT_EQ(test::message_of<invalid_scheme>([] { activation_quantizer::dynamic(per_group{32}); }),
            "activations: expected per_tensor, per_row or per_column, found per_group");
  EXPECT_EQ(test::message_of<data_error>([] {
              activation_quantizer::frozen({-1, 0});
            }),
            "activations: expected a finite scale from 0 up to freeze, found -1.000000");
  Eigen::MatrixXf x = Eigen::MatrixXf::Ones(2, 2);
  x(1, 0) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(test::message_of<data_error>([&] { activation_quantizer::frozen({0.1f, 3})(x); }), "no error");
}

}  // namespace
}  // namespace bitgauge
