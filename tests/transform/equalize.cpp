#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/transform/equalize.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"
#include "support/near.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace bitgauge {
namespace {

using test::relative;
/// Weights whose rows differ in size by a factor of a thousand.
Eigen::MatrixXf uneven(index_t rows, index_t cols, unsigned seed) {
  Eigen::MatrixXf w = test::normal_matrix(rows, cols, seed);
  for (index_t r = 0; r < rows; ++r) w.row(r) *= std::exp2(5 * std::sin(static_cast<float>(3 * r)));
  return w;
}

/// Linear layers with leaky ReLU between, on some inputs.
Eigen::MatrixXf network(const std::vector<Eigen::MatrixXf>& weights,
                        const std::vector<Eigen::VectorXf>& biases) {
  Eigen::MatrixXf x = test::normal_matrix(30, weights.front().cols(), 9);
  for (std::size_t l = 0; l < weights.size(); ++l) {
    x *= weights[l].transpose();
    if (!biases.empty() && biases[l].size() > 0) x.rowwise() += biases[l].transpose();
    if (l + 1 < weights.size()) x = x.cwiseMax(0.1f * x).eval();
  }
  return x;
}

double largest_ratio(const Eigen::VectorXf& a, const Eigen::VectorXf& b) {
  return static_cast<double>((a.array() / b.array()).max(b.array() / a.array()).maxCoeff());
}

// Catches a bias that stays, a factor applied the wrong way round, and ranges that do not meet: rows of W1 and
// columns of W2 both reach the geometric mean of what they reached.
TEST(equalize, both_ranges_become_their_geometric_mean) {
  Eigen::MatrixXf w1 = uneven(20, 12, 1), w2 = test::normal_matrix(6, 20, 2);
  Eigen::VectorXf b1 = test::normal_matrix(20, 1, 3);
  const std::vector<Eigen::VectorXf> biases{b1, Eigen::VectorXf()};
  const Eigen::MatrixXf before = network({w1, w2}, biases);
  const Eigen::ArrayXf r1 = row_maxima(w1), r2 = column_maxima(w2);
  const channel_scaling s = equalize(w1, b1, w2);
  EXPECT_LE(relative(s.factors(), ((r1 * r2).sqrt() / r2).matrix()), 1e-6);
  EXPECT_LE(relative(row_maxima(w1), (r1 * r2).sqrt().matrix()), 1e-6);
  EXPECT_LE(relative(column_maxima(w2), (r1 * r2).sqrt().matrix()), 1e-6);
  EXPECT_LE(relative(network({w1, w2}, {b1, Eigen::VectorXf()}), before), 1e-5);
}

// Catches equalisation without its purpose: one scale for all of a matrix whose rows differ.
TEST(equalize, one_scale_suits_all_rows_then) {
  std::vector<Eigen::MatrixXf> w{uneven(40, 12, 1), test::normal_matrix(6, 40, 2)};
  for (index_t i = 0; i < 40; ++i) w[1].col(i) /= w[0].row(i).cwiseAbs().maxCoeff();
  const Eigen::MatrixXf exact = network(w, {});
  const auto error = [&] {
    std::vector<Eigen::MatrixXf> q;
    for (const auto& m : w) q.emplace_back(quantize(m, symmetric<8>{}, per_tensor{}).dequantize());
    return relative(network(q, {}), exact);
  };
  const double before = error();
  equalize(w[0], w[1]);
  EXPECT_LE(error(), 0.3 * before);
}

// Catches 0/0 of dead channels, which keep their weights and bias.
TEST(equalize, dead_channels_stay) {
  Eigen::MatrixXf w1 = test::normal_matrix(4, 3, 1), w2 = test::normal_matrix(2, 4, 2);
  Eigen::Vector4f b1(1, 2, 3, 4);
  w1.row(1).setZero();
  w2.col(2).setZero();
  const Eigen::MatrixXf old1 = w1, old2 = w2;
  const channel_scaling s = equalize(w1, b1, w2);
  EXPECT_EQ(s.factors()(1), 1);
  EXPECT_EQ(s.factors()(2), 1);
  EXPECT_EQ(w1.middleRows(1, 2), old1.middleRows(1, 2));
  EXPECT_EQ(w2.middleCols(1, 2), old2.middleCols(1, 2));
  EXPECT_EQ(b1.segment(1, 2), Eigen::Vector2f(2, 3));
}

// Catches a chain that stops before its fixed point, where every channel's ranges agree, another network than
// before, and a last bias that is changed.
TEST(equalize, a_chain_comes_to_its_fixed_point) {
  std::vector<Eigen::MatrixXf> w{uneven(16, 8, 1), uneven(12, 16, 2), uneven(10, 12, 3), uneven(4, 10, 4)};
  std::vector<Eigen::VectorXf> b{test::normal_matrix(16, 1, 5), Eigen::VectorXf(),
                                 test::normal_matrix(10, 1, 6), test::normal_matrix(4, 1, 7)};
  const Eigen::MatrixXf exact = network(w, b);
  const Eigen::VectorXf last = b.back();
  const equalization done = equalize_chain(w, b);
  EXPECT_LE(done.largest_change, 1e-4);
  EXPECT_GT(done.sweeps, 2);
  EXPECT_LE(relative(network(w, b), exact), 1e-5);
  EXPECT_EQ(b.back(), last);
  ASSERT_EQ(done.factors.size(), 3u);
  for (std::size_t l = 0; l < 3; ++l)
    EXPECT_LE(largest_ratio(row_maxima(w[l]), column_maxima(w[l + 1])), 1.001);
  EXPECT_EQ(equalize_chain(w, {.sweeps = 1, .tolerance = 0}).sweeps, 1);
}

// Catches matrices that are half changed after an error.
TEST(equalize, wrong_use_is_named_and_changes_nothing) {
  Eigen::MatrixXf w1 = Eigen::MatrixXf::Ones(2, 3), w2 = Eigen::MatrixXf::Constant(4, 2, 4);
  Eigen::Vector2f b(1, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(test::message_of<shape_error>([&] { equalize(w2, w1); }),
            "equalize: expected layers one after the other, but the outputs of one are 4, the inputs of the "
            "next 3");
  EXPECT_EQ(
      test::message_of<data_error>([&] { equalize(w1, b, w2); }),
      "equalize: first bias: row 1, column 0: expected a finite value once changed, found NaN or infinity");
  Eigen::Vector3f long_bias = Eigen::Vector3f::Ones();
  EXPECT_EQ(test::message_of<shape_error>([&] { equalize(w1, long_bias, w2); }),
            "equalize: first bias: expected a vector of 2, found 3 x 1");
  w2(3, 1) = b(1);
  EXPECT_EQ(test::message_of<data_error>([&] { equalize(w1, w2); }),
            "weights: row 3, column 1: expected a finite value, found NaN or infinity");
  EXPECT_EQ(w1, Eigen::MatrixXf::Ones(2, 3));
  std::array<Eigen::MatrixXf, 1> single{w1};
  EXPECT_EQ(test::message_of<shape_error>([&] { equalize_chain(single); }),
            "equalize: expected at least 2 layers, found 1");
  std::array<Eigen::MatrixXf, 2> two{w1, w1.transpose()};
  std::array<Eigen::Vector2f, 1> one_bias{};
  EXPECT_EQ(test::message_of<shape_error>([&] { equalize_chain(two, one_bias); }),
            "equalize: expected no bias or one for each of 2 layers, found 1");
  EXPECT_EQ(test::message_of<invalid_scheme>([&] { equalize_chain(two, {.sweeps = 0}); }),
            "equalize: expected at least 1 sweep, found 0");
}

}  // namespace
}  // namespace bitgauge
