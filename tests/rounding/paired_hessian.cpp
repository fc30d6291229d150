#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/rounding/paired_hessian.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include <limits>

namespace {

namespace bg = bitgauge;

/// Inputs of a layer before and after the layers ahead of it were quantized: mixed up a little, and noisy.
struct inputs {
  Eigen::MatrixXf original = test::correlated_inputs(400, 40, 0.8f, 1);
  Eigen::MatrixXf quantized =
      original + 0.2f * original.rowwise().reverse() + 0.1f * test::normal_matrix(400, 40, 2);
};

double mismatch(const Eigen::MatrixXf& w, const Eigen::MatrixXf& real, const inputs& x) {
  return (x.original.cast<double>() * w.cast<double>().transpose() -
          x.quantized.cast<double>() * real.cast<double>().transpose())
      .squaredNorm();
}

// Catches a correction that is transposed, or solved in the wrong order of columns: on a fine grid the result
// must come as close as least squares does, which is solved here by a decomposition of X' itself.
TEST(paired_hessian, makes_up_for_quantized_predecessors) {
  const inputs x;
  const Eigen::MatrixXf w = test::normal_matrix(12, 40, 3);
  bg::paired_hessian pair(40);
  pair.accumulate(x.original.topRows(150), x.quantized.topRows(150));
  pair.accumulate(x.original.bottomRows(250), x.quantized.bottomRows(250));
  const Eigen::MatrixXd outputs = x.original.cast<double>() * w.cast<double>().transpose();
  const Eigen::MatrixXd best = x.quantized.cast<double>().colPivHouseholderQr().solve(outputs);
  const double least = (outputs - x.quantized.cast<double>() * best).squaredNorm();
  for (const bool act_order : {false, true}) {
    const bg::gptq_options settings{.act_order = act_order, .damping = 1e-6};
    const auto fine = bg::quantize(w, bg::affine<8>{}, bg::per_group{8}, bg::gptq(pair, settings));
    EXPECT_NEAR(mismatch(w, fine.dequantize(), x), least, 0.02 * least);
    const auto paired = bg::quantize(w, bg::affine<3>{}, bg::gptq(pair, settings));
    const auto plain = bg::quantize(w, bg::affine<3>{}, bg::gptq(pair.quantized(), settings));
    EXPECT_LT(mismatch(w, paired.dequantize(), x), 0.7 * mismatch(w, plain.dequantize(), x));
  }
}

// Catches a correction where there is nothing to correct.
TEST(paired_hessian, of_equal_inputs_is_a_hessian) {
  const inputs x;
  const Eigen::MatrixXf w = test::normal_matrix(6, 40, 4);
  bg::paired_hessian pair(40), half(40);
  pair.accumulate(x.original.topRows(100), x.original.topRows(100));
  half.accumulate(x.original.bottomRows(300), x.original.bottomRows(300));
  pair.merge(half);
  EXPECT_EQ(bg::quantize(w, bg::affine<4>{}, bg::gptq(pair)).codes(),
            bg::quantize(w, bg::affine<4>{}, bg::gptq(pair.quantized())).codes());
}

// Catches batches that do not belong together, and NaN.
TEST(paired_hessian, rejects_what_it_cannot_use) {
  bg::paired_hessian pair(3);
  Eigen::MatrixXf x = Eigen::MatrixXf::Ones(2, 3);
  EXPECT_EQ(test::message_of<bg::shape_error>([&] { pair.accumulate(x, Eigen::MatrixXf::Ones(4, 3)); }),
            "paired hessian: expected two batches of one shape, found 2 x 3 and 4 x 3");
  x(1, 0) = std::numeric_limits<float>::infinity();
  EXPECT_EQ(test::message_of<bg::data_error>([&] { pair.accumulate(x, Eigen::MatrixXf::Ones(2, 3)); }),
            "paired hessian: original sample 1, input 0: expected a finite value, found NaN or infinity");
  // finite, though not as a float
  const Eigen::MatrixXd large = 1e50 * Eigen::MatrixXd::Ones(2, 3);
  EXPECT_EQ(test::message_of<bg::data_error>([&] { pair.accumulate(large, large); }), "no error");
  EXPECT_EQ(
      test::message_of<bg::data_error>(
          [&] { pair.accumulate(Eigen::MatrixXd(1e50 * large), Eigen::MatrixXd(large)); }),
      "paired hessian: original sample 0, input 0: expected a magnitude up to 1e+75, whose square can be "
      "summed, found 1e+100");
}

}  // namespace
