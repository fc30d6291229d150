#include <bitgauge/transform/activations/activation_stats.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

namespace bitgauge {
namespace {

/// Inputs of either sign, one never negative and one always 0.
Eigen::MatrixXf some_samples() {
  Eigen::MatrixXf x = test::correlated_inputs(50, 7, 0.5f, 4);
  x.col(2) = x.col(2).cwiseAbs();
  x.col(5).setZero();
  return x;
}

void expect_those_of(const activation_stats& stats, const Eigen::MatrixXd& x) {
  const auto is_near = [](const Eigen::VectorXd& found, const Eigen::RowVectorXd& expected) {
    return (found.transpose() - expected).norm() <= 1e-12 * (1 + expected.norm());
  };
  EXPECT_EQ(stats.samples(), x.rows());
  EXPECT_EQ(stats.absolute_maximum().transpose(), x.cwiseAbs().colwise().maxCoeff());
  EXPECT_EQ(stats.lowest().transpose(), x.colwise().minCoeff().cwiseMin(0).eval());
  EXPECT_EQ(stats.highest().transpose(), x.colwise().maxCoeff().cwiseMax(0).eval());
  EXPECT_TRUE(is_near(stats.mean(), x.colwise().mean()));
  EXPECT_TRUE(is_near(stats.mean_magnitude(), x.cwiseAbs().colwise().mean()));
  EXPECT_TRUE(is_near(stats.mean_square(), x.cwiseAbs2().colwise().mean()));
}

// Catches batches that replace what was seen, another order of storage read as this one, and shards that are
// not added up.
TEST(activation_stats, are_those_of_all_batches) {
  const Eigen::MatrixXf x = some_samples();
  const Eigen::Matrix<double, -1, -1, Eigen::RowMajor> rows = x.cast<double>();
  activation_stats stats(7), shard(7);
  stats.observe(x.topRows(20));
  stats.observe(rows.middleRows(20, 10));
  stats.observe(x.topRows(0));
  shard.observe(2 * (x.bottomRows(20) / 2));
  stats.merge(shard);
  expect_those_of(stats, x.cast<double>());
  EXPECT_EQ(stats.highest()(5), 0);
}

// Catches half a batch that is counted although the other half is refused.
TEST(activation_stats, nan_and_infinity_leave_them_as_before) {
  const Eigen::MatrixXf x = some_samples();
  activation_stats stats(7);
  stats.observe(x);
  Eigen::MatrixXf bad = 100 * x;
  bad(3, 6) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(test::message_of<data_error>([&] { stats.observe(bad); }),
            "activation_stats: sample 3, input 6: expected a finite value, found NaN or infinity");
  bad(3, 6) = std::numeric_limits<float>::infinity();
  EXPECT_THROW(stats.observe(bad), data_error);
  expect_those_of(stats, x.cast<double>());
}

TEST(activation_stats, wrong_use_is_named) {
  activation_stats stats(7);
  EXPECT_EQ(test::message_of<shape_error>([] { activation_stats(0); }),
            "activation_stats: expected at least 1 input, found 0");
  EXPECT_EQ(test::message_of<shape_error>([&] { stats.observe(Eigen::MatrixXf::Ones(2, 6)); }),
            "activation_stats: expected samples of 7 inputs, found 6 columns");
  EXPECT_EQ(test::message_of<shape_error>([&] { stats.merge(activation_stats(3)); }),
            "activation_stats: cannot merge 3 inputs into 7");
  const std::string none =
      "activation_stats: expected at least one sample, found none: observe a batch first";
  EXPECT_EQ(test::message_of<data_error>([&] { stats.mean(); }), none);
  EXPECT_EQ(test::message_of<data_error>([&] { stats.absolute_maximum(); }), none);
  stats.observe(some_samples());
  const activation_stats taken = std::move(stats);
  EXPECT_EQ(taken.samples(), 50);
  EXPECT_EQ(stats.samples(), 0);  // not 50 samples of no inputs
}

}  // namespace
}  // namespace bitgauge
