// The entries of README's "How do I ..." about inputs of huge values: see quantize.cpp.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/layer/linear.hpp>
#include <bitgauge/layer/llm_int8.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/transform/awq.hpp>
#include <bitgauge/transform/fold.hpp>
#include <bitgauge/transform/rotation.hpp>
#include <bitgauge/transform/smooth_quant.hpp>

#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

namespace bg = bitgauge;

/// Samples x in, six inputs of them twenty times as large.
Eigen::MatrixXf with_outliers(Eigen::Index samples, unsigned seed) {
  Eigen::MatrixXf x = test::normal_matrix(samples, 256, seed);
  for (const int j : {7, 50, 93, 136, 179, 222}) x.col(j) *= 20;
  return x;
}

const Eigen::MatrixXf W = test::normal_matrix(64, 256, 1), X = with_outliers(20, 2);  // W: out x in
const std::vector<Eigen::MatrixXf> batches{with_outliers(100, 3), with_outliers(100, 4)};
const Eigen::VectorXf bias = test::normal_matrix(64, 1, 5);
const bg::linear_options codes{.activations = bg::activation_quantizer::dynamic()};

float error_of(const Eigen::MatrixXf& y) {
  const Eigen::MatrixXf exact = (X * W.transpose()).rowwise() + bias.transpose();
  return (y - exact).norm() / exact.norm();
}
float plain_error() {
  return error_of(bg::linear(bg::quantize(W, bg::symmetric<8>{}), bias, codes)(X));
}

// Catches factors that are given to the weights but not taken from the inputs, and those that a norm does not take.
TEST(how_do_i_outliers, hand_outliers_of_inputs_over_to_weights) {
  const Eigen::VectorXf gain = Eigen::VectorXf::LinSpaced(256, 1, 2);  // the norm's, before a fold
  Eigen::VectorXf norm_weight = gain;
  // README: hand outliers of inputs over to weights
  bg::activation_stats stats(W.cols());  // maxima and means of each input; batches are not kept
  for (const auto& batch : batches) stats.observe(batch);
  const auto s = bg::smooth_quant(W, stats, 0.5);
  const bg::linear layer(bg::quantize(s.weights(), bg::symmetric<8>{}), bias,
                         {.activations = bg::activation_quantizer::dynamic()});
  const Eigen::MatrixXf Y = layer(s.inputs(X));
  bg::fold_into_norm(s.transform(), norm_weight);  // or let the norm before do what s.inputs does
  // end
  EXPECT_LT(error_of(Y), 0.5f * plain_error());
  const Eigen::MatrixXf folded = X * (norm_weight.array() / gain.array()).matrix().asDiagonal();
  EXPECT_LT(error_of(layer(folded)), 0.5f * plain_error());
}

// Catches a search whose factors are not those of the weights that it returns.
TEST(how_do_i_outliers, scale_weights_by_the_inputs_they_meet) {
  // README: scale weights by the inputs they meet (AWQ)
  bg::activation_stats stats(W.cols());
  bg::hessian H(W.cols());
  for (const auto& batch : batches) stats.observe(batch), H.accumulate(batch);
  const auto a = bg::awq(W, stats, H, bg::affine<4>{}, bg::per_group{32});
  const auto q = bg::quantize(a.weights(), bg::affine<4>{}, bg::per_group{32});
  const Eigen::MatrixXf Y = bg::linear(q, bias)(a.inputs(X));
  const double gain = a.search().plain_loss() / a.search().loss();  // of squared errors of outputs
  // end
  EXPECT_GT(gain, 2);
  EXPECT_LT(error_of(Y),
            0.7f * error_of(bg::linear(bg::quantize(W, bg::affine<4>{}, bg::per_group{32}), bias)(X)));
}

// Catches weights rotated another way than inputs, and a Hessian or a result in the wrong basis.
TEST(how_do_i_outliers, spread_outliers_by_a_rotation) {
  bg::hessian H(W.cols());
  for (const auto& batch : batches) H.accumulate(batch);
  // README: spread outliers by a rotation
  const bg::transformed r(W, bg::rotation(W.cols(), {.seed = 7}));
  const bg::hessian rotated = r.hessian_of(H);
  const auto q = bg::quantize(r.weights(), bg::symmetric<8>{}, bg::gptq{rotated});  // or without GPTQ
  const bg::linear layer(q, bias, {.activations = bg::activation_quantizer::dynamic()});
  const Eigen::MatrixXf Y = layer(r.inputs(X));
  const Eigen::MatrixXf back = r.restore(q.dequantize());  // near W
  // end
  EXPECT_LT(error_of(Y), 0.5f * plain_error());
  EXPECT_LT((back - W).norm(), 0.1f * W.norm());
}

// Catches outliers that become integers all the same.
TEST(how_do_i_outliers, keep_outliers_of_inputs_as_floats) {
  bg::activation_stats stats(W.cols());
  for (const auto& batch : batches) stats.observe(batch);
  // README: keep outliers of inputs as floats (LLM.int8)
  const bg::llm_int8 layer(W, bias, {.threshold = 6});  // magnitudes from 6 up; all else in 8 bits
  bg::outlier_report found;
  const Eigen::MatrixXf Y = layer.forward(X, &found);  // found.columns, found.share_of_time()
  const bg::llm_int8 still(W, bias, {.frozen = bg::outlier_columns(stats, 6)});  // of calibration
  // end
  EXPECT_LT(error_of(Y), 0.5f * plain_error());
  EXPECT_LT(error_of(still(X)), 0.5f * plain_error());
  EXPECT_EQ(found.columns, (std::vector<bg::index_t>{7, 50, 93, 136, 179, 222}));
}

}  // namespace
