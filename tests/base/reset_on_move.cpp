#include <bitgauge/base/reset_on_move.hpp>
#include <bitgauge/bitsandbytes/tensor_4bit.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

// What has been moved from is empty, and may be looked at, copied and assigned to.
namespace {

using namespace bitgauge;
using bitgauge::index_t;

/// 2 x 3 codes of 4 bits with zero points, in groups of 2: 4 groups.
quantized_matrix full() {
  scale_array scales(scale_type::f16, 4);
  for (index_t g = 0; g < 4; ++g) scales.set(g, 0.5f);
  return {grouping(per_group{2}, 2, 3), code_encoding{.bits = 4, .has_zero_points = true},
          std::vector<std::uint8_t>{0x21, 0x03, 0x40, 0x0f}, scales, std::vector<std::uint8_t>{0x21, 0x43}};
}

void expect_empty(const quantized_matrix& q) {
  EXPECT_EQ(q.rows(), 0);
  EXPECT_EQ(q.cols(), 0);
  EXPECT_EQ(q.groups().count(), 0);
  EXPECT_EQ(q.scales().size(), 0);
  EXPECT_EQ(q.storage_bytes(), 0);
  EXPECT_EQ(q.bits_per_weight(), 0);
  EXPECT_EQ(q.dequantize().size(), 0);
  EXPECT_EQ(q, quantized_matrix());
  EXPECT_EQ(test::message_of<shape_error>([&] { static_cast<void>(q.code(0, 0)); }),
            "code(0, 0) of a matrix of 0 x 0");
  EXPECT_EQ(test::message_of<shape_error>([&] { static_cast<void>(q.scale(0)); }),
            "scale(0) of a matrix of 0 groups");
  EXPECT_EQ(test::message_of<shape_error>([&] { static_cast<void>(q.zero_point(0)); }),
            "zero_point(0) of a matrix of 0 groups");
  float out[3];
  EXPECT_EQ(test::message_of<shape_error>([&] { q.dequantize_row(0, out); }),
            "dequantize_row(0) of 0 stored rows");
}

// Catches a matrix that keeps its shape while its codes have gone: a bounds check that passes, then a crash.
TEST(reset_on_move, quantized_matrix) {
  quantized_matrix first = full();
  quantized_matrix second = std::move(first);
  EXPECT_EQ(second, full());
  expect_empty(first);
  first = std::move(second);
  EXPECT_EQ(first, full());
  expect_empty(second);
  second = first;
  EXPECT_EQ(second, full());
  scale_array from(scale_type::f32, 3), to = std::move(from);
  EXPECT_EQ(to.size(), 3);
  EXPECT_EQ(from.size(), 0);
}

// Catches an accessor that reads beyond the last group or row.
TEST(reset_on_move, groups_and_rows_are_looked_up_within_the_matrix) {
  const quantized_matrix q = full();
  EXPECT_EQ(q.zero_point(3), 4);
  EXPECT_THROW(static_cast<void>(q.scale(4)), shape_error);
  EXPECT_THROW(static_cast<void>(q.zero_point(-1)), shape_error);
  float out[3];
  EXPECT_THROW(q.dequantize_row(2, out), shape_error);
}

// Catches other owners that keep their shape: ggml blocks, bitsandbytes' tensors, a Hessian's samples.
TEST(reset_on_move, other_owners) {
  gguf::block_matrix blocks(gguf::tensor_type::q8_0, 2, 32, std::vector<std::byte>(68));
  const gguf::block_matrix taken = std::move(blocks);
  EXPECT_EQ(taken.rows(), 2);
  EXPECT_EQ(blocks.rows(), 0);
  EXPECT_EQ(blocks.cols(), 0);
  EXPECT_EQ(blocks.row_bytes(), 0);
  EXPECT_EQ(blocks.dequantize().size(), 0);
  float out[32];
  EXPECT_EQ(test::message_of<shape_error>([&] { blocks.dequantize_row(0, out); }),
            "dequantize_row(0) of 0 rows");

  auto tensor = bitsandbytes::quantize_4bit(Eigen::MatrixXf::Ones(3, 5));
  const auto tensor_taken = std::move(tensor);
  EXPECT_EQ(tensor_taken.rows, 3);
  EXPECT_EQ(tensor_taken.size(), 15);
  EXPECT_EQ(tensor.size(), 0);
  EXPECT_EQ(bitsandbytes::dequantize(tensor).size(), 0);

  hessian h(3);
  h.accumulate(Eigen::MatrixXf::Ones(2, 3));
  const hessian h_taken = std::move(h);
  EXPECT_EQ(h_taken.samples(), 2);
  EXPECT_EQ(h.samples(), 0);
  EXPECT_EQ(h.inputs(), 0);
}

}  // namespace
