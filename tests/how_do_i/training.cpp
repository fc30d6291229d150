// The entries of README's "How do I ..." about training: see quantize.cpp beside this.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/training/adapters/loftq.hpp>
#include <bitgauge/training/adapters/qlora.hpp>
#include <bitgauge/training/distillation.hpp>
#include <bitgauge/training/fake_quantize.hpp>
#include <bitgauge/training/learned/learned_step.hpp>

#include "support/layer.hpp"

#include <gtest/gtest.h>

namespace {

namespace bg = bitgauge;

// out x in, samples x in, and what the outputs should be
const Eigen::MatrixXf W = test::normal_matrix(32, 64, 1), X = test::correlated_inputs(40, 64, 0.5f, 2),
                      target = X * (W + 0.3f * test::normal_matrix(32, 64, 3)).transpose();

float loss_of(const Eigen::MatrixXf& y) {
  return (y - target).squaredNorm() / target.squaredNorm();
}

// Catches a gradient that does not train: the loss through quantized weights falls.
TEST(how_do_i_training, train_with_quantization) {
  // README: train with quantization
  Eigen::MatrixXf weights = W;
  const bg::fake_quantize f(bg::affine<4>{}, bg::per_group{32});
  for (int step = 0; step < 50; ++step) {
    const Eigen::MatrixXf What = f.forward(weights);  // dequantize(quantize(weights))
    const Eigen::MatrixXf dWhat = (X * What.transpose() - target).transpose() * X;
    weights -= 0.002f * f.backward(weights, dWhat);  // straight through
  }
  const auto q = bg::quantize(weights, bg::affine<4>{}, bg::per_group{32});
  // end
  EXPECT_LT(loss_of(X * q.dequantize().transpose()), 0.5f * loss_of(X * W.transpose()));
}

// Catches an adapter that does not learn, or weights that are not frozen.
TEST(how_do_i_training, fine_tune_quantized_weights) {
  // README: fine-tune quantized weights
  bg::qlora l(bg::quantize(W, bg::nf4{}, bg::per_block{64}, bg::double_quantized{256}), {.rank = 8});
  for (int step = 0; step < 200; ++step) {
    const Eigen::MatrixXf Y = l.forward(X), dY = Y - target;
    const auto g = l.backward(X, dY);
    l.adapter.A -= 0.0003f * g.A;
    l.adapter.B -= 0.0003f * g.B;
  }
  // end
  EXPECT_LT(loss_of(l.forward(X)), 0.7f * loss_of(X * W.transpose()));
}

}  // namespace
