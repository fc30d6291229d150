#include <bitgauge/matrix/quantize.hpp>

#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

class row_sink : public testing::Test {
 protected:
  const Eigen::MatrixXf x = test::random_matrix(35, 21, 1);
  const quantized_matrix q = quantize(x, affine<8>{}, per_group{8});
  const Eigen::MatrixXf expected =
      test::quantize_by_definition(x, make_affine(8), per_group{8}, scale_type::f32).values;
};

// Catches rows written with another type's strides.
TEST_F(row_sink, plain_types) {
  EXPECT_EQ(q.dequantize(), expected);
  EXPECT_EQ((q.dequantize<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>()),
            expected);
  EXPECT_EQ((q.dequantize<Eigen::Matrix<float, 35, 21>>()), expected);
  EXPECT_EQ((q.dequantize<Eigen::Matrix<float, Eigen::Dynamic, 21>>()), expected);
  EXPECT_TRUE((q.dequantize<Eigen::ArrayXXf>() == expected.array()).all());
}

// Catches elements written outside of a block, or into the gaps of a strided map.
TEST_F(row_sink, blocks_and_maps) {
  const float guard = 123;
  Eigen::MatrixXf big = Eigen::MatrixXf::Constant(40, 30, guard), big_expected = big;
  q.dequantize_into(big.block(2, 4, 35, 21));
  big_expected.block(2, 4, 35, 21) = expected;
  EXPECT_EQ(big, big_expected);

  Eigen::ArrayXXf array = Eigen::ArrayXXf::Constant(40, 30, guard);
  q.dequantize_into(array.block(2, 4, 35, 21));
  EXPECT_TRUE((array == big_expected.array()).all());

  Eigen::MatrixXf transposed(21, 35);
  q.dequantize_into(transposed.transpose());
  EXPECT_EQ(transposed.transpose(), expected);

  using strides = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
  for (const index_t inner : {1, 2}) {
    std::vector<float> memory(4000, guard);
    Eigen::Map<Eigen::MatrixXf, 0, strides> columns(memory.data(), 35, 21, strides(35 * inner + 3, inner));
    q.dequantize_into(columns);
    EXPECT_EQ(columns, expected);
    EXPECT_EQ(std::count(memory.begin(), memory.end(), guard), 4000 - 35 * 21);
    std::fill(memory.begin(), memory.end(), guard);
    Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, 0, strides> rows(
        memory.data(), 35, 21, strides(21 * inner + 5, inner));
    q.dequantize_into(rows);
    EXPECT_EQ(rows, expected);
    EXPECT_EQ(std::count(memory.begin(), memory.end(), guard), 4000 - 35 * 21);
  }
}

// Catches panels that do not meet, and lines lost, where a large matrix is written past the caches: from memory at and
// beside cache lines, with columns of whole lines and of others.
TEST_F(row_sink, columns_past_the_caches) {
  const index_t rows = 1100, cols = 2001;
  const auto large = quantize(test::random_matrix(rows, cols, 2), symmetric<8>{});
  const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> by_rows = large.dequantize();
  for (const index_t stride : {rows + 4, rows + 5}) {
    for (const index_t shift : {0, 3}) {
      std::vector<float> memory(static_cast<std::size_t>(stride * cols + 32), 123);
      float* const first =
          memory.data() + 16 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64 / 4 + shift;
      Eigen::Map<Eigen::MatrixXf, 0, Eigen::OuterStride<>> columns(first, rows, cols,
                                                                   Eigen::OuterStride<>(stride));
      large.dequantize_into(columns, 2);
      EXPECT_EQ(columns, by_rows) << stride << " " << shift;
      EXPECT_EQ(std::count(memory.begin(), memory.end(), 123.0f), std::ssize(memory) - rows * cols);
    }
  }
}

// Catches a vector's direction that is lost on the way back.
TEST_F(row_sink, vectors) {
  const Eigen::VectorXf v = x.col(0);
  const auto column = quantize(v, symmetric<8>{});
  const Eigen::VectorXf back = column.dequantize<Eigen::VectorXf>();
  EXPECT_EQ(column.dequantize(), back);
  EXPECT_EQ((column.dequantize<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>()),
            back);
  Eigen::MatrixXf big = Eigen::MatrixXf::Zero(35, 3);
  column.dequantize_into(big.col(1));
  EXPECT_EQ(big.col(1), back);
  EXPECT_TRUE(big.col(0).isZero(0) && big.col(2).isZero(0));
  Eigen::MatrixXf lying = Eigen::MatrixXf::Zero(3, 35);
  column.dequantize_into(lying.row(2).transpose());
  EXPECT_EQ(lying.row(2).transpose(), back);
  EXPECT_EQ(quantize(v.transpose(), symmetric<8>{}).dequantize<Eigen::RowVectorXf>(), back.transpose());
}

// Catches a target of another shape that is resized, written in part or left to an assertion.
TEST_F(row_sink, shapes_must_agree) {
  Eigen::MatrixXf other(35, 22);
  EXPECT_EQ(test::message_of<shape_error>([&] { q.dequantize_into(other); }),
            "dequantize: expected a target of 35 x 21, found 35 x 22");
  EXPECT_EQ(test::message_of<shape_error>([&] { q.dequantize<Eigen::Matrix3f>(); }),
            "dequantize: expected a target of 35 x 21, found 3 x 3");
  EXPECT_THROW(q.dequantize<Eigen::VectorXf>(), shape_error);
  EXPECT_THROW((q.dequantize<Eigen::Matrix<float, 4, Eigen::Dynamic>>()), shape_error);
}

}  // namespace
