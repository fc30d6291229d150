#include <bitgauge/model/tensors/matrix_shape.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace bitgauge {
namespace {

using shape = std::vector<std::uint64_t>;
using sides = std::pair<index_t, index_t>;

// Catches another rule than the one stated: all dimensions but the last are rows where the last has 32 or
// more, else the first.
TEST(matrix_shape, takes_narrow_last_dimensions_for_kernels) {
  EXPECT_EQ(matrix_shape("w", shape{}), sides(1, 1));
  EXPECT_EQ(matrix_shape("w", shape{7}), sides(1, 7));
  EXPECT_EQ(matrix_shape("w", shape{7, 3}), sides(7, 3));
  EXPECT_EQ(matrix_shape("w", shape{4, 6, 32}), sides(24, 32));
  EXPECT_EQ(matrix_shape("w", shape{4, 6, 31}), sides(4, 186));
  EXPECT_EQ(matrix_shape("w", shape{64, 32, 3, 3}), sides(64, 288));
  EXPECT_EQ(matrix_shape("w", shape{2, 3, 4, 64}), sides(24, 64));
  EXPECT_EQ(matrix_shape("w", shape{5, 0, 3}), sides(5, 0));
  EXPECT_EQ(matrix_shape("w", shape{4, 6, 32}, row_dimensions::first), sides(4, 192));
  EXPECT_EQ(matrix_shape("w", shape{64, 32, 3, 3}, row_dimensions::all_but_last), sides(6144, 3));
}

// Catches experts counted where there are none: the dimensions before a plain matrix's two.
TEST(matrix_shape, counts_stacked_matrices) {
  const auto last = row_dimensions::all_but_last;
  EXPECT_EQ(stacked_matrices(shape{7}, last), 1);
  EXPECT_EQ(stacked_matrices(shape{7, 64}, last), 1);
  EXPECT_EQ(stacked_matrices(shape{5, 7, 64}, last), 5);
  EXPECT_EQ(stacked_matrices(shape{2, 5, 7, 64}, last), 10);
  EXPECT_EQ(stacked_matrices(shape{5, 7, 64}, row_dimensions::first), 1);
}

// Catches products that overflow unseen.
TEST(matrix_shape, refuses_what_57_bits_do_not_count) {
  constexpr std::uint64_t half = std::uint64_t{1} << 32;
  for (const shape& extents : {shape{half, half}, shape{half, half, half}, shape{half, half, 3}})
    EXPECT_EQ(test::message_of<shape_error>([&] { matrix_shape("f: tensor w", extents); }),
              "f: tensor w: its elements exceed 57 bits");
}

TEST(matrix_shape, names_are_read_back) {
  for (const row_dimensions how : {row_dimensions::first, row_dimensions::all_but_last}) {
    row_dimensions found{};
    EXPECT_TRUE(read_row_dimensions(name_of(how), found));
    EXPECT_EQ(found, how);
  }
  row_dimensions unchanged = row_dimensions::first;
  EXPECT_FALSE(read_row_dimensions("middle", unchanged));
}

}  // namespace
}  // namespace bitgauge
