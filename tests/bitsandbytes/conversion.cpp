#include <bitgauge/bitsandbytes/conversion.hpp>
#include <bitgauge/matrix/quantize.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <random>

namespace {

using namespace bitgauge;

Eigen::MatrixXf drawn(bitgauge::index_t rows, bitgauge::index_t cols) {
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  return Eigen::MatrixXf::NullaryExpr(rows, cols, [&] { return normal(random); });
}

// Catches codes in the wrong nibble, rows that begin at another byte, and scales attached to another block:
// either way of quantizing gives the other's bytes, since both choose codes by the same rule.
TEST(conversion, quantizing_either_way_gives_the_same_bytes) {
  const auto expect_same = [](const auto& grid, bitsandbytes::quant_type type, bitgauge::index_t rows,
                              bitgauge::index_t cols, bitgauge::index_t block) {
    const Eigen::MatrixXf w = drawn(rows, cols);
    const auto tensor = bitsandbytes::quantize_4bit(w, {.type = type, .block_size = block});
    const auto q = quantize(w, grid, per_block{block});
    EXPECT_EQ(bitsandbytes::to_quantized_matrix(tensor), q) << rows << " x " << cols;
    EXPECT_EQ(bitsandbytes::to_bitsandbytes(q), tensor) << rows << " x " << cols;
  };
  for (const auto& [rows, cols, block] : {std::array<bitgauge::index_t, 3>{8, 128, 64},
                                          {5, 33, 11},
                                          {4, 7, 7},
                                          {3, 6, 2},
                                          {1, 128, 64},
                                          {0, 64, 32}}) {
    expect_same(nf4{}, bitsandbytes::quant_type::nf4, rows, cols, block);
    expect_same(fp4{}, bitsandbytes::quant_type::fp4, rows, cols, block);
  }
}

// Catches a nested scale read with another offset, absmax or block.
TEST(conversion, nested_scales_keep_their_numbers) {
  const Eigen::MatrixXf w = drawn(6, 192);
  const auto tensor =
      bitsandbytes::quantize_4bit(w, {.block_size = 64, .nested = true, .nested_block_size = 5});
  const auto q = bitsandbytes::to_quantized_matrix(tensor);
  EXPECT_EQ(q.dequantize(), bitsandbytes::dequantize(tensor));
  EXPECT_EQ(bitsandbytes::to_bitsandbytes(q), tensor);
  const auto ours = quantize(w, nf4{}, per_block{32}, double_quantized{7});
  const auto back = bitsandbytes::to_bitsandbytes(ours);
  EXPECT_EQ(bitsandbytes::dequantize(back), ours.dequantize());
  EXPECT_EQ(bitsandbytes::to_quantized_matrix(back), ours);
}

// Catches a short last block of a single row, a whole row as a block, and scales of other types.
TEST(conversion, single_rows_and_other_scales_keep_their_values) {
  for (const bitgauge::index_t cols : {63, 64, 65, 100}) {
    const auto q = quantize(drawn(1, cols), nf4{}, per_block{32});
    EXPECT_EQ(bitsandbytes::dequantize(bitsandbytes::to_bitsandbytes(q)), q.dequantize());
    EXPECT_EQ(bitsandbytes::to_quantized_matrix(bitsandbytes::to_bitsandbytes(q)), q);
  }
  for (const scale_storage& storage : {f16_scales, scale_storage(double_quantized{4, scale_type::affine8})}) {
    const auto q = quantize(drawn(4, 96), fp4{}, per_row{}, storage);
    EXPECT_EQ(bitsandbytes::dequantize(bitsandbytes::to_bitsandbytes(q)), q.dequantize());
  }
}

// Catches a matrix that bitsandbytes cannot hold being written as another.
TEST(conversion, refuses_what_the_other_cannot_hold) {
  const auto message = [](const auto&... answers) {
    const auto q = quantize(drawn(2, 48), answers...);
    return test::message_of<invalid_scheme>([&] { bitsandbytes::to_bitsandbytes(q); });
  };
  EXPECT_EQ(message(symmetric<4>{}), "to_bitsandbytes: expected the grid nf4 or fp4, found another");
  EXPECT_EQ(message(nf4{}, per_tensor{}),
            "to_bitsandbytes: expected groups within rows, found groups that span rows");
  const std::string ragged =
      "bitsandbytes blocks of 32: expected rows of a multiple of that many elements, found 48";
  EXPECT_EQ(test::message_of<shape_error>(
                [] { bitsandbytes::to_bitsandbytes(quantize(drawn(2, 48), nf4{}, per_block{32})); }),
            ragged);
  EXPECT_EQ(
      test::message_of<shape_error>([] {
        bitsandbytes::to_quantized_matrix(bitsandbytes::quantize_4bit(drawn(2, 48), {.block_size = 32}));
      }),
      ragged);
}

}  // namespace
