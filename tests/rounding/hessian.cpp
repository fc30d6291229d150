#include <bitgauge/io/npy.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include "support/message_of.hpp"
#include "support/temporary_directory.hpp"

#include <Eigen/Core>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace {

using bitgauge::hessian;

/// Activations with a mean and a spread that differ from input to input.
Eigen::MatrixXf activations(Eigen::Index samples, Eigen::Index inputs, unsigned seed) {
  std::srand(seed);
  Eigen::MatrixXf x = Eigen::MatrixXf::Random(samples, inputs);
  for (Eigen::Index j = 0; j < inputs; ++j)
    x.col(j) = x.col(j) * static_cast<float>(j % 5 + 1) + Eigen::VectorXf::Constant(samples, 0.3f);
  return x;
}

Eigen::MatrixXd exact(const Eigen::MatrixXf& x) {
  return x.cast<double>().transpose() * x.cast<double>();
}

double relative_difference(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  return (a - b).norm() / b.norm();
}

// Catches a wrong tile, a half not mirrored and a batch counted twice: 300 inputs are two tiles, 700 samples
// three chunks.
TEST(hessian, is_the_sum_of_outer_products) {
  const Eigen::MatrixXf x = activations(700, 300, 1);
  hessian h(300);
  h.accumulate(x.topRows(10));
  h.accumulate(x.bottomRows(690));
  EXPECT_LT(relative_difference(h.matrix(), exact(x)), 1e-6);
  EXPECT_EQ(h.matrix(), h.matrix().transpose());
  EXPECT_EQ(h.samples(), 700);
}

// Catches a storage order or a scalar type that is read wrongly, and double activations squeezed into float.
TEST(hessian, takes_every_kind_of_matrix) {
  const Eigen::MatrixXf x = activations(50, 20, 2);
  const Eigen::MatrixXd truth = exact(x);
  hessian columns(20), rows(20), expression(20), doubles(20), halves(20);
  columns.accumulate(x);
  rows.accumulate(Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>(x));
  expression.accumulate(x.array() * 2.0f);
  doubles.accumulate(x.cast<double>());
  halves.accumulate(x.cast<Eigen::half>());
  EXPECT_LT(relative_difference(columns.matrix(), truth), 1e-6);
  EXPECT_LT(relative_difference(rows.matrix(), truth), 1e-6);
  EXPECT_LT(relative_difference(expression.matrix(), 4 * truth), 1e-6);
  EXPECT_LT(relative_difference(doubles.matrix(), truth), 1e-14);
  EXPECT_LT(relative_difference(halves.matrix(), truth), 1e-2);
}

// Catches weights applied twice, to the wrong sample, or as their squares.
TEST(hessian, weighs_samples) {
  const Eigen::MatrixXf x = activations(3, 4, 3);
  hessian h(4);
  h.accumulate(x, std::vector<float>{0, 2, 0.5f});
  const Eigen::MatrixXd truth = 2 * exact(x.row(1)) + 0.5 * exact(x.row(2));
  EXPECT_LT(relative_difference(h.matrix(), truth), 1e-6);
}

// Catches a merge that loses a shard.
TEST(hessian, merges_shards) {
  const Eigen::MatrixXf x = activations(64, 16, 4);
  hessian whole(16), first(16), second(16);
  whole.accumulate(x);
  first.accumulate(x.topRows(20));
  second.accumulate(x.bottomRows(44));
  first.merge(second);
  EXPECT_LT(relative_difference(first.matrix(), whole.matrix()), 1e-6);
  EXPECT_EQ(first.samples(), 64);
  EXPECT_EQ(test::message_of<bitgauge::shape_error>([&] { first.merge(hessian(8)); }),
            "hessian: cannot merge 8 inputs into 16");
}

// Catches sums that depend on how tiles are spread over threads.
TEST(hessian, does_not_depend_on_threads) {
  const Eigen::MatrixXf x = activations(300, 600, 5);
  hessian one(600), many(600);
  one.accumulate(x, {}, 1);
  many.accumulate(x, {}, 3);
  EXPECT_EQ(one.matrix(), many.matrix());
}

// Catches a Hessian that does not survive being saved and loaded, as between two runs.
TEST(hessian, comes_back_from_a_file) {
  const test::temporary_directory directory;
  const auto path = directory / "hessian.npy";
  hessian h(12);
  h.accumulate(activations(40, 12, 6));
  bitgauge::io::write_npy(path, h.matrix());
  const auto loaded = hessian::from_matrix(bitgauge::io::read_npy<Eigen::MatrixXd>(path), h.samples());
  EXPECT_EQ(loaded.matrix(), h.matrix());
  EXPECT_EQ(loaded.samples(), 40);
}

