#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/lookup.hpp>
#include <bitgauge/matrix/codes/from_codes.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/summary.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <sstream>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

double squared_error(const Eigen::MatrixXf& x, const Eigen::MatrixXf& back, const Eigen::VectorXf& weights) {
  return ((x - back).array().square().rowwise() * weights.transpose().array()).cast<double>().sum();
}

/// The least weighted error of a row over every way to give each element one of `levels` clusters.
double brute_force(const Eigen::RowVectorXf& x, const Eigen::VectorXf& weights, int levels) {
  double best = HUGE_VAL;
  std::vector<int> of(static_cast<std::size_t>(x.size()));
  for (;;) {
    double error = 0;
    for (int k = 0; k < levels; ++k) {
      double mass = 0, sum = 0, square = 0;
      for (index_t i = 0; i < x.size(); ++i)
        if (of[static_cast<std::size_t>(i)] == k) {
          const double w = weights(i), value = x(i);
          mass += w;
          sum += w * value;
          square += w * value * value;
        }
      if (mass > 0) error += square - sum * sum / mass;
    }
    best = std::min(best, error);
    std::size_t digit = 0;
    while (digit < of.size() && ++of[digit] == levels) of[digit++] = 0;
    if (digit == of.size()) return best;
  }
}

// Catches a local optimum, an importance that is not heard, ties and repeated values that upset the cut, rows that
// get the table of another row.
TEST(lookup, is_the_best_table_of_each_row) {
  std::mt19937 random(4);
  for (int trial = 0; trial < 20; ++trial) {
    const index_t cols = 1 + static_cast<index_t>(random() % 9);
    const Eigen::MatrixXf x =
        Eigen::MatrixXf::NullaryExpr(3, cols, [&] { return static_cast<float>(random() % 15) / 4 - 1; });
    const Eigen::VectorXf even = Eigen::VectorXf::Ones(cols);
    const Eigen::VectorXf weights =
        Eigen::VectorXf::NullaryExpr(cols, [&] { return static_cast<float>(1 + random() % 9); });
    const auto q = quantize(x, lookup<1>{level_type::f32});
    const auto p = quantize(x, lookup<1>{level_type::f32}, importance(weights));
    double least = 0, least_weighted = 0;
    for (index_t r = 0; r < 3; ++r) {
      least += brute_force(x.row(r), even, 2);
      least_weighted += brute_force(x.row(r), weights, 2);
    }
    EXPECT_NEAR(squared_error(x, q.dequantize(), even), least, 1e-5);
    EXPECT_NEAR(squared_error(x, p.dequantize(), weights), least_weighted, 1e-4);
  }
}

// Catches levels that are not the Lloyd-Max quantizer of normal rows (distortions .1175, .03454, .009497: Max, 1960),
// within what a row of 4096 gains by its own table; and a size that is not codes, a scale and 2^bits levels a row.
TEST(lookup, reaches_lloyd_and_max) {
  const Eigen::MatrixXf x = test::normal_matrix<Eigen::MatrixXf, std::mt19937_64>(24, 4096, 1);
  constexpr double distortion[] = {0.1175, 0.03454, 0.009497};
  for (int bits = 2; bits <= 4; ++bits) {
    const auto q = quantize(x, lookup_grid(bits));
    const double error = (x - q.dequantize()).squaredNorm() / x.squaredNorm();
    EXPECT_LT(error, 1.01 * distortion[bits - 2]);
    EXPECT_GT(error, 0.93 * distortion[bits - 2]);
    EXPECT_EQ(q.storage_bytes(), 24 * (4096 * bits / 8 + 4 + 2 * (1 << bits)));
    EXPECT_DOUBLE_EQ(q.bits_per_weight(), bits + (32 + 16 * (1 << bits)) / 4096.0);
    const auto bytes = quantize(x, lookup_grid(bits, level_type::int8));
    EXPECT_LT((x - bytes.dequantize()).squaredNorm() / x.squaredNorm(), 1.02 * distortion[bits - 2]);
  }
}

