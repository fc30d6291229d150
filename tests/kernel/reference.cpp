#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/kernel/reference.hpp>
#include <bitgauge/matrix/quantize.hpp>

#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <utility>
#include <vector>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

// Catches a product with another row, group or zero point than the matrix's: W x with W as dequantized,
// summed in double, is known to half an ulp.
TEST(reference, is_the_product_of_the_dequantized_matrix) {
  const Eigen::MatrixXf w = test::random_matrix(19, 37, 1), x = test::random_matrix(37, 5, 2);
  for (const integer_grid& grid : {make_affine(4), make_symmetric(8), make_symmetric(1), make_affine(3)})
    for (const granularity groups : {granularity(per_tensor{}), granularity(per_row{}),
                                     granularity(per_column{}), granularity(per_group{8})}) {
      const auto q = quantize(w, grid, groups);
      const Eigen::MatrixXd exact = q.dequantize().cast<double>() * x.cast<double>();
      const Eigen::MatrixXf y = reference_product(q, x);
      ASSERT_EQ(y.rows(), 19);
      ASSERT_EQ(y.cols(), 5);
      const double magnitude = (q.dequantize().cwiseAbs() * x.cwiseAbs()).maxCoeff();
      EXPECT_LE((y.cast<double>() - exact).cwiseAbs().maxCoeff(), magnitude * 0x1p-24);
      EXPECT_EQ(reference_product(q, x.col(2)), y.col(2));
    }
}

// Catches a result that is not a vector, inputs that are blocks or expressions, and outer products.
TEST(reference, vectors) {
  const Eigen::MatrixXf w = test::random_matrix(6, 9, 3);
  const auto q = quantize(w, affine<8>{});
  const Eigen::VectorXf x = Eigen::VectorXf::Ones(9), y = reference_product(q, x);
  EXPECT_EQ(reference_product(q, Eigen::VectorXf::Ones(9)), y);
  EXPECT_EQ(reference_product(q, 2 * x - x), y);
  EXPECT_EQ(reference_product(q, x.cast<double>()), y);
  const auto column = quantize(Eigen::VectorXf(w.col(0)), affine<8>{});
  const Eigen::MatrixXf outer = reference_product(column, Eigen::RowVectorXf{{1, -2}});
  EXPECT_EQ(outer.col(0), column.dequantize());
  EXPECT_EQ(outer.col(1), -2 * column.dequantize());
  EXPECT_EQ(reference_product(quantize(Eigen::MatrixXf(0, 9)), x).size(), 0);
  EXPECT_EQ(reference_product(quantize(Eigen::MatrixXf(3, 0)), Eigen::VectorXf(0)), Eigen::VectorXf::Zero(3));
}

TEST(reference, shapes_must_agree) {
  const auto q = quantize(Eigen::MatrixXf::Ones(6, 9), affine<8>{});
  EXPECT_EQ(test::message_of<shape_error>(
                [&] { static_cast<void>(reference_product(q, Eigen::VectorXf::Ones(6))); }),
            "product of 6 x 9 quantized weights: expected 9 rows of input, found 6");
}

// Catches a product of ggml blocks that is not that of their values: by the definition, in double.
TEST(reference, multiplies_blocks_of_ggml) {
  std::vector<std::byte> bytes(3 * 2 * 34);
  for (std::size_t i = 0; i < bytes.size(); ++i)  // a scale of 1.5, 1.25, ... in each block, and codes
    bytes[i] = static_cast<std::byte>(i % 34 == 0 ? 0 : i % 34 == 1 ? 0x3c + i / 34 % 2 : 37 * i % 251);
  const bitgauge::gguf::block_matrix w(bitgauge::gguf::tensor_type::q8_0, 3, 64, std::move(bytes));
  const Eigen::MatrixXf values = w.dequantize(), x = Eigen::MatrixXf::Random(64, 2);
  const Eigen::MatrixXd expected = values.cast<double>() * x.cast<double>();
  EXPECT_LE((reference_product(w, x) - expected.cast<float>()).cwiseAbs().maxCoeff(),
            1e-5f * expected.cwiseAbs().maxCoeff());
  EXPECT_EQ(reference_product(w, x).col(1), reference_product(w, x.col(1)));
  EXPECT_EQ(test::message_of<bitgauge::shape_error>(
                [&] { static_cast<void>(reference_product(w, x.topRows(63))); }),
            "product of 3 x 64 quantized weights: expected 64 rows of input, found 63");
}

}  // namespace
