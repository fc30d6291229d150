#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/simd/columns.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/row.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace {

using bitgauge::index_t;
using bitgauge::simd::column_kernels;
using bitgauge::simd::column_panel;

std::size_t size(index_t n) {
  return static_cast<std::size_t>(n);
}

/// A matrix by columns with a gap behind each, and parameters for every run of every row.
struct column_case {
  index_t rows, cols, run, begun, stride, runs;
  std::vector<float> x;
  std::vector<float> inverse;
  std::vector<std::int32_t> zero_point;

  column_case(index_t r, index_t c, index_t of_run, index_t begun_before, bool shared, unsigned seed)
      : rows(r),
        cols(c),
        run(of_run),
        begun(begun_before),
        stride(r + 3),
        runs((begun_before + c + of_run - 1) / of_run) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    x.resize(size(stride * cols));
    for (float& v : x) v = normal(random);
    inverse.resize(size(runs * (shared ? 1 : rows)));
    zero_point.resize(inverse.size());
    for (float& v : inverse) v = 40 + 20 * normal(random);
    for (std::int32_t& v : zero_point) v = static_cast<std::int32_t>(random() % 31) - 15;
  }
  index_t parameter_stride() const { return inverse.size() == size(runs) && rows > 1 ? 0 : runs; }
  column_panel panel() const {
    return {.x = x.data(), .stride = stride, .rows = rows, .cols = cols, .begun = begun};
  }
  std::vector<float> row(index_t r) const {
    std::vector<float> all;
    for (index_t c = 0; c < cols; ++c) all.push_back(x[size(c * stride + r)]);
    return all;
  }
  std::size_t parameter(index_t r, index_t c) const {
    return size(r * parameter_stride() + (begun + c) / run);
  }
};

template <class Check>
void for_every_case(const Check& check) {
  unsigned seed = 0;
  for (const auto set : bitgauge::simd::available()) {
    const bitgauge::simd::scoped_instruction_set use(set);
    for (const index_t rows : {1, 7, 16, 33, 128, 145})
      for (const index_t cols : {1, 3, 4, 31, 65, 300})
        for (const index_t run : {1, 2, 5, 32, 64, 300}) {
          SCOPED_TRACE(std::string(name_of(set)) + " " + std::to_string(rows) + " x " + std::to_string(cols) +
                       " run " + std::to_string(run));
          check(rows, cols, std::min(run, cols), ++seed);
          if (testing::Test::HasFatalFailure()) return;
        }
  }
}

}  // namespace

// Catches a run that takes in its neighbour's column, the tail of rows or columns left out, and a zero with a sign.
TEST(columns, extents_are_those_of_every_row) {
  for_every_case([](index_t rows, index_t cols, index_t run, unsigned seed) {
    column_case m(rows, cols, run, 0, false, seed);
    m.x[0] = -0.0f;
    std::vector<float> low(size(rows * m.runs + 1), 7.0f), high = low;
    const std::uint32_t largest =
        column_kernels().column_extents(m.panel(), run, low.data(), high.data(), m.runs);
    std::uint32_t expected_largest = 0;
    for (index_t r = 0; r < rows; ++r) {
      const std::vector<float> row = m.row(r);
      std::vector<float> l(size(m.runs)), h(size(m.runs));
      expected_largest = std::max(
          expected_largest, bitgauge::simd::portable::extents(row.data(), cols, run, l.data(), h.data()));
      ASSERT_EQ(std::memcmp(l.data(), low.data() + r * m.runs, l.size() * 4), 0) << r;
      ASSERT_EQ(std::memcmp(h.data(), high.data() + r * m.runs, h.size() * 4), 0) << r;
    }
    ASSERT_EQ(largest, expected_largest);
    ASSERT_EQ(low.back(), 7.0f);
    m.x[size((cols - 1) * m.stride + rows - 1)] = std::numeric_limits<float>::quiet_NaN();
    ASSERT_GE(column_kernels().column_extents(m.panel(), run, low.data(), high.data(), m.runs),
              bitgauge::numeric::infinity_bits);
  });
}

// Catches codes of other parameters where a run ends among four columns, or begins before the first, and bytes written
// beside a row's.
TEST(columns, codes_are_those_of_every_row) {
  for_every_case([](index_t rows, index_t cols, index_t run, unsigned seed) {
    const column_case m(rows, cols, run, seed % 3 == 0 ? run / 2 : 0, seed % 2 == 0, seed);
    const index_t row_stride = seed % 5 == 0 ? (cols + 63) / 64 * 64 : cols + 1;
    std::vector<std::uint8_t> room(size(rows * row_stride + 64), 77);
    std::uint8_t* const codes = room.data() + (64 - reinterpret_cast<std::uintptr_t>(room.data()) % 64) % 64;
    column_kernels().encode_columns(m.panel(), run, m.inverse.data(), m.zero_point.data(),
                                    m.parameter_stride(), -128, 127, codes, row_stride, seed % 5 == 0);
    bitgauge::simd::finish_stores();
    for (index_t r = 0; r < rows; ++r) {
      for (index_t c = 0; c < cols; ++c) {
        const std::size_t p = m.parameter(r, c);
        const auto low = static_cast<float>(-128 - m.zero_point[p]),
                   high = static_cast<float>(127 - m.zero_point[p]);
        const float steps = std::nearbyint(std::clamp(m.x[size(c * m.stride + r)] * m.inverse[p], low, high));
        ASSERT_EQ(codes[r * row_stride + c],
                  static_cast<std::uint8_t>(static_cast<int>(steps) + m.zero_point[p]))
            << r << " " << c;
      }
      for (index_t c = cols; c < row_stride; ++c) ASSERT_EQ(codes[r * row_stride + c], 77) << r << " " << c;
    }
  });
}

// Catches a byte of four taken for its neighbour, a sign that is lost, and floats written below a column's.
TEST(columns, floats_are_those_of_every_row) {
  for_every_case([](index_t rows, index_t cols, index_t run, unsigned seed) {
    const column_case m(rows, cols, run, seed % 3 == 0 ? run / 2 : 0, seed % 2 == 0, seed);
    const bool is_signed = seed % 4 < 2;
    const index_t row_stride = cols + 2, column_stride = seed % 5 == 0 ? (rows + 15) / 16 * 16 : rows + 1;
    std::mt19937 random(seed);
    std::vector<std::uint8_t> codes(size(rows * row_stride));
    for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>(random());
    std::vector<float> room(size(cols * column_stride + 16), 99.5f);
    float* const out = room.data() + (64 - reinterpret_cast<std::uintptr_t>(room.data()) % 64) % 64 / 4;
    column_kernels().decode_columns(codes.data(), row_stride, rows, cols, m.begun, run, m.inverse.data(),
                                    m.zero_point.data(), m.parameter_stride(), is_signed, out, column_stride,
                                    seed % 5 == 0);
    bitgauge::simd::finish_stores();
    for (index_t c = 0; c < cols; ++c) {
      for (index_t r = 0; r < rows; ++r) {
        const std::uint8_t code = codes[size(r * row_stride + c)];
        const int value = is_signed ? static_cast<std::int8_t>(code) : code;
        const std::size_t p = m.parameter(r, c);
        ASSERT_EQ(out[c * column_stride + r], m.inverse[p] * static_cast<float>(value - m.zero_point[p]))
            << r << " " << c;
      }
      for (index_t r = rows; r < column_stride; ++r)
        ASSERT_EQ(out[c * column_stride + r], 99.5f) << r << " " << c;
    }
  });
}