// Catches scales of groups that the fit does not weigh or that decoding leaves out: groups of very different size
// would be lost under one scale a row of int8 levels.
TEST(lookup, groups_share_the_table_of_their_row) {
  Eigen::MatrixXf x = test::normal_matrix<Eigen::MatrixXf, std::mt19937_64>(8, 512, 5);
  x.rightCols(256) *= 1000;
  const auto q = quantize(x, lookup<4>{level_type::int8}, per_group{64}, f16_scales);
  const auto whole = quantize(x, lookup<4>{level_type::int8});
  const auto left = [](const Eigen::MatrixXf& m) { return m.leftCols(256).eval(); };
  EXPECT_LT(left(x - q.dequantize()).squaredNorm(), 0.02f * left(x).squaredNorm());
  EXPECT_GT(left(x - whole.dequantize()).squaredNorm(), 0.5f * left(x).squaredNorm());
  for (index_t c = 0; c < 512; c += 37)
    EXPECT_EQ(q.dequantize()(3, c),
              q.scale(q.groups().group_of(3, c)) * q.encoding().levels_of(3)[q.code(3, c)]);
  std::ostringstream line;
  line << q;
  EXPECT_EQ(
      line.str(),
      "quantized_matrix 8 x 512: 16 levels a row, 4 bits, groups of 64, scales f16, 4.5 bits per weight");
}

// Catches what ends of the number range, rows without anything, few values and empty matrices do.
TEST(lookup, takes_every_row) {
  Eigen::MatrixXf x = Eigen::MatrixXf::Zero(5, 6);
  x.row(1) << 1, 1, 1, 2, 2, 2;
  x.row(2) << 3e38f, -3e38f, 1e38f, 0, 0, 2e38f;
  x.row(3) << 1e-38f, -1e-38f, 0, 0, 5e-39f, 0;
  x.row(4) << -0.0f, 0, -7, -7, -7, -7;
  const Eigen::MatrixXf back = quantize(x, lookup<3>{level_type::f32}).dequantize();
  for (index_t r = 0; r < 5; ++r)
    EXPECT_LE((x.row(r) - back.row(r)).cwiseAbs().maxCoeff(), 3e-7f * x.row(r).cwiseAbs().maxCoeff())
        << "row " << r;
  for (const auto& [rows, cols] : {std::pair<index_t, index_t>{0, 5}, {5, 0}, {0, 0}}) {
    const auto q = quantize(Eigen::MatrixXf(rows, cols), lookup<4>{});
    EXPECT_EQ(q.dequantize().rows(), rows);
  }
  const Eigen::VectorXf column = test::normal_matrix<Eigen::MatrixXf, std::mt19937_64>(30, 1, 2);
  EXPECT_LT((column - quantize(column, lookup<4>{}).dequantize<Eigen::VectorXf>()).norm(),
            0.1f * column.norm());
  x(4, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(test::message_of<data_error>([&] { quantize(x, lookup<4>{}); }).substr(0, 22),
            "row 4, column 1 is NaN");
  EXPECT_EQ(quantize(x, lookup<4>{}, options{.on_nonfinite = nonfinite::saturate}).rows(), 5);
}

// Catches parts that are not those of the whole, and codes or levels that depend on threads.
TEST(lookup, parts_and_threads_give_the_same) {
  const Eigen::MatrixXf x = test::normal_matrix<Eigen::MatrixXf, std::mt19937_64>(50, 70, 6);
  const auto q = quantize(x, lookup<3>{}, options{.threads = 1});
  EXPECT_EQ(quantize(x, lookup<3>{}, options{.threads = 3}), q);
  const matrix_parameters groups = quantize_in_parts(
      x,
      [&](index_t first, const quantized_matrix& part) {
        EXPECT_EQ(part.dequantize(), q.dequantize().middleRows(first, part.rows()));
      },
      lookup<3>{});
  EXPECT_EQ(groups.row_levels, q.encoding().levels);
}

// Catches combinations that would be wrong in silence.
TEST(lookup, refuses_error_feedback_and_foreign_parts) {
  const Eigen::MatrixXf x = test::normal_matrix<Eigen::MatrixXf, std::mt19937_64>(4, 16, 1);
  hessian h(16);
  h.accumulate(x);
  EXPECT_NE(test::message_of<invalid_scheme>([&] { quantize(x, lookup<4>{}, gptq(h)); }).find("(lookup)"),
            std::string::npos);
  const auto q = quantize(x, lookup<4>{});
  EXPECT_NE(
      test::message_of<invalid_scheme>([&] { from_codes(q.codes_as(), q.scales_as_matrix(), lookup<4>{}); }),
      "no error");
  code_encoding wrong = q.encoding();
  wrong.levels[20] = 0.1f;
  EXPECT_NE(test::message_of<data_error>([&] {
              quantized_matrix(q.groups(), wrong, q.codes(), q.scales(), {});
            }).find("levels of row 1: expected numbers of the type that they are stored as"),
            std::string::npos);
}

}  // namespace
