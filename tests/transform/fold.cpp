#include <bitgauge/transform/fold.hpp>
#include <bitgauge/transform/smooth_quant.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"
#include "support/near.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bitgauge {
namespace {

using test::relative;
/// Some factors from 1/16 to 16.
channel_scaling some_factors(index_t n) {
  return channel_scaling(Eigen::VectorXf::NullaryExpr(
      n, [](index_t i) { return std::exp2(4 * std::sin(static_cast<float>(3 * i))); }));
}

/// Rows over their root mean square, times weight, plus bias.
Eigen::MatrixXf rms_norm(const Eigen::MatrixXf& u, const Eigen::VectorXf& weight,
                         const Eigen::VectorXf& bias) {
  const Eigen::ArrayXf scale = (u.rowwise().squaredNorm() / static_cast<float>(u.cols())).cwiseSqrt();
  const Eigen::MatrixXf normalized = (u.array().colwise() / scale).matrix();
  return (normalized * weight.asDiagonal()).rowwise() + bias.transpose();
}

// Catches factors folded into columns, or into weights alone: two linears with ReLU between.
TEST(fold, linear_relu_linear_computes_the_same) {
  const Eigen::MatrixXf u = test::normal_matrix(9, 12, 1), w2 = test::normal_matrix(5, 20, 3);
  Eigen::MatrixXf w1 = test::normal_matrix(20, 12, 2);
  Eigen::VectorXf b1 = test::normal_matrix(20, 1, 4);
  const auto network = [&](const auto& second) -> Eigen::MatrixXf {
    return ((u * w1.transpose()).rowwise() + b1.transpose()).cwiseMax(0) * second.transpose();
  };
  const Eigen::MatrixXf before = network(w2);
  const transformed s(w2, some_factors(20));
  fold_into_linear(s.transform(), w1, b1);
  EXPECT_LE(relative(network(s.weights()), before), 1e-5);
}

// Catches a norm's bias that stays, or is folded although it is another input's.
TEST(fold, norm_and_linear_compute_the_same) {
  const Eigen::MatrixXf u = test::normal_matrix(9, 20, 1), w = test::normal_matrix(5, 20, 3);
  Eigen::VectorXf gain = test::normal_matrix(20, 1, 4), bias = test::normal_matrix(20, 1, 5);
  activation_stats stats(20);
  stats.observe(rms_norm(u, gain, bias));
  const auto s = smooth_quant(w, stats, 0.5);
  const Eigen::VectorXf none = Eigen::VectorXf::Zero(20);
  Eigen::VectorXf gain_alone = gain;
  const Eigen::MatrixXf before = rms_norm(u, gain, bias) * w.transpose(),
                        before_alone = rms_norm(u, gain, none) * w.transpose();
  fold_into_norm(s.transform(), gain, bias);
  fold_into_norm(s.transform(), gain_alone);
  EXPECT_LE(relative(rms_norm(u, gain, bias) * s.weights().transpose(), before), 1e-5);
  EXPECT_LE(relative(rms_norm(u, gain_alone, none) * s.weights().transpose(), before_alone), 1e-5);
}

// Catches copies that are changed in place of what was given, strides passed over, and doubles cut to floats.
TEST(fold, changes_what_was_given_whatever_its_type) {
  const channel_scaling s = some_factors(4);
  const Eigen::Array4d by = s.factors().cast<double>().array();
  Eigen::ArrayXXd all = Eigen::ArrayXXd::Constant(4, 6, 1.0 / 3);
  fold_into_linear(s, all.block(0, 1, 4, 2), all.col(5));
  EXPECT_LE((all.col(1) - 1 / by / 3).abs().maxCoeff(), 1e-15);
  EXPECT_LE((all.col(5) - 1 / by / 3).abs().maxCoeff(), 1e-15);
  EXPECT_TRUE((all.col(0) == 1.0 / 3).all() && (all.col(3) == 1.0 / 3).all());
  Eigen::half memory[8];
  for (auto& x : memory) x = Eigen::half(1);
  using strided = Eigen::Map<Eigen::Matrix<Eigen::half, 1, Eigen::Dynamic>, 0, Eigen::InnerStride<2>>;
  fold_into_norm(s, strided(memory, 4));
  for (index_t i = 0; i < 4; ++i) {
    EXPECT_EQ(memory[2 * i], Eigen::half(1 / s.factors()(i)));
    EXPECT_EQ(memory[2 * i + 1], Eigen::half(1));
  }
}

// Catches a norm that is half folded after an error: a weight that f16 cannot hold once divided, NaN, shapes.
TEST(fold, an_error_leaves_all_as_it_was) {
  const channel_scaling s(Eigen::Vector2f(1, 1e-5f));
  Eigen::Vector2f weight(1, 2), bias(std::numeric_limits<float>::quiet_NaN(), 1);
  EXPECT_EQ(test::message_of<data_error>([&] { fold_into_norm(s, weight, bias); }),
            "fold: bias of the norm: row 0, column 0: expected a finite value once changed, found NaN or "
            "infinity");
  EXPECT_EQ(weight, Eigen::Vector2f(1, 2));
  Eigen::Matrix<Eigen::half, 2, 1> narrow(Eigen::half(1), Eigen::half(1));
  EXPECT_EQ(test::message_of<data_error>([&] { fold_into_norm(s, narrow); }),
            "fold: weight of the norm: row 1, column 0: expected a finite value once changed, found NaN or "
            "infinity");
  Eigen::MatrixXf w = Eigen::MatrixXf::Ones(3, 2);
  EXPECT_EQ(test::message_of<shape_error>([&] { fold_into_linear(s, w); }),
            "fold: expected a linear layer of 2 outputs, the inputs of the next, found 3");
  EXPECT_EQ(test::message_of<shape_error>([&] { fold_into_norm(s, w); }),
            "fold: weight of the norm: expected a vector of 2, found 3 x 2");
  Eigen::Vector3f b = Eigen::Vector3f::Ones();
  EXPECT_EQ(test::message_of<shape_error>([&] { fold_into_linear(s, w.topRows(2), b); }),
            "fold: bias of the linear layer: expected a vector of 2, found 3 x 1");
  EXPECT_EQ(w, Eigen::MatrixXf::Ones(3, 2));
}

}  // namespace
}  // namespace bitgauge
