#include <bitgauge/io/bytes/tensor_view.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {

namespace io = bitgauge::io;

io::tensor_view view(const std::vector<std::uint64_t>& shape, const std::string& bytes,
                     io::storage_order order = io::storage_order::row_major) {
  return {"w", io::dtype::i8, shape, test::bytes_of(bytes), order};
}

// Catches a copy that transposes, for either order of the tensor and of the matrix.
TEST(to_matrix, keeps_rows_and_columns) {
  using row_major = Eigen::Matrix<float, 2, 3, Eigen::RowMajor>;
  Eigen::Matrix<float, 2, 3> expected;
  expected << 1, 2, 3, 4, 5, 6;
  const std::string by_rows = "\1\2\3\4\5\6", by_columns = "\1\4\2\5\3\6";
  const auto column_order = io::storage_order::column_major;
  EXPECT_EQ(io::to_matrix<Eigen::MatrixXf>(view({2, 3}, by_rows)), expected);
  EXPECT_EQ(io::to_matrix<row_major>(view({2, 3}, by_rows)), expected);
  EXPECT_EQ(io::to_matrix<Eigen::MatrixXf>(view({2, 3}, by_columns, column_order)), expected);
  EXPECT_EQ(io::to_matrix<row_major>(view({2, 3}, by_columns, column_order)), expected);
}

// Catches an order that only holds for two dimensions. The oracle counts the stored place of each element.
TEST(row_major_bytes, turns_any_number_of_dimensions) {
  std::string stored(24, '\0'), expected;
  for (int i = 0, at = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 4; ++k, ++at) {
        stored[static_cast<std::size_t>(i + 2 * (j + 3 * k))] = static_cast<char>(at);
        expected += static_cast<char>(at);
      }
  const auto turned = io::row_major_bytes(view({2, 3, 4}, stored, io::storage_order::column_major));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(turned.data()), turned.size()), expected);
  EXPECT_EQ(io::row_major_bytes(view({0, 3}, "", io::storage_order::column_major)).size(), 0u);
}

// Catches a loop over the rows of a matrix that has no elements: with 2^40 of them it would not end.
TEST(to_matrix, is_quick_where_there_is_nothing) {
  constexpr std::uint64_t many = std::uint64_t{1} << 40;
  EXPECT_EQ(io::to_matrix<Eigen::MatrixXf>(view({0, many}, "")).cols(), Eigen::Index{1} << 40);
  EXPECT_EQ(io::to_matrix<Eigen::MatrixXf>(view({many, 0}, "")).rows(), Eigen::Index{1} << 40);
  int calls = 0;
  io::write_elements(Eigen::MatrixXf(Eigen::Index{1} << 40, 0), [&](std::span<const std::byte>) { ++calls; });
  EXPECT_EQ(calls, 0);
}

// Catches a read beyond a view that was put together by hand.
TEST(to_matrix, compares_shape_and_data) {
  EXPECT_EQ(test::failure_of<bitgauge::shape_error>([] {
              io::to_matrix<Eigen::MatrixXf>(view({2, 3}, "12345"));
            }),
            "w: its shape needs 6 elements, found 5");
  EXPECT_EQ(test::failure_of<bitgauge::shape_error>([] {
              io::to_matrix<Eigen::MatrixXf>(view({~0ull, 0}, ""));
            }),
            "w: rows: expected at most 2^63 - 1, found 18446744073709551615");
}

// Catches an order other than row by row, a lost last piece, and an expression that is not evaluated.
TEST(write_elements, goes_row_by_row_in_pieces) {
  const Eigen::MatrixXi matrix = Eigen::MatrixXi::Random(100, 97) / 4;
  std::string bytes;
  int pieces = 0;
  io::write_elements(matrix.transpose() + matrix.transpose(), [&](std::span<const std::byte> piece) {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    ++pieces;
  });
  EXPECT_EQ(pieces, 3);
  std::string expected;
  for (int row = 0; row < 97; ++row) {
    for (int col = 0; col < 100; ++col) {
      expected += test::little_endian(static_cast<int>(2u * static_cast<unsigned>(matrix(col, row))));
    }
  }
  EXPECT_TRUE(bytes == expected);
}

}  // namespace
