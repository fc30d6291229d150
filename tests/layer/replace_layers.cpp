#include <bitgauge/layer/replace_layers.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace bitgauge {
namespace {

std::vector<float_layer> a_network() {
  return {{"block.0.up", test::normal_matrix(48, 16, 1), test::normal_matrix(48, 1, 2)},
          {"block.0.down", test::normal_matrix(16, 48, 3)},
          {"head", test::normal_matrix(5, 16, 4), test::normal_matrix(5, 1, 5)}};
}

Eigen::MatrixXf outputs_of(const replaced_layers& layers, Eigen::MatrixXf x) {
  for (const replaced_layer& each : layers) x = each(x);
  return x;
}

// Catches a last layer that is quantized, layers out of order, and a network that computes something else.
TEST(replace_layers, all_but_the_last_by_default) {
  const auto network = a_network();
  const auto layers = replace_layers(network, quantized_by(parse_scheme("symmetric")));
  ASSERT_EQ(layers.size(), 3u);
  EXPECT_TRUE(layers[0].is_quantized());
  EXPECT_TRUE(layers.at("block.0.down").is_quantized());
  ASSERT_EQ(layers.kept().size(), 1u);
  EXPECT_EQ(layers.kept()[0].name, "head");
  EXPECT_EQ(layers.kept()[0].reason, "the last layer stays in floats unless a rule names it");
  EXPECT_EQ(layers[2].bytes(), 4 * (5 * 16 + 5));
  EXPECT_LT(layers[0].bytes(), 4 * 48 * 16 / 2);
  const Eigen::MatrixXf x = test::normal_matrix(6, 16, 6);
  Eigen::MatrixXf y = (x * network[0].weights.transpose()).rowwise() + network[0].bias.transpose();
  y = y * network[1].weights.transpose();
  y = ((y * network[2].weights.transpose()).rowwise() + network[2].bias.transpose()).eval();
  EXPECT_LE((outputs_of(layers, x) - y).norm(), 0.02f * y.norm());
  EXPECT_EQ(replace_layers({network[2]}, quantized_by(parse_scheme("symmetric"))).kept().size(), 1u);
}

// Catches a rule that is heeded after one before it, a layer that loses its reason, and a mistyped name.
TEST(replace_layers, first_rule_decides) {
  int converted = 0;
  const layer_conversion own = [&](const float_layer& l) {
    ++converted;
    return linear(quantize(l.weights, affine<4>{}, per_group{16}), l.bias,
                  {.activations = activation_quantizer::dynamic()});
  };
  const auto layers = replace_layers(a_network(), {{"*.up", {}, "sensitive"},
                                                   {"hade", own},
                                                   {"block.*", quantized_by(parse_scheme("nf4"))},
                                                   {"*.down", own},
                                                   {"head", own}});
  EXPECT_EQ(converted, 1);
  EXPECT_FALSE(layers[0].is_quantized());
  std::ostringstream shown;
  shown << layers;
  EXPECT_EQ(shown.str(),
            "block.0.up: 48 x 16, 3264 bytes, kept: sensitive\n"
            "block.0.down: 16 x 48, " +
                std::to_string(layers[1].bytes()) +
                " bytes, quantized: rule \"block.*\"\n"
                "head: 5 x 16, " +
                std::to_string(layers[2].bytes()) +
                " bytes, quantized: rule \"head\"\n"
                "rule \"hade\" matches no layer\n");
  EXPECT_EQ(replace_layers(a_network(), {{"head", own}})[0].reason(), "no rule matches");
}

TEST(replace_layers, failures_name_the_layer) {
  auto network = a_network();
  network[1].weights(2, 3) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(
      test::message_of<data_error>([&] { replace_layers(network, quantized_by(parse_scheme("nf4"))); }),
      "layer block.0.down: row 2, column 3 is NaN: expected finite values (or ask for nonfinite::saturate)");
  network = a_network();
  network[0].bias.resize(3);
  EXPECT_EQ(
      test::message_of<shape_error>([&] { replace_layers(network, quantized_by(parse_scheme("nf4"))); }),
      "layer block.0.up: bias: expected 48 values, found 3");
  EXPECT_EQ(test::message_of<shape_error>(
                [&] { replace_layers(a_network(), [](const float_layer&) { return linear(); }); }),
            "layer block.0.up: expected a layer of 48 x 16, found 0 x 0");
  const auto layers = replace_layers(a_network(), quantized_by(parse_scheme("nf4")));
  EXPECT_EQ(test::message_of<data_error>([&] { layers.at("tail"); }),
            "layer tail: expected one of the 3 layers, found none of this name");
  EXPECT_EQ(test::message_of<shape_error>([&] { layers.at("head")(Eigen::MatrixXf(2, 15)); }),
            "layer head of 16 inputs: expected samples as rows, found 2 x 15");
}

}  // namespace
}  // namespace bitgauge
