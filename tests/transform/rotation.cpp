#include <bitgauge/grid/integer.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/metrics/output_error.hpp>
#include <bitgauge/transform/in_place.hpp>
#include <bitgauge/transform/rotate.hpp>
#include <bitgauge/transform/rotation.hpp>
#include <bitgauge/transform/transform.hpp>

#include "support/eigen_vectors.hpp"
#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <Eigen/Core>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace {

using namespace bitgauge;

/// Samples with channels twenty times as large as others.
row_matrix outlier_samples(index_t rows, index_t cols, unsigned seed) {
  row_matrix x = test::normal_matrix<row_matrix>(rows, cols, seed);
  for (index_t i = 0; i < 6; ++i) x.col((i * 37 + 11) % cols) *= 20.0f;
  return x;
}

/// T, from what it makes of the unit vectors.
Eigen::MatrixXd matrix_of(const rotation& t) {
  Eigen::MatrixXd columns = Eigen::MatrixXd::Identity(t.inputs(), t.inputs());
  for (index_t c = 0; c < t.inputs(); ++c)
    t.change_input(std::span(columns.col(c).data(), static_cast<std::size_t>(t.inputs())));
  return columns;
}

// Catches signs on the wrong side of the matrix.
TEST(rotation, is_that_of_the_vectors) {
  for (const auto& entry : test::cases_of("rotation", "randomized_hadamard")) {
    const auto x = test::load_matrix<float>("rotation", entry["inputs"]["x"]);
    const auto signs = test::load_matrix<std::int8_t>("rotation", entry["inputs"]["signs"]);
    const auto y = test::load_matrix<float>("rotation", entry["outputs"]["x_rotated"]);
    const rotation t(Eigen::VectorXf(signs.cast<float>()));
    EXPECT_LE((change_inputs(t, x) - y).cwiseAbs().maxCoeff(), 1e-5f * y.cwiseAbs().maxCoeff());
  }
}

// Catches signs that another platform would draw otherwise. The words are those of Vigna's splitmix64.c.
TEST(rotation, signs_are_bits_of_splitmix64) {
  const Eigen::VectorXf signs = rotation(130).signs();
  const std::uint64_t words[] = {0xe220a8397b1dcdafu, 0x6e789e6aa1b965f4u, 0x06c45d188009454fu};
  for (index_t i = 0; i < signs.size(); ++i)
    EXPECT_EQ(signs(i), (words[i / 64] >> (i % 64) & 1u) != 0 ? -1.0f : 1.0f) << i;
  EXPECT_NE(rotation(130, {.seed = 1}).signs(), signs);
}

// Catches an inverse that is none, a ragged block that is left as it was, and inputs that leave their block.
TEST(rotation, is_orthogonal_and_undone) {
  struct expected_blocks {
    index_t inputs, asked;
    std::vector<index_t> found;
  };
  for (const auto& [n, asked, found] : {expected_blocks{1, 0, {1}},
                                        {96, 0, {96}},
                                        {88, 88, {88}},
                                        {64, 32, {32, 32}},
                                        {35, 0, {1}},
                                        {50, 0, {2}},
                                        {200, 64, {64, 64, 64, 8}},
                                        {99, 32, {32, 32, 32, 2, 1}},
                                        {27, 128, {24, 2, 1}}}) {
    SCOPED_TRACE(std::to_string(n) + " by " + std::to_string(asked));
    const rotation t(n, {.seed = 5, .block = asked});
    EXPECT_EQ(t.block(), asked == 0 ? found.front() : asked);
    const Eigen::MatrixXd q = matrix_of(t);
    EXPECT_LE((q * q.transpose() - Eigen::MatrixXd::Identity(n, n)).cwiseAbs().maxCoeff(), 1e-13);
    Eigen::MatrixXd back = q.transpose();  // rows w of T^T, w T = e
    Eigen::Matrix<double, -1, -1, Eigen::RowMajor> rows = back;
    for (index_t r = 0; r < n; ++r)
      t.restore_weights(std::span(rows.row(r).data(), static_cast<std::size_t>(n)));
    EXPECT_LE((rows - Eigen::MatrixXd::Identity(n, n)).cwiseAbs().maxCoeff(), 1e-13);
    // every entry of a block has the same magnitude, every other is 0
    index_t at = 0;
    for (std::size_t b = 0; at < n; ++b) {
      const index_t size = found[std::min(b, found.size() - 1)];
      Eigen::MatrixXd magnitudes = q.middleRows(at, size).cwiseAbs();
      magnitudes.middleCols(at, size).array() -= 1 / std::sqrt(static_cast<double>(size));
      EXPECT_LE(magnitudes.cwiseAbs().maxCoeff(), 1e-14) << at;
      at += size;
    }
  }
}

