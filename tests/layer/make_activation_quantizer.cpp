#include <bitgauge/layer/make_activation_quantizer.hpp>
#include <bitgauge/range/kl.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/range/percentile.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <random>

namespace bitgauge {
namespace {

Eigen::MatrixXf batch(index_t rows, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  return Eigen::MatrixXf::NullaryExpr(rows, 48, [&] { return normal(random); });
}

// Catches answers that are lost on the way: the oracle is each range applied to the same observer by hand.
TEST(make_activation_quantizer, freezes_what_the_named_range_says) {
  histogram_observer seen;
  for (unsigned seed = 0; seed < 5; ++seed) seen.observe(batch(20, seed));
  const auto frozen = [&](const char* text) {
    return make_activation_quantizer(parse_activation_scheme(text), seen).frozen_parameters();
  };
  EXPECT_EQ(frozen("static").scale, seen.finish(affine<8>{}).front().scale);
  EXPECT_EQ(frozen("static:symmetric").scale, seen.finish(symmetric<8>{}).front().scale);
  EXPECT_EQ(frozen("static:affine:range=percentile,percentile=90").scale,
            seen.finish(affine<8>{}, percentile_range{90}).front().scale);
  EXPECT_EQ(frozen("static:symmetric:range=kl").scale, seen.finish(symmetric<8>{}, kl_range{}).front().scale);
  EXPECT_EQ(frozen("static:affine:range=mse,effort=best").scale,
            seen.finish(affine<8>{}, mse_range{effort::best}).front().scale);
  EXPECT_LT(frozen("static:affine:range=percentile,percentile=90").scale, frozen("static").scale);
}

// Catches a layer whose inputs are all zero, as behind a dead ReLU, stopping everything, or the scale 0,
// which a product divides by; likewise inputs too small to have a scale of their own, and constant ones.
TEST(make_activation_quantizer, zeros_and_constants_can_be_frozen) {
  for (const char* text : {"static", "static:symmetric", "static:affine:range=kl", "static:affine:range=mse",
                           "static:affine:range=percentile", "static:symmetric:range=kl"}) {
    const auto frozen = [&](float value) {
      histogram_observer seen;
      seen.observe(Eigen::MatrixXf::Constant(4, 48, value));
      return make_activation_quantizer(parse_activation_scheme(text), seen);
    };
    EXPECT_EQ(frozen(0).frozen_parameters(), (parameters{1, 0})) << text;
    EXPECT_EQ(frozen(0)(Eigen::MatrixXf::Zero(2, 48)).dequantize(), Eigen::MatrixXf::Zero(2, 48)) << text;
    for (const float value : {1e-45f, -1e-38f, 3.0f, -FLT_MAX}) {
      const Eigen::MatrixXf x = Eigen::MatrixXf::Constant(2, 48, value);
      const Eigen::MatrixXf error = x - frozen(value)(x).dequantize();
      EXPECT_LE(error.cwiseAbs().maxCoeff(), std::max(std::fabs(value) / 500, FLT_MIN / 2))
          << text << " of " << value;
    }
  }
}

TEST(make_activation_quantizer, dynamic_needs_no_observer_and_static_does) {
  const Eigen::MatrixXf x = batch(3, 9);
  const quantized_matrix q = make_activation_quantizer(parse_activation_scheme("dynamic"))(x);
  EXPECT_EQ(q.scales().size(), 3);
  EXPECT_EQ(
      make_activation_quantizer(parse_activation_scheme("dynamic:symmetric:group=tensor"))(x).scales().size(),
      1);
  EXPECT_NE(test::message_of<invalid_scheme>([] {
              make_activation_quantizer(parse_activation_scheme("static"));
            }).find("observer"),
            std::string::npos);
  EXPECT_NE(test::message_of<data_error>([] {
              make_activation_quantizer(parse_activation_scheme("static"), histogram_observer());
            }).find("no finite value"),
            std::string::npos);
}

}  // namespace
}  // namespace bitgauge
