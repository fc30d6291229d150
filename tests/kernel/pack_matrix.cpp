#include <bitgauge/grid/lookup.hpp>
#include <bitgauge/kernel/packed_weights.hpp>
#include <bitgauge/kernel/row_product.hpp>
#include <bitgauge/matrix/quantize.hpp>

#include <gtest/gtest.h>

#include <random>

namespace {

using namespace bitgauge;

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
      for (Eigen::Index r = 0; r < w.rows(); ++r)
        EXPECT_LE((packed.row(r) - y.row(r)).norm(),
                  (type == level_type::int8 ? 2e-6f : 6e-3f) * w.row(r).norm() * x.norm() / 8)
            << "row " << r;
    }
  const Eigen::VectorXf column = Eigen::VectorXf::NullaryExpr(20, draw);
  const auto q = quantize(column, lookup<3>{level_type::int8});
  const Eigen::MatrixXf one = Eigen::MatrixXf::Constant(1, 1, 2);
  EXPECT_LT((packed_weights(q) * one - 2 * q.dequantize()).norm(), 1e-5f * column.norm());
}

}  // namespace
