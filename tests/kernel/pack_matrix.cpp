#include <bitgauge/grid/lookup.hpp>
#include <bitgauge/kernel/packed_weights.hpp>
#include <bitgauge/kernel/row_product.hpp>
#include <bitgauge/matrix/quantize.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

// Catches a table of another row, a scale without the table's unit, and a loss beyond the one that is stated: 127ths
// of the largest level, none at all where levels are 127ths.
TEST(pack_matrix, levels_by_row_become_codes_of_8_bits) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  const auto draw = [&] { return normal(random); };
  Eigen::MatrixXf w = Eigen::MatrixXf::NullaryExpr(37, 75, draw);
  w.row(3).setZero();
  w.row(5) *= 1000;
  const Eigen::MatrixXf x = Eigen::MatrixXf::NullaryExpr(75, 3, draw);
  for (const granularity groups :
       {granularity(per_row{}), granularity(per_group{16}), granularity(per_column{})})
    for (const level_type type : {level_type::f16, level_type::int8}) {
      const quantized_matrix q = quantize(w, lookup<3>{type}, groups);
      const Eigen::MatrixXf y = q.dequantize() * x;
      EXPECT_LT((q * x - y).norm(), 1e-6f * y.norm());
      const Eigen::MatrixXf packed = packed_weights(q) * x;
      for (index_t r = 0; r < w.rows(); ++r) {
        const float* levels = q.encoding().levels_of(r);
        const auto greater = [](float a, float b) { return std::fabs(a) < std::fabs(b); };
        const float most = std::fabs(*std::max_element(levels, levels + 8, greater));
        const float off = type == level_type::int8 ? 0 : most / 254;
        for (index_t s = 0; s < x.cols(); ++s) {
          float bound = 0;
          for (index_t c = 0; c < w.cols(); ++c)
            bound += (off + 1e-5f * most) * q.scale(q.groups().group_of(r, c)) * std::fabs(x(c, s));
          EXPECT_LE(std::fabs(packed(r, s) - y(r, s)), bound) << "row " << r;
        }
      }
    }
  const Eigen::VectorXf column = Eigen::VectorXf::NullaryExpr(20, draw);
  const auto q = quantize(column, lookup<3>{level_type::int8});
  const Eigen::MatrixXf one = Eigen::MatrixXf::Constant(1, 1, 2);
  EXPECT_LT((packed_weights(q) * one - 2 * q.dequantize()).norm(), 1e-5f * column.norm());
}

}  // namespace
