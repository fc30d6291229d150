#include <bitgauge/layer/activations_of.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <random>

namespace bitgauge {
namespace {

Eigen::MatrixXf batch(index_t rows, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  return Eigen::MatrixXf::NullaryExpr(rows, 48, [&] { return normal(random); });
}

// Catches answers that are lost on the way: the oracle is each range applied to the same observer by hand.
TEST(activations_of, freezes_what_the_named_range_says) {
  histogram_observer seen;
  for (unsigned seed = 0; seed < 5; ++seed) seen.observe(batch(20, seed));
  const auto frozen = [&](const char* text) {
    return activations_of(parse_activation_scheme(text), seen).frozen_parameters();
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

TEST(activations_of, dynamic_needs_no_observer_and_static_does) {
  const Eigen::MatrixXf x = batch(3, 9);
  const quantized_matrix q = activations_of(parse_activation_scheme("dynamic"))(x);
  EXPECT_EQ(q.scales().size(), 3);
  EXPECT_EQ(activations_of(parse_activation_scheme("dynamic:symmetric:group=tensor"))(x).scales().size(), 1);
  EXPECT_NE(test::message_of<invalid_scheme>([] {
              activations_of(parse_activation_scheme("static"));
            }).find("observer"),
            std::string::npos);
  EXPECT_NE(test::message_of<data_error>([] {
              activations_of(parse_activation_scheme("static"), histogram_observer());
            }).find("no finite value"),
            std::string::npos);
}

}  // namespace
}  // namespace bitgauge
