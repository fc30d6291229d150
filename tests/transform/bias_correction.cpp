#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/transform/bias_correction.hpp>
#include <bitgauge/transform/smooth_quant.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bitgauge {
namespace {

/// Inputs that are far from 0 on average.
Eigen::MatrixXf shifted_samples() {
  return (test::normal_matrix(60, 40, 2).array() + 1.5f).matrix();
}

activation_stats mean_stats_of(const Eigen::MatrixXf& x) {
  activation_stats stats(x.cols());
  stats.observe(x);
  return stats;
}

/// Mean error of each output, inputs exact.
Eigen::VectorXd mean_error(const Eigen::MatrixXf& w, const Eigen::MatrixXf& q, const Eigen::MatrixXf& x) {
  return (w.cast<double>() - q.cast<double>()) * x.cast<double>().colwise().mean().transpose();
}

// Catches a shift of the wrong sign, of magnitudes, and rows left out (70 are more than a panel): the mean
// error of each output over the samples, once corrected, is 0.
TEST(bias_correction, makes_the_mean_error_zero) {
  const Eigen::MatrixXf w = test::normal_matrix(70, 40, 1), x = shifted_samples();
  const auto q = quantize(w, affine<3>{});
  const Eigen::VectorXd shift = bias_correction(w, q, mean_stats_of(x), 2).cast<double>(),
                        expected = mean_error(w, q.dequantize(), x);
  EXPECT_LE((shift - expected).norm(), 1e-6 * expected.norm());
  EXPECT_GT(expected.norm(), 0.1);
  EXPECT_EQ(bias_correction(w.cast<double>(), q, mean_stats_of(x).mean().transpose()).cast<double>(), shift);
}

// Catches the mean of the original inputs with weights of another basis.
TEST(bias_correction, of_rewritten_weights_is_of_their_inputs) {
  const Eigen::MatrixXf w = test::normal_matrix(9, 40, 1), x = shifted_samples();
  const auto s = smooth_quant(w, mean_stats_of(x), 0.7);
  const auto q = quantize(s.weights(), affine<3>{});
  const Eigen::VectorXd expected = mean_error(w, s.restore(q.dequantize()), x);
  EXPECT_LE((bias_correction(s, q, mean_stats_of(x)).cast<double>() - expected).norm(),
            1e-5 * expected.norm());
}

TEST(bias_correction, wrong_use_is_named) {
  Eigen::MatrixXf w = test::normal_matrix(9, 40, 1);
  const auto q = quantize(w, affine<3>{});
  EXPECT_EQ(test::message_of<shape_error>([&] { bias_correction(w, q, Eigen::VectorXf::Ones(39)); }),
            "bias_correction: expected the mean of 40 inputs, found 39");
  EXPECT_NE(
      test::message_of<shape_error>([&] { bias_correction(w.topRows(8), q, Eigen::VectorXf::Ones(40)); }),
      "no error");
  w(4, 4) = std::numeric_limits<float>::infinity();
  EXPECT_EQ(test::message_of<data_error>([&] { bias_correction(w, q, Eigen::VectorXf::Ones(40)); }),
            "bias_correction: output 4: expected weights and means of finite values, found NaN or infinity");
}

}  // namespace
}  // namespace bitgauge
