// The entries of README's "How do I ..." about layers: see quantize.cpp beside this.

#include "support/layer.hpp"

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/kernel/packed_weights.hpp>
#include <bitgauge/layer/integer_linear.hpp>
#include <bitgauge/layer/linear.hpp>
#include <bitgauge/layer/replace_layers.hpp>
#include <bitgauge/range/observer/minmax.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>
#include <utility>
#include <vector>

namespace {

namespace bg = bitgauge;

// out x in, and samples x in
const Eigen::MatrixXf W = test::normal_matrix(64, 256, 1), X = test::correlated_inputs(20, 256, 0.8f, 2);
const Eigen::VectorXf bias = test::normal_matrix(64, 1, 3);

float error_of(const Eigen::MatrixXf& y) {
  const Eigen::MatrixXf exact = (X * W.transpose()).rowwise() + bias.transpose();
  return (y - exact).norm() / exact.norm();
}

// Catches a product that an entry shows and that is none.
TEST(how_do_i_layer, multiply_with_quantized_weights) {
  // README: multiply with quantized weights
  const auto q = bg::quantize(W, bg::affine<4>{}, bg::per_group{32});
  const bg::packed_weights P(q);                 // once
  const Eigen::MatrixXf inputs = X.transpose();  // in x samples
  const Eigen::MatrixXf Y = P * inputs;          // float activations
  Eigen::MatrixXf Z(64, inputs.cols());
  P.multiply(inputs, Z,
             {.precision = bg::product_precision::integer, .bias = {bias.data(), 64}});  // 8-bit ones
  // end
  EXPECT_LT(error_of(Y.transpose().rowwise() + bias.transpose()), 0.15f);
  EXPECT_LT(error_of(Z.transpose()), 0.15f);
}

// Catches a layer that an entry shows and that computes something else.
TEST(how_do_i_layer, use_a_quantized_layer) {
  // README: use a quantized layer
  const auto q = bg::quantize(W, bg::affine<4>{}, bg::per_group{32});
  const bg::linear a(q, bias);                                                        // W4A16
  const bg::linear b(q, bias, {.activations = bg::activation_quantizer::dynamic()});  // W4A8
  const bg::linear c(bg::quantize(W, bg::symmetric<8>{}), bias,
                     {.activations = bg::activation_quantizer::dynamic()});
  const Eigen::MatrixXf Y = a(X);  // X W^T + bias; X is samples x in
  Eigen::MatrixXf Z(X.rows(), 64);
  c.forward_into(X, Z);  // W8A8, without a new matrix
  // end
  EXPECT_LT(error_of(Y), 0.15f);
  EXPECT_LT(error_of(b(X)), 0.15f);
  EXPECT_LT(error_of(Z), 0.02f);
}

// Catches a static scale that is not that of the observer, and codes of a layer in integers that are off.
TEST(how_do_i_layer, quantize_a_layers_inputs_by_a_scale_from_calibration) {
  const std::vector<Eigen::MatrixXf> batches{X.topRows(10), X.bottomRows(10)};
  // README: quantize a layer's inputs by a scale from calibration
  bg::minmax_observer seen_inputs, seen_outputs;  // or histogram_observer, with percentiles and the like
  for (const auto& batch : batches) {
    seen_inputs.observe(batch);
    seen_outputs.observe(((batch * W.transpose()).rowwise() + bias.transpose()).eval());
  }
  const bg::parameters x = seen_inputs.finish(bg::affine<8>{}).front(),
                       y = seen_outputs.finish(bg::affine<8>{}).front();
  const auto q = bg::quantize(W, bg::symmetric<8>{});
  const bg::linear layer(q, bias, {.activations = bg::activation_quantizer::frozen(x)});
  const Eigen::MatrixXf Y = layer(X);

  const bg::integer_linear integers(q, bias, x, y);  // codes in, codes out, no float in between
  const auto codes = bg::activation_quantizer::frozen(x)(X).codes_as<Eigen::Matrix<std::uint8_t, -1, -1>>();
  const Eigen::MatrixXi out = integers(codes).cast<int>();  // real = y.scale * (code - y.zero_point)
  // end
  EXPECT_LT(error_of(Y), 0.02f);
  EXPECT_LT(error_of(y.scale * (out.array() - y.zero_point).cast<float>().matrix()), 0.03f);
}

// Catches a rule that is not heeded.
TEST(how_do_i_layer, replace_the_layers_of_a_network) {
  std::vector<bg::float_layer> network{{"up", W, bias}, {"down", W.transpose()}, {"head", W.topRows(5)}};
  // README: replace the layers of a network
  const auto layers =
      bg::replace_layers(network, bg::quantized_by(bg::parse_scheme("symmetric")));  // but the last
  Eigen::MatrixXf Y = X;
  for (const auto& layer : layers) Y = layer(Y);
  for (const auto& [name, reason] : layers.kept()) std::cout << name << ": " << reason << '\n';

  const bg::linear_options codes{.activations = bg::activation_quantizer::dynamic()};
  const std::vector<bg::layer_rule> rules{
      {"head", {}, "its outputs are compared"},
      {"up", bg::quantized_by(bg::parse_scheme("symmetric"), codes)},
      {"*", bg::quantized_by(bg::parse_scheme("affine:bits=4,group=32"))}};
  const auto by_rules = bg::replace_layers(std::move(network), rules);  // the first that matches counts
  // end
  EXPECT_EQ(Y.cols(), 5);
  EXPECT_EQ(by_rules.at("head").reason(), "its outputs are compared");
  EXPECT_EQ(by_rules.at("up").quantized()->precision(), bg::product_precision::integer);
  EXPECT_EQ(by_rules.at("down").quantized()->precision(), bg::product_precision::exact);
}

}  // namespace
