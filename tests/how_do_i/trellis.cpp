// The entry of README's "How do I ..." about entropy-coded levels: see quantize.cpp.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/matrix/trellis/quantize.hpp>

#include "support/layer.hpp"

#include <gtest/gtest.h>

namespace {

namespace bg = bitgauge;

// Catches bytes beyond those asked for, and a Hessian that is ignored.
TEST(how_do_i_trellis, any_number_of_bits) {
  const Eigen::MatrixXf W = test::normal_matrix(128, 96, 1), X = test::correlated_inputs(400, 96, 0.9f, 2);
  // README: store any number of bits a weight
  bg::hessian H(W.cols());
  H.accumulate(X);  // samples x in; may be left out, or be an importance
  const auto q = bg::quantize(W, bg::trellis{.bits = 2.25, .states = 64}, H);
  const double bits = q.bits_per_weight();  // all that is stored, counted
  const Eigen::MatrixXf back = q.dequantize();
  // end
  EXPECT_LE(bits, 2.25);
  EXPECT_GT(bits, 2.2);
  const auto nearest = bg::quantize(W, bg::trellis{.bits = 2.25, .states = 64});
  EXPECT_LT(test::output_error(W, back, H.matrix()),
            0.6 * test::output_error(W, nearest.dequantize(), H.matrix()));
}

}  // namespace
