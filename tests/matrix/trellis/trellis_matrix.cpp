#include <bitgauge/kernel/row_product.hpp>
#include <bitgauge/matrix/trellis/trellis_matrix.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>
#include <utility>
#include <vector>

namespace {

using namespace bitgauge;

trellis_codes some_codes(int largest) {
  trellis_codes codes;
  codes.states = 4;
  codes.tile_rows = 32;
  codes.unit = 0.375f;
  codes.codes.resize(70, 24);
  const trellis_code code(codes.states);
  for (index_t j = 0; j < 24; ++j) {
    codes.step_exponents.push_back(static_cast<std::int8_t>(j % 9 - 5));
    int state = 0;
    for (index_t i = 0; i < 70; ++i) {
      if (i % 32 == 0) state = 0;
      const auto symbol = static_cast<std::int32_t>((i * 7 + j * 5) % (largest + 1) - largest / 2);
      codes.codes(i, j) = code.level(state, symbol);
      state = code.next(state, symbol);
    }
  }
  return codes;
}

// Catches a step of another column, a tile of other rows and a row that is not that of the whole.
TEST(trellis_matrix, is_level_times_step) {
  const trellis_codes codes = some_codes(9);
  const trellis_matrix q(codes);
  const Eigen::MatrixXf all = q.dequantize();
  Eigen::VectorXf row(24);
  for (index_t i = 69; i >= 0; --i) {
    q.dequantize_row(i, row.data());
    for (index_t j = 0; j < 24; ++j) {
      const auto level = static_cast<float>(codes.codes(i, j));
      const auto step = static_cast<float>(0.375 * std::exp2(static_cast<double>(j % 9 - 5) / 8));
      EXPECT_FLOAT_EQ(all(i, j), level * step);
      EXPECT_EQ(all(i, j), row(j));
    }
  }
  EXPECT_EQ(q.dequantize<row_matrix>(2), all);
  std::ostringstream text;
  text << q;
  EXPECT_EQ(text.str().substr(0, 34), "trellis_matrix 70 x 24: 4 states, ");
}

// Catches bytes that are not counted, a part that is written but read otherwise, and room that changes what it fills up.
TEST(trellis_matrix, counts_and_reads_all_of_its_bytes) {
  const trellis_matrix q(some_codes(9)), roomy(some_codes(9), 2000);
  for (const trellis_matrix& each : {q, roomy}) {
    const std::vector<std::uint8_t> bytes = each.bytes();
    EXPECT_EQ(each.storage_bytes(), static_cast<index_t>(bytes.size()));
    EXPECT_EQ(trellis_matrix(70, 24, bytes), each);
    EXPECT_EQ(trellis_matrix(70, 24, bytes).bytes(), bytes);
  }
  EXPECT_EQ(roomy.storage_bytes(), 2000);
  EXPECT_DOUBLE_EQ(roomy.bits_per_weight(), 8.0 * 2000 / (70 * 24));
  EXPECT_EQ(roomy.dequantize(), q.dequantize());
}

// Catches a few bytes of a file that ask for more memory than there is.
TEST(trellis_matrix, refuses_shapes_and_damage) {
  std::vector<std::uint8_t> bytes = trellis_matrix(some_codes(9)).bytes();
  EXPECT_THROW(trellis_matrix(index_t{1} << 40, 24, bytes), data_error);
  EXPECT_THROW(trellis_matrix(70, index_t{1} << 40, bytes), data_error);
  EXPECT_THROW(trellis_matrix(0, index_t{1} << 40, bytes), data_error);
  EXPECT_THROW(trellis_matrix(71, 24, bytes), data_error);
  for (std::size_t i = 0; i < 40; ++i) {
    std::vector<std::uint8_t> other = bytes;
    other[i] = 0xff;
    try {
      EXPECT_TRUE(trellis_matrix(70, 24, other).dequantize().allFinite());
    } catch (const data_error&) {
    }
  }
}

// Catches a digit that is lost or of the wrong sign where levels take more than a byte, and a step that is not that of its
// digit: each product is rounded to a float, no more.
TEST(trellis_matrix, expands_large_levels_to_digits) {
  for (const auto& [largest, digits] : {std::pair(60, 1u), std::pair(400, 2u), std::pair(32700, 3u)}) {
    const trellis_matrix q(some_codes(largest));
    const std::vector<quantized_matrix> all = expand_digits(q, 1);
    ASSERT_EQ(all.size(), digits) << q.largest_level();
    Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(70, 24);
    for (const quantized_matrix& each : all) sum += each.dequantize().cast<double>();
    const Eigen::MatrixXd expected = q.dequantize().cast<double>();
    EXPECT_LE((sum - expected).cwiseAbs().maxCoeff(), 1e-7 * expected.cwiseAbs().maxCoeff()) << largest;
  }
}

// Catches a scale of another column, and levels that a byte does not hold.
TEST(trellis_matrix, expands_to_the_same_values) {
  const trellis_matrix q(some_codes(60));
  ASSERT_GT(q.largest_level(), 50);
  EXPECT_EQ(expand(q).dequantize(), q.dequantize());
  const trellis_matrix large(some_codes(400));
  EXPECT_THROW(expand(large), data_error);
  const Eigen::VectorXf x = Eigen::VectorXf::LinSpaced(24, -1, 2);
  EXPECT_LE((large * x - large.dequantize() * x).norm(), 1e-5f * (large.dequantize() * x).norm());
}

}  // namespace