// Catches a block that is quietly taken for another.
TEST(rotation, refuses_what_cannot_be) {
  EXPECT_EQ(rotation(11000).block(), 88);
  EXPECT_EQ(rotation(11008).block(), 11008);
  EXPECT_THROW(rotation(11000, {.block = 11000}), shape_error);
  EXPECT_THROW(rotation(64, {.block = 48 + 3}), shape_error);
  EXPECT_THROW(rotation(64, {.block = -1}), shape_error);
  EXPECT_EQ(test::message_of<shape_error>([] { rotation t(0); }),
            "rotation: expected at least 1 input, found 0");
  EXPECT_EQ(test::message_of<shape_error>([] { rotation t{Eigen::VectorXf()}; }),
            "rotation: expected at least 1 input, found 0");
  EXPECT_EQ(test::message_of<data_error>([] { rotation t(Eigen::Vector2f(1, 0.5f)); }),
            "rotation: sign of input 1: expected 1 or -1, found 0.5");
}

// Catches a sample that reaches into another, and rows that are not those of the copying function.
TEST(rotation, changes_each_sample_apart) {
  const rotation t(96, {.seed = 2});
  row_matrix x = test::normal_matrix<row_matrix>(19, 96, 1);
  const row_matrix before = change_inputs(t, x);
  x(3, 5) = std::numeric_limits<float>::quiet_NaN();
  change_inputs_in_place(t, x);
  for (index_t r = 0; r < x.rows(); ++r) EXPECT_TRUE(r == 3 || x.row(r) == before.row(r)) << r;
  EXPECT_TRUE(x.row(3).array().isNaN().all());
  EXPECT_EQ(change_inputs(t, row_matrix(0, 96)).rows(), 0);
  row_matrix wrong(2, 95);
  EXPECT_EQ(test::message_of<shape_error>([&] { change_inputs_in_place(t, wrong); }),
            "transform: samples: expected rows of 96 inputs, found 95");
}

double relative(const Eigen::MatrixXf& found, const Eigen::MatrixXf& expected) {
  return static_cast<double>((found - expected).norm() / expected.norm());
}

// Catches a rotation that spreads nothing: outlier channels set the scale of their sample, and few values of four
// bits are left to the others.
TEST(rotation, spreads_outliers) {
  const auto codes = [](const row_matrix& m) { return quantize(m, symmetric<4>{}); };
  for (const index_t n : {256, 344, 1024}) {
    const row_matrix w = test::normal_matrix<row_matrix>(64, n, 3), x = outlier_samples(128, n, 4);
    const transformed t(w, rotation(n, {.seed = 1}));
    const row_matrix spread = t.inputs(x);
    EXPECT_LE(relative(codes(spread).dequantize(), spread), 0.35 * relative(codes(x).dequantize(), x)) << n;
    EXPECT_LE(measure_output_error(t.weights(), codes(t.weights()), spread, codes(spread)).relative(),
              0.35 * measure_output_error(w, codes(w), x, codes(x)).relative())
        << n;
  }
}

// Catches a side that is forgotten, undone in the wrong order, or a Hessian of other inputs.
TEST(rotate, keeps_products_on_each_side) {
  const row_matrix w = test::normal_matrix<row_matrix>(24, 40, 1),
                   x = test::normal_matrix<row_matrix>(7, 40, 2);
  const Eigen::MatrixXf y = x * w.transpose();
  for (const auto sides : {rotated_sides::inputs, rotated_sides::outputs, rotated_sides::both}) {
    const rotated r = rotate(w, {.seed = 9, .sides = sides});
    EXPECT_EQ(r.input_rotation().has_value(), sides != rotated_sides::outputs);
    EXPECT_EQ(r.output_rotation().has_value(), sides != rotated_sides::inputs);
    EXPECT_GT((r.weights() - w).norm(), 1.0f);
    EXPECT_LE(relative(r.outputs(r.inputs(x) * r.weights().transpose()), y), 1e-6);
    EXPECT_LE(relative(r.restore(r.weights()), w), 1e-6);
    hessian h(40), changed(40);
    h.accumulate(x);
    changed.accumulate(r.inputs(x));
    EXPECT_LE((r.hessian_of(h).matrix() - changed.matrix()).norm(), 1e-5 * h.matrix().norm());
    EXPECT_THROW(r.inputs(y), shape_error);
    EXPECT_THROW(r.outputs(x), shape_error);
    EXPECT_THROW(r.restore(x), shape_error);
  }
}

// Catches a rotation of one side alone where both are asked for: a single large weight is spread over all.
TEST(rotate, leaves_no_large_weight) {
  row_matrix w = row_matrix::Zero(64, 256);
  w(3, 77) = 128;  // sqrt(64 * 256)
  EXPECT_TRUE(rotate(w).weights().cwiseAbs().isOnes(1e-5f));
}

}  // namespace
