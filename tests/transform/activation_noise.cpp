#include <bitgauge/transform/activations/activation_noise.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace bitgauge {
namespace {

/// 400 normal tokens of 96 inputs, some of them far larger than the rest, `sides` 1: none negative.
Eigen::MatrixXf some_tokens(int sides) {
  Eigen::MatrixXf x = test::normal_matrix(400, 96, 3);
  if (sides == 1) x = x.cwiseAbs();
  x.col(10) *= 20;
  x.col(50) *= 8;
  x.col(70).setZero();
  return x;
}

activation_stats stats_of(const Eigen::MatrixXf& x) {
  activation_stats stats(x.cols());
  stats.observe(x);
  return stats;
}

/// Mean over tokens of step^2 / 12, by its definition.
double mean_of_tokens(const Eigen::MatrixXf& x, bool affine, double steps) {
  double sum = 0;
  for (index_t t = 0; t < x.rows(); ++t) {
    const double high = std::max(0.0, static_cast<double>(x.row(t).maxCoeff())),
                 low = std::min(0.0, static_cast<double>(x.row(t).minCoeff()));
    const double step = (affine ? high - low : std::max(high, -low)) / steps;
    sum += step * step / 12;
  }
  return sum / static_cast<double>(x.rows());
}

// Catches the range of all samples taken for a token's, one side taken for two, and factors that are not
// applied: beside the mean over the tokens themselves.
TEST(activation_noise, per_token_is_near_that_of_the_tokens) {
  const Eigen::VectorXf ones = Eigen::VectorXf::Ones(96), factors = Eigen::VectorXf::Constant(96, 4);
  for (const int sides : {1, 2}) {
    const Eigen::MatrixXf x = some_tokens(sides);
    for (const bool affine : {false, true}) {
      const activation_noise noise{per_row{}, affine ? make_affine(8) : make_symmetric(8)};
      const double expected = mean_of_tokens(x, affine, affine ? 255 : 127);
      const Eigen::VectorXd found = noise.variances(stats_of(x), ones);
      EXPECT_NEAR(found(10) / expected, 1, 0.1) << sides << affine;
      EXPECT_EQ(found(70), 0);  // an input of zeros has no noise
      EXPECT_NEAR(noise.variances(stats_of(x), factors)(10), found(10) / 16, 1e-9 * found(10));
    }
  }
}

// Catches an estimate where the statistics say it exactly: one scale for all samples, and one sample.
TEST(activation_noise, is_exact_where_the_range_is_known) {
  const Eigen::MatrixXf x = some_tokens(2);
  const Eigen::VectorXf ones = Eigen::VectorXf::Ones(96);
  const double length = static_cast<double>(x.maxCoeff()) - static_cast<double>(x.minCoeff());
  const activation_noise tensor{per_tensor{}, make_affine(8)}, token{per_row{}, make_symmetric(8)};
  const double step = length / 255;
  EXPECT_NEAR(tensor.variances(stats_of(x), ones)(10), step * step / 12, 1e-9 * step * step);
  const double of_one = mean_of_tokens(x.topRows(1), false, 127);
  EXPECT_NEAR(token.variances(stats_of(x.topRows(1)), ones).maxCoeff(), of_one, 1e-6 * of_one);
}

// Catches noise above what an input itself has: one that rounds to 0 throughout loses its energy, no more.
TEST(activation_noise, is_at_most_the_input) {
  Eigen::MatrixXf x = test::normal_matrix(50, 4, 1);
  x.col(2) *= 1e-6f;
  const activation_stats stats = stats_of(x);
  EXPECT_EQ(activation_noise{}.variances(stats, Eigen::Vector4f::Ones())(2), stats.mean_square()(2));
  EXPECT_EQ(activation_noise{}.variances(stats_of(Eigen::MatrixXf::Zero(2, 4)), Eigen::Vector4f::Ones()),
            Eigen::Vector4d::Zero());
}

TEST(activation_noise, wrong_use_is_named) {
  const activation_stats stats = stats_of(test::normal_matrix(5, 4, 1));
  EXPECT_EQ(
      test::message_of<shape_error>([&] { activation_noise{}.variances(stats, Eigen::Vector3f::Ones()); }),
      "activation_noise: expected a factor for each of 4 inputs, found 3");
  EXPECT_EQ(test::message_of<invalid_scheme>(
                [&] { activation_noise{.groups = per_column{}}.variances(stats, Eigen::Vector4f::Ones()); }),
            "activation_noise: expected per_row, a scale a token, or per_tensor");
}

}  // namespace
}  // namespace bitgauge
