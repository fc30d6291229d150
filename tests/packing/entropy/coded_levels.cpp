#include <bitgauge/error.hpp>
#include <bitgauge/packing/entropy/coded_levels.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <utility>
#include <vector>

namespace {

using namespace bitgauge;
using namespace bitgauge::packing;

/// A random walk: symbols are rounded Gaussians, wider from column to column; every 97th is far out, column 3 is empty.
level_matrix walk(index_t rows, index_t cols, const coded_shape& shape, double spread) {
  std::mt19937 random(static_cast<std::uint32_t>(rows * 31 + cols));
  const auto normal = [&] {  // the same everywhere: a sum of twelve
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random()) / 4294967296.0;
    return sum;
  };
  const trellis_code code(shape.states);
  level_matrix k(rows, cols);
  for (index_t j = 0; j < cols; ++j) {
    int state = 0;
    for (index_t i = 0; i < rows; ++i) {
      if (i % shape.tile_rows == 0) state = 0;
      const double width = spread * (1 + 3.0 * static_cast<double>(j) / static_cast<double>(cols));
      auto symbol = static_cast<std::int32_t>(std::lrint(normal() * width));
      if ((i * cols + j) % 97 == 96) symbol = std::clamp(symbol * 300, -16000, 16000);
      if (j == 3) symbol = 0;
      k(i, j) = code.level(state, symbol);
      state = code.next(state, symbol);
    }
  }
  return k;
}

level_matrix decoded(const coded_levels& coded) {
  level_decoder decoder(coded);
  const coded_shape& shape = coded.shape();
  level_matrix k(shape.rows, shape.cols);
  std::vector<std::int16_t> tile(
      static_cast<std::size_t>(std::min(shape.tile_rows, shape.rows) * shape.cols));
  for (index_t t = shape.tiles() - 1; t >= 0; --t) {  // in any order
    decoder.decode_tile(t, tile.data());
    const index_t first = t * shape.tile_rows, height = std::min(shape.tile_rows, shape.rows - first);
    for (index_t i = 0; i < height; ++i)
      for (index_t j = 0; j < shape.cols; ++j)
        k(first + i, j) = tile[static_cast<std::size_t>(i * shape.cols + j)];
  }
  return k;
}

// Catches a lane, a refill, an escape, a class or a tile that encoder and decoder, or two instruction sets, see otherwise.
TEST(coded_levels, decode_to_what_was_encoded) {
  for (const int states : {1, 8, 256})
    for (const auto& [rows, cols] :
         std::vector<std::pair<index_t, index_t>>{{1, 1}, {5, 40}, {70, 16}, {300, 33}}) {
      const coded_shape shape{.states = states, .tile_rows = 64};
      const level_matrix k = walk(rows, cols, shape, rows == 5 ? 0.0 : rows == 70 ? 20.0 : 1.5);
      level_classes rough;
      for (index_t i = 0; i < rows; ++i) rough.rows.push_back(static_cast<std::int8_t>(i % 3 - 1));
      for (const level_classes& classes : {level_classes{}, rough}) {
        const coded_levels coded = encode_levels(k, shape, classes);
        for (const auto set : simd::available()) {
          const simd::scoped_instruction_set use(set);
          ASSERT_EQ(decoded(coded), k)
              << states << " states, " << rows << " x " << cols << simd::name_of(set);
        }
      }
    }
}

// Catches columns in the order of their classes that are taken for neighbours as the first and the last are 15 apart.
TEST(coded_levels, sort_columns_by_class) {
  level_matrix k(200, 16);
  for (index_t i = 0; i < 200; ++i)
    for (index_t j = 0; j < 16; ++j)  // least levels in column 0, then in 2 to 14, 1 and 15
      k(i, j) = static_cast<std::int32_t>((i * 7 + j * 3) % 5 - 2) * (j == 0    ? 1
                                                                      : j == 1  ? 16
                                                                      : j == 15 ? 50
                                                                                : 4);
  EXPECT_EQ(decoded(encode_levels(k, {.states = 1})), k);
}

// Catches frequencies that are not those of the levels: the bound is their entropy, counted here.
TEST(coded_levels, take_half_a_percent_more_than_the_entropy) {
  const coded_shape shape{.states = 1};
  level_matrix k = walk(512, 256, shape, 2);
  for (index_t i = 0; i < k.size(); ++i) k.data()[i] = std::clamp(k.data()[i], -9, 9);
  k.col(3) = k.col(4);
  std::map<index_t, std::map<int, double>> counts;
  double entropy = 0;
  for (index_t j = 0; j < 256; ++j)  // of sixteen columns together: more than the coder's classes know
    for (index_t i = 0; i < 512; ++i) ++counts[j / 16][k(i, j)];
  for (const auto& [group, each] : counts)
    for (const auto& [level, n] : each) entropy -= n * std::log2(n / (512 * 16));
  const coded_levels coded = encode_levels(k, shape);
  const double side = static_cast<double>(coded.side_bytes()) + 2 * 64;  // and what two tiles begin with
  EXPECT_LE(8 * (static_cast<double>(coded.bytes().size()) - side), 1.005 * entropy);
  EXPECT_LE(8.0 * static_cast<double>(coded.side_bytes()) / (512 * 256), 0.02);
}

// Catches a platform's arithmetic in the bytes: they are these everywhere.
TEST(coded_levels, are_the_same_bytes_everywhere) {
  const coded_levels coded =
      encode_levels(walk(200, 40, {.states = 8, .tile_rows = 64}, 1.5), {.states = 8, .tile_rows = 64});
  std::uint32_t sum = 2166136261u;  // FNV-1a
  for (const std::uint8_t byte : coded.bytes()) sum = (sum ^ byte) * 16777619u;
  EXPECT_EQ(sum, 3126020793u);
}

// Catches a read beyond the end, a loop without one, and damage that goes unseen where it could be seen. Of bits flipped in
// a tile hardly one leaves sixteen numbers and the place of the last word as they must be.
TEST(coded_levels, refuse_damage) {
  const coded_shape shape{.states = 8, .tile_rows = 64};
  const coded_levels coded = encode_levels(walk(100, 20, shape, 1.5), shape);
  const std::vector<std::uint8_t> bytes(coded.bytes().begin(), coded.bytes().end());
  int refused = 0, damaged = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; bit += 3) {
      std::vector<std::uint8_t> other = bytes;
      other[i] = static_cast<std::uint8_t>(other[i] ^ 1u << bit);
      ++damaged;
      try {
        const coded_levels read(coded.shape(), other);
        const level_matrix k = decoded(read);
        ASSERT_LE(k.cwiseAbs().maxCoeff(), 32767);
      } catch (const data_error&) {
        ++refused;
      }
    }
  EXPECT_GE(refused, damaged * 95 / 100);
  for (std::size_t size = 0; size < bytes.size(); size += 7)
    EXPECT_THROW(decoded(coded_levels(coded.shape(),
                                      std::vector<std::uint8_t>(
                                          bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)))),
                 data_error);
}

// Catches levels that are stored though no decoder could follow them.
TEST(coded_levels, refuse_what_is_no_walk) {
  level_matrix k = level_matrix::Zero(4, 4);
  k(2, 1) = 1;  // the state is 0: even
  EXPECT_THROW(encode_levels(k, {.states = 8}), data_error);
  EXPECT_EQ(decoded(encode_levels(k, {.states = 1})), k);
  k(2, 1) = 32768;
  EXPECT_THROW(encode_levels(k, {.states = 1}), data_error);
}

}  // namespace
