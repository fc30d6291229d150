#include <bitgauge/layer/activation.hpp>
#include <bitgauge/metrics/output_error.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <random>

namespace bitgauge {
namespace {

struct layer {
  Eigen::MatrixXf w, x;
  quantized_matrix q;
};

/// More rows than are computed at once, and a ragged last panel.
layer some_layer() {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  layer l;
  l.w = Eigen::MatrixXf::NullaryExpr(131, 40, [&] { return normal(random); });
  l.x = Eigen::MatrixXf::NullaryExpr(17, 40, [&] { return normal(random); });
  l.q = quantize(l.w, affine<4>{}, per_group{16});
  return l;
}

// Catches a Hessian that is not the samples', rows left out, and energies of another product: the oracle is
// the outputs written out.
TEST(output_error, is_that_of_the_outputs) {
  const layer l = some_layer();
  hessian h(40);
  h.accumulate(l.x);
  const Eigen::MatrixXd x = l.x.cast<double>().transpose(), y = l.w.cast<double>() * x,
                        approximate = l.q.dequantize().cast<double>() * x;
  const output_error found = measure_output_error(l.w, l.q, h, 1);
  EXPECT_NEAR(found.energy, y.squaredNorm(), 1e-5 * y.squaredNorm());
  EXPECT_NEAR(found.error, (y - approximate).squaredNorm(), 1e-5 * (y - approximate).squaredNorm());
}

// The same with quantized inputs; catches inputs that stay exact, or are transposed.
TEST(output_error, with_quantized_inputs_is_that_of_the_outputs) {
  const layer l = some_layer();
  const quantized_matrix a = activation_quantizer::dynamic(per_row{})(l.x);
  const Eigen::MatrixXd x = l.x.cast<double>().transpose(), y = l.w.cast<double>() * x,
                        approximate =
                            l.q.dequantize().cast<double>() * a.dequantize().cast<double>().transpose();
  for (const int threads : {1, 2}) {
    const output_error found = measure_output_error(l.w, l.q, l.x, a, threads);
    EXPECT_NEAR(found.energy, y.squaredNorm(), 1e-12 * y.squaredNorm());
    EXPECT_NEAR(found.error, (y - approximate).squaredNorm(), 1e-12 * y.squaredNorm());
  }
}

TEST(output_error, shapes_that_disagree_are_named) {
  const layer l = some_layer();
  const quantized_matrix a = activation_quantizer::dynamic()(l.x.topRows(16));
  EXPECT_EQ(test::message_of<shape_error>([&] { measure_output_error(l.w, l.q, l.x, a); }),
            "measure_output_error: activations: expected 17 x 40, found 16 x 40");
  const Eigen::MatrixXf narrow = l.x.leftCols(39);
  EXPECT_EQ(test::message_of<shape_error>(
                [&] { measure_output_error(l.w, l.q, narrow, activation_quantizer::dynamic()(narrow)); }),
            "measure_output_error: expected samples of 40 inputs, found 39");
}

}  // namespace
}  // namespace bitgauge