// Catches squares that overflow (float: from 1e19, inf in silence) or are lost (below 1e-23, a dead column):
// columns times powers of two, from 2^-100 to 2^100 in one matrix, give the same Hessian times those powers,
// to the bit, with and without weights; those may be large or small themselves.
TEST(hessian, columns_of_every_size_are_exact) {
  const Eigen::MatrixXf x = activations(300, 40, 7);
  Eigen::MatrixXf scaled = x;
  Eigen::VectorXd by(40);
  for (Eigen::Index j = 0; j < 40; ++j) {
    by(j) = std::ldexp(1.0, static_cast<int>(j * 5 - 100));
    scaled.col(j) *= static_cast<float>(by(j));
  }
  hessian plain(40), large(40);
  plain.accumulate(x);
  large.accumulate(scaled);
  EXPECT_EQ(large.matrix(), Eigen::MatrixXd(by.asDiagonal() * plain.matrix() * by.asDiagonal()));

  std::vector<float> weights(300), far(300);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 7);
  for (const double factor : {0x1p100, 0x1p-100}) {
    for (std::size_t i = 0; i < weights.size(); ++i) far[i] = weights[i] * static_cast<float>(factor);
    hessian weighted(40), weighted_far(40);
    weighted.accumulate(x, weights);
    weighted_far.accumulate(scaled, far);
    EXPECT_EQ(weighted_far.matrix(),
              Eigen::MatrixXd(factor * (by.asDiagonal() * weighted.matrix() * by.asDiagonal())));
  }
}

// Catches doubles whose squares are infinite or zero in silence; the ends of what is taken are exact as well.
TEST(hessian, doubles_beyond_reach_are_named) {
  using test::message_of;
  const Eigen::MatrixXd x = activations(5, 3, 8).cast<double>();
  hessian plain(3), h(3);
  plain.accumulate(x);
  for (const double factor : {0x1p240, 0x1p-240}) {
    hessian far(3);
    far.accumulate(factor * x);
    EXPECT_EQ(far.matrix(), Eigen::MatrixXd(factor * factor * plain.matrix()));
  }
  Eigen::MatrixXd large = x, small = x, mixed = x;
  large(4, 1) = -1e200;
  EXPECT_EQ(message_of<bitgauge::data_error>([&] { h.accumulate(large); }),
            "hessian: sample 4, input 1: expected a magnitude up to 1e+75, whose square can be summed, found "
            "-1e+200");
  small.col(2).setConstant(3e-170);
  EXPECT_EQ(
      message_of<bitgauge::data_error>([&] { h.accumulate(small); }),
      "hessian: input 2: expected magnitudes from 1e-75 up in some sample, whose squares can be summed, "
      "or all 0, found at most 3e-170");
  EXPECT_EQ(h.matrix(), Eigen::MatrixXd::Zero(3, 3));
  mixed(0, 2) = 3e-170;  // lost beside the others of its input, as it should
  EXPECT_EQ(message_of<bitgauge::data_error>([&] { h.accumulate(mixed); }), "no error");
  Eigen::Matrix2d matrix = Eigen::Matrix2d::Identity();
  matrix(1, 1) = 1e200;
  EXPECT_EQ(message_of<bitgauge::data_error>([&] { hessian::from_matrix(matrix); }),
            "hessian: element (1, 1): expected a magnitude up to 1e+160, found 1e+200");
  matrix(1, 1) = 1e-200;
  EXPECT_EQ(message_of<bitgauge::data_error>([&] { hessian::from_matrix(matrix); }),
            "hessian: expected a diagonal of 0 or from 1e-160 up, found 1e-200 at 1");
}

// Catches bad input that is accepted, and messages that do not say where it is.
TEST(hessian, rejects_what_it_cannot_use) {
  using test::message_of;
  hessian h(3);
  Eigen::MatrixXf x = Eigen::MatrixXf::Ones(2, 3);
  x(1, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(message_of<bitgauge::data_error>([&] { h.accumulate(x); }),
            "hessian: sample 1, input 2: expected a finite value, found NaN or infinity");
  EXPECT_EQ(h.matrix(), Eigen::MatrixXd::Zero(3, 3));
  EXPECT_EQ(h.samples(), 0);
  EXPECT_EQ(message_of<bitgauge::shape_error>([&] { h.accumulate(Eigen::MatrixXf::Ones(2, 4)); }),
            "hessian: expected samples of 3 inputs, found 4 columns");
  EXPECT_EQ(message_of<bitgauge::shape_error>(
                [&] { h.accumulate(Eigen::MatrixXf::Ones(2, 3), std::vector<float>{1}); }),
            "hessian: expected one weight for each of 2 samples, found 1");
  EXPECT_EQ(message_of<bitgauge::data_error>(
                [&] { h.accumulate(Eigen::MatrixXf::Ones(1, 3), std::vector<float>{-1}); }),
            "hessian: weight of sample 0: expected a finite value from 0 up, found -1.000000");
  EXPECT_EQ(message_of<bitgauge::shape_error>([] { hessian(0); }),
            "hessian: expected at least 1 input, found 0");
  EXPECT_EQ(message_of<bitgauge::shape_error>([] { hessian::from_matrix(Eigen::MatrixXd::Ones(2, 3)); }),
            "hessian: expected a square matrix, found 2 x 3");
  Eigen::Matrix2d skew;
  skew << 1, 0.5, 0.2, 1;
  EXPECT_EQ(message_of<bitgauge::data_error>([&] { hessian::from_matrix(skew); }),
            "hessian: expected a symmetric matrix, found 0.200000 at (1, 0) and 0.500000 across");
  skew(0, 1) = std::numeric_limits<double>::infinity();
  EXPECT_EQ(message_of<bitgauge::data_error>([&] { hessian::from_matrix(skew); }),
            "hessian: element (1, 0): expected a finite value, found NaN or infinity");
  EXPECT_EQ(message_of<bitgauge::data_error>([] { hessian::from_matrix(-Eigen::Matrix2d::Identity()); }),
            "hessian: expected a diagonal from 0 up, found -1.000000 at 0");
}

}  // namespace
