#include <bitgauge/layer/activation.hpp>
#include <bitgauge/metrics/output_error.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
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

// Catches a matrix of floats in the place of a quantized one that is refused, or read in another order.
TEST(output_error, takes_floats_for_the_approximation) {
  const layer l = some_layer();
  hessian h(40);
  h.accumulate(l.x);
  const output_error expected = measure_output_error(l.w, l.q, h, 1);
  const Eigen::MatrixXf floats = l.q.dequantize();
  const Eigen::Matrix<float, -1, -1, Eigen::RowMajor> turned = floats;
  EXPECT_EQ(measure_output_error(l.w, floats, h, 2).error, expected.error);
  EXPECT_EQ(measure_output_error(l.w, 1 * turned, h, 2).error, expected.error);
  EXPECT_THROW(measure_output_error(l.w, floats.leftCols(39), h), shape_error);
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

// Catches activations whose squares overflow or vanish and then pass for an error of 0: a power of two common
// to all of them changes nothing relative.
TEST(output_error, does_not_depend_on_the_size_of_activations) {
  const layer l = some_layer();
  const auto relative = [&](float factor) {
    hessian h(40);
    h.accumulate(factor * l.x);
    return measure_output_error(l.w, l.q, h, 1).relative();
  };
  EXPECT_GT(relative(1), 1e-4);
  EXPECT_EQ(relative(0x1p100f), relative(1));
  EXPECT_EQ(relative(0x1p-100f), relative(1));
}

// Catches "no error" where there is no number, or nothing that the error could be compared with.
TEST(output_error, is_never_zero_by_accident) {
  constexpr double infinity = std::numeric_limits<double>::infinity(),
                   nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(output_error{nan, 1}.relative()));
  EXPECT_TRUE(std::isnan(output_error{infinity, infinity}.relative()));
  EXPECT_EQ((output_error{1, 0}.relative()), infinity);
  EXPECT_EQ((output_error{0, 0}.relative()), 0);
  const layer l = some_layer();
  Eigen::MatrixXf broken = l.w;
  broken(70, 3) = std::numeric_limits<float>::quiet_NaN();
  hessian h(40);
  h.accumulate(l.x);
  EXPECT_TRUE(std::isnan(measure_output_error(broken, l.q, h).relative()));
}

TEST(output_error, samples_that_cannot_be_squared_are_named) {
  const layer l = some_layer();
  const quantized_matrix a = activation_quantizer::dynamic()(l.x);
  Eigen::MatrixXd x = l.x.cast<double>();
  x(2, 5) = 1e200;
  EXPECT_EQ(test::message_of<data_error>([&] { measure_output_error(l.w, l.q, x, a); }),
            "measure_output_error: sample 2, input 5: expected a magnitude up to 1e+75, whose square can be "
            "summed, found 1e+200");
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
