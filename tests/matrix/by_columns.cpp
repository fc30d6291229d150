#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/matrix/scheme/text.hpp>

#include "support/each_instruction_set.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

// A matrix that lies column after column takes another way than one that lies row after row, to the same bytes.
namespace {

using namespace bitgauge;
using bitgauge::index_t;

using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using strided_map = Eigen::Map<Eigen::MatrixXf, 0, Eigen::OuterStride<>>;

constexpr const char* schemes_by_columns[] = {
    "symmetric:bits=8",
    "affine:bits=8,group=100",
    "affine:bits=4,group=32",
    "symmetric:bits=3,full=1,group=5,scale=bf16",
    "affine:bits=5,group=1",
    "affine:bits=4,group=16,double=8",
    "affine:bits=6,group=tensor",
    "symmetric:bits=8,group=column",
    "affine:bits=4,group=column",
    "affine:bits=4,group=32,range=mse",
    "nf4:group=64",
};

/// A copy that begins in the middle of a cache line, with a gap behind each column.
struct strided_copy {
  std::vector<float> room;
  index_t rows, cols, stride;
  explicit strided_copy(const Eigen::MatrixXf& x, index_t gap)
      : room(static_cast<std::size_t>((x.rows() + gap) * x.cols() + 3), -1e30f),
        rows(x.rows()),
        cols(x.cols()),
        stride(x.rows() + gap) {
    map() = x;
  }
  strided_map map() { return {room.data() + 3, rows, cols, Eigen::OuterStride<>(stride)}; }
};

void expect_same_bytes(const Eigen::MatrixXf& x, index_t gap, const options& how) {
  const row_major rows = x;
  strided_copy columns(x, gap);
  for (const std::string text : schemes_by_columns) {
    SCOPED_TRACE(text + (" " + std::to_string(x.rows()) + " x " + std::to_string(x.cols())));
    const scheme s = parse_scheme(text);
    const quantized_matrix expected = quantize(rows, s, how);
    ASSERT_EQ(quantize(columns.map(), s, how), expected);
    row_major by_rows(x.rows(), x.cols());
    expected.dequantize_into(by_rows);
    strided_copy out(Eigen::MatrixXf::Zero(x.rows(), x.cols()), gap);
    expected.dequantize_into(out.map());
    const row_major by_columns = out.map();
    ASSERT_EQ(
        std::memcmp(by_rows.data(), by_columns.data(), sizeof(float) * static_cast<std::size_t>(x.size())),
        0);
    for (index_t c = 0; c < x.cols(); ++c)
      for (index_t r = x.rows(); r < out.stride; ++r)
        ASSERT_EQ(out.room[static_cast<std::size_t>(3 + c * out.stride + r)], -1e30f);
  }
}

}  // namespace

// Catches a panel, a tile or a tail of rows, columns or groups that is left out or gets its neighbour's parameters.
TEST(by_columns, bytes_are_those_by_rows) {
  test::on_each_instruction_set([] {
    for (const index_t rows : {1, 15, 63, 130, 300})
      for (const index_t cols : {2, 16, 100, 515}) {
        const auto seed = static_cast<unsigned>(rows * cols);
        expect_same_bytes(test::random_matrix(rows, cols, seed), cols % 3,
                          {.threads = 1 + static_cast<int>(cols % 2)});
      }
  });
}

// Catches values near the ends of binary32, where scales are found one by one, and signs of zeros.
TEST(by_columns, bytes_are_those_by_rows_at_the_ends_of_floats) {
  Eigen::MatrixXf x = test::random_matrix(80, 70, 5);
  x.row(3) *= 5e37f;
  x.row(9) *= 1e-42f;
  x.row(11).setZero();
  x.row(12).setConstant(-0.0f);
  expect_same_bytes(x, 1, {});
}

// Catches a value that is not finite and passes, or that changes the rows around it.
TEST(by_columns, bytes_are_those_by_rows_with_values_that_are_not_finite) {
  Eigen::MatrixXf x = test::random_matrix(140, 70, 6);
  x(100, 69) = std::numeric_limits<float>::quiet_NaN();
  x(64, 0) = -std::numeric_limits<float>::infinity();
  expect_same_bytes(x, 2, {.on_nonfinite = nonfinite::saturate});
}
