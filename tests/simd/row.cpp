// Every instruction set gives the bits of the portable version, and the portable version those of the
// formulas in row.hpp, computed here in double and 64-bit integers.

#include <bitgauge/grid/integer.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/row.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace bitgauge::simd {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr index_t runs[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 64, 100, 128, 256, 1000};
constexpr index_t longest = 300;
constexpr std::uint8_t untouched = 0xa5;

struct grid {
  int lowest, highest;
  std::vector<std::int32_t> zero_points;
};
const grid grids[] = {{-127, 127, {0}},
                      {-128, 127, {0, -128, 127, 5}},
                      {0, 255, {0, 255, 128, 77}},
                      {-7, 7, {0}},
                      {0, 15, {0, 15, 8}},
                      {-8, 7, {-8, 7, 0}},
                      {0, 1, {0, 1}},
                      {1, 255, {128}},
                      {-1, 0, {-1, 0}}};

// Gaussian values with halves (ties), both zeros, subnormals and the extremes of binary32 among them.
std::vector<float> make_values(index_t count, std::size_t offset) {
  static const std::vector<float> pool = [] {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 40);
    const float special[] = {0.0f, -0.0f, FLT_MAX, -FLT_MAX, FLT_MIN, -1e-45f,
                             0.5f, -0.5f, 1.5f,    127.5f,   -128.5f};
    std::vector<float> values(4096);
    for (float& x : values) {
      const auto choice = random() % 16;
      x = choice < 11 ? std::rint(normal(random)) / 2 : choice < 14 ? normal(random) : special[random() % 11];
    }
    return values;
  }();
  const auto first = pool.begin() + static_cast<std::ptrdiff_t>(offset * 37 % 3000);
  return {first, first + count};
}

struct run_parameters {
  std::vector<float> factor;
  std::vector<std::int32_t> zero_point;
};
run_parameters make_parameters(index_t count, index_t run, const std::vector<std::int32_t>& zero_points) {
  run_parameters p;
  for (index_t begin = 0; begin < count; begin += run) {
    const float factors[] = {1, 0.37f, 1e38f, 0, 3e-39f, 11.25f, -2};
    const std::size_t i = p.factor.size();
    p.factor.push_back(factors[i % 7]);
    p.zero_point.push_back(zero_points[i % zero_points.size()]);
  }
  return p;
}

template <class T>
::testing::AssertionResult same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::memcmp(&a[i], &b[i], sizeof(T)) != 0)
      return ::testing::AssertionFailure() << "element " << i << ": " << +a[i] << " and " << +b[i];
  return ::testing::AssertionSuccess();
}

// Calls check(count, run) for every length up to `longest`, runs longer than the row once.
template <class Check>
void for_each_shape(const Check& check) {
  for (const index_t run : runs)
    for (index_t count = 0; count <= longest; ++count)
      if (run <= longest || count == longest) check(count, run);
}

/// All primitives of rows.
struct row_primitives : row_operations, extent_operations, bit_operations, transpose_operations {
  explicit row_primitives(instruction_set set)
      : row_operations(row_table.of(set)),
        extent_operations(extent_table.of(set)),
        bit_operations(bit_table.of(set)),
        transpose_operations(transpose_table.of(set)) {}
};

class row : public ::testing::TestWithParam<instruction_set> {
 protected:
  const row_primitives fast{GetParam()}, plain{instruction_set::portable};
};

// Catches: lanes of the next run leaking into a reduction, wrong lane order, wrong tail masks, -0 as an
// extent.
TEST_P(row, extents_match_portable) {
  for_each_shape([&](index_t count, index_t run) {
    const auto x = make_values(count, static_cast<std::size_t>(count));
    const auto n = static_cast<std::size_t>((count + run - 1) / run) + 1;
    std::vector<float> low(n, 9), high(n, 9), low_expected(n, 9), high_expected(n, 9);
    const auto largest = fast.extents(x.data(), count, run, low.data(), high.data());
    ASSERT_EQ(largest, plain.extents(x.data(), count, run, low_expected.data(), high_expected.data()));
    ASSERT_TRUE(same_bits(low, low_expected)) << count << " in runs of " << run;
    ASSERT_TRUE(same_bits(high, high_expected)) << count << " in runs of " << run;
  });
}

// Catches: a NaN lost by min and max, which return one operand; an infinity in a masked tail overlooked.
TEST_P(row, extents_report_every_position_of_a_nonfinite_value) {
  const float quiet = std::numeric_limits<float>::quiet_NaN();
  const float worst[] = {quiet, -quiet, infinity, -infinity};
  for (const index_t run : {index_t{1}, index_t{7}, index_t{32}, index_t{1000}})
    for (index_t at = 0; at < 99; ++at)
      for (const float value : worst) {
        std::vector<float> x(99, 1.0f), low(99), high(99);
        x[static_cast<std::size_t>(at)] = value;
        ASSERT_EQ(fast.extents(x.data(), 99, run, low.data(), high.data()), numeric::magnitude_bits(value))
            << "run " << run << ", position " << at;
      }
}

// Catches: an overflowing range, a zero or subnormal scale, a lane behind the last run counted in.
TEST_P(row, parameters_match_portable) {
  const float ends[] = {0, 1, 0.37f, 1e-45f, 1e-38f, FLT_MIN, 3e38f, FLT_MAX, 127, 254.5f, 7e-3f};
  for (const bool symmetric : {true, false})
    for (const float smallest : {0.0f, FLT_EPSILON})
      for (index_t count = 0; count < 50; ++count)
        for (const grid& g : grids) {
          const auto n = static_cast<std::size_t>(count);
          std::vector<float> low(n), high(n), scale(n + 20, 9), inverse(n + 20, 9);
          auto scale_expected = scale, inverse_expected = inverse;
          for (std::size_t i = 0; i < n; ++i)
            low[i] = 0 - ends[(i + n) % 11], high[i] = ends[(i * 7 + n / 11) % 11];
          const auto steps = static_cast<float>(g.highest - g.lowest);
          ASSERT_EQ(fast.scales(low.data(), high.data(), count, symmetric, steps, smallest, scale.data()),
                    plain.scales(low.data(), high.data(), count, symmetric, steps, smallest,
                                 scale_expected.data()));
          fast.inverses(scale.data(), count, inverse.data());
          plain.inverses(scale.data(), count, inverse_expected.data());
          ASSERT_TRUE(same_bits(scale, scale_expected)) << count << " runs";
          ASSERT_TRUE(same_bits(inverse, inverse_expected)) << count << " runs";
        }
}

// Catches: a tie that hangs on the scale's last bit, a quotient beyond the codes, a scale of 0, a lane behind the last.
TEST_P(row, zero_points_are_those_of_the_grid) {
  for (const bool steady : {true, false})
    for (const auto& [lowest, highest] : {std::pair{0, 255}, {-128, 127}, {0, 15}, {1, 7}}) {
      const integer_grid affine_grid{.lowest = lowest, .highest = highest, .steady_ties = steady};
      for (index_t count = 0; count < 40; ++count) {
        std::vector<float> low, scale;
        std::vector<std::int32_t> expected(static_cast<std::size_t>(count) + 20, 99), found = expected;
        for (index_t i = 0; i < count; ++i) {
          scale.push_back(i % 11 == 5   ? 0.0f
                          : i % 13 == 7 ? 1e-38f
                                        : 0.37f + 0.011f * static_cast<float>(i * count));
          const float steps = static_cast<float>(i * 17 % 80) / 2;
          low.push_back(i % 7 == 3 ? -3e38f
                                   : -std::nextafter(steps * scale.back(), i % 3 == 0 ? 1e30f : 0.0f));
          expected[static_cast<std::size_t>(i)] = affine_grid.zero_point_for({low.back(), 0}, scale.back());
        }
        fast.zero_points(low.data(), scale.data(), count, lowest, highest, steady, found.data());
        ASSERT_EQ(found, expected) << count;
      }
    }
}

// Catches: ties rounded away, the zero point added before rounding, saturation of products beyond int32,
// signed codes packed with saturation, bytes written behind the row.
TEST_P(row, encode_matches_portable) {
  for (const grid& g : grids)
    for_each_shape([&](index_t count, index_t run) {
      const auto x = make_values(count, static_cast<std::size_t>(count + 7 * run));
      const auto p = make_parameters(count, run, g.zero_points);
      std::vector<std::uint8_t> expected(static_cast<std::size_t>(count) + 40, untouched);
      auto past_caches = expected, codes = expected;
      plain.encode(x.data(), count, run, p.factor.data(), p.zero_point.data(), g.lowest, g.highest,
                   expected.data(), {});
      fast.encode(x.data(), count, run, p.factor.data(), p.zero_point.data(), g.lowest, g.highest,
                  codes.data(), {});
      ASSERT_TRUE(same_bits(codes, expected)) << count << " in runs of " << run << ", lowest " << g.lowest;
      fast.encode(x.data(), count, run, p.factor.data(), p.zero_point.data(), g.lowest, g.highest,
                  past_caches.data(), {.next = x.data(), .past_caches = true});
      finish_stores();
      ASSERT_TRUE(same_bits(past_caches, expected)) << count << " in runs of " << run << ", past caches";
    });
}

// Catches: sign extension of unsigned codes and the reverse, floats written behind the row.
TEST_P(row, decode_matches_portable) {
  for (const bool is_signed : {false, true})
    for_each_shape([&](index_t count, index_t run) {
      std::vector<std::uint8_t> codes(static_cast<std::size_t>(count));
      for (std::size_t i = 0; i < codes.size(); ++i)
        codes[i] = static_cast<std::uint8_t>(i * 89 + codes.size());
      const auto p = make_parameters(count, run, {0, -128, 127, 255, 8});
      std::vector<float> out(static_cast<std::size_t>(count) + 40, 7), expected = out;
      fast.decode(codes.data(), count, run, p.factor.data(), p.zero_point.data(), is_signed, out.data());
      plain.decode(codes.data(), count, run, p.factor.data(), p.zero_point.data(), is_signed,
                   expected.data());
      ASSERT_TRUE(same_bits(out, expected)) << count << " in runs of " << run;
    });
}

// Catches: neighbours overwritten, high bits of a code leaking into the next, bytes written behind the last.
TEST_P(row, pack_and_unpack_match_portable) {
  std::mt19937 random(3);
  for (int bits = 1; bits <= 8; ++bits)
    for (index_t count = 0; count <= longest; ++count) {
      std::vector<std::uint8_t> codes(static_cast<std::size_t>(count));
      for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>(random());
      const auto bytes = static_cast<std::size_t>((count * bits + 7) / 8);
      std::vector<std::uint8_t> packed(bytes + 20, untouched), expected = packed;
      fast.pack(codes.data(), count, bits, packed.data());
      plain.pack(codes.data(), count, bits, expected.data());
      ASSERT_TRUE(same_bits(packed, expected)) << count << " codes of " << bits << " bits";

      packed.resize(bytes);  // a read behind the end is for the sanitizer to see
      packed.shrink_to_fit();
      for (const bool sign_extend : {false, true}) {
        std::vector<std::uint8_t> back(codes.size() + 70, untouched), back_expected = back;
        fast.unpack(packed.data(), count, bits, sign_extend, back.data());
        plain.unpack(packed.data(), count, bits, sign_extend, back_expected.data());
        ASSERT_TRUE(same_bits(back, back_expected)) << count << " codes of " << bits << " bits";
      }
    }
}

// Catches: a block turned the wrong way, edges of blocks lost, elements written between or behind the rows.
TEST_P(row, transpose_moves_every_element) {
  for (const index_t height : {0, 1, 3, 8, 15, 16, 17, 31, 40})
    for (const index_t width : {0, 1, 2, 7, 8, 9, 16, 17, 33, 50})
      for (const index_t gap : {0, 5}) {
        const index_t column_stride = height + gap, row_stride = width + gap;
        std::vector<float> x(static_cast<std::size_t>(column_stride * width));
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
        std::vector<float> out(static_cast<std::size_t>(row_stride * height + 20), -1), expected = out;
        for (index_t r = 0; r < height; ++r)
          for (index_t c = 0; c < width; ++c)
            expected[static_cast<std::size_t>(r * row_stride + c)] =
                static_cast<float>(c * column_stride + r);
        fast.transpose(x.data(), column_stride, height, width, out.data(), row_stride, false);
        ASSERT_TRUE(same_bits(out, expected)) << height << " x " << width << ", gap " << gap;
      }
}

// Catches: lines that are left out or written elsewhere past the caches, and rows that do not lie at lines.
TEST_P(row, transpose_past_caches_moves_the_same) {
  for (const index_t height : {7, 16, 40, 100})
    for (const index_t width : {8, 16, 33, 128})
      for (const index_t shift : {0, 1}) {
        const index_t row_stride = (width + 15) / 16 * 16 + shift;
        std::vector<float> x(static_cast<std::size_t>(height * width));
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
        std::vector<float> room(static_cast<std::size_t>(row_stride * height + 36), -1);
        const std::size_t beyond = reinterpret_cast<std::uintptr_t>(room.data()) % 64 / sizeof(float);
        float* const out = room.data() + (16 - beyond);
        fast.transpose(x.data(), height, height, width, out, row_stride, true);
        finish_stores();
        for (index_t r = 0; r < height; ++r)
          for (index_t c = 0; c < row_stride; ++c)
            ASSERT_EQ(out[r * row_stride + c], c < width ? x[static_cast<std::size_t>(c * height + r)] : -1)
                << height << " x " << width << ", shift " << shift;
      }
}

INSTANTIATE_TEST_SUITE_P(each, row, ::testing::ValuesIn(available()),
                         [](const auto& parameter) { return std::string(name_of(parameter.param)); });

// Catches: an extent that does not include zero, a run's neighbours counted in.
TEST(portable_row, extents_are_those_of_each_run) {
  const auto x = make_values(100, 1);
  std::vector<float> low(15), high(15);
  std::uint32_t largest = 0;
  for (const float v : x) largest = std::max(largest, numeric::magnitude_bits(v));
  EXPECT_EQ(portable::extents(x.data(), 100, 7, low.data(), high.data()), largest);
  for (std::size_t i = 0; i < 15; ++i) {
    const auto first = x.begin() + static_cast<std::ptrdiff_t>(7 * i);
    const auto last = x.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(7 * i + 7, 100));
    EXPECT_EQ(low[i], std::min(0.0f, *std::min_element(first, last)));
    EXPECT_EQ(high[i], std::max(0.0f, *std::max_element(first, last)));
  }
}

// The rule in wider arithmetic: the product rounded once to binary32, then to the nearest even integer by
// comparing with both neighbours. Catches: truncation, ties away from zero, clamping before the zero point.
TEST(portable_row, encode_follows_its_formula) {
  for (const grid& g : grids)
    for (const std::int32_t zero_point : g.zero_points)
      for (const float inverse : {0.0f, 0.37f, 1.0f, 11.25f, 1e38f}) {
        const auto x = make_values(200, static_cast<std::size_t>(zero_point + 1000));
        std::vector<std::uint8_t> codes(200);
        portable::encode(x.data(), 200, 200, &inverse, &zero_point, g.lowest, g.highest, codes.data(), {});
        for (std::size_t i = 0; i < x.size(); ++i) {
          double steps = static_cast<double>(x[i]) * static_cast<double>(inverse);
          if (std::fabs(steps) < 1e6) steps = static_cast<double>(static_cast<float>(steps));
          const double below = std::floor(std::clamp(steps, -1e6, 1e6)),
                       part = std::clamp(steps, -1e6, 1e6) - below;
          const bool up = part > 0.5 || (part == 0.5 && std::fmod(below, 2) != 0);
          const auto code =
              std::clamp(static_cast<int>(below) + (up ? 1 : 0) + zero_point, g.lowest, g.highest);
          ASSERT_EQ(codes[i], static_cast<std::uint8_t>(code))
              << x[i] << " * " << inverse << " + " << zero_point;
        }
      }
}

// Every code, exactly. Catches: an unsigned code read as signed.
TEST(portable_row, decode_follows_its_formula) {
  std::vector<std::uint8_t> codes(256);
  for (std::size_t i = 0; i < 256; ++i) codes[i] = static_cast<std::uint8_t>(i);
  const float scale = 0.25f;
  const std::int32_t zero_point = -3;
  std::vector<float> out(256);
  for (const bool is_signed : {false, true}) {
    portable::decode(codes.data(), 256, 256, &scale, &zero_point, is_signed, out.data());
    for (int i = 0; i < 256; ++i)
      EXPECT_EQ(out[static_cast<std::size_t>(i)],
                0.25f * static_cast<float>((is_signed && i > 127 ? i - 256 : i) + 3));
  }
}

// The layout bit by bit. Catches: most significant bit first, words instead of bytes.
TEST(portable_row, pack_puts_bit_k_of_code_i_at_bit_i_times_width_plus_k) {
  std::mt19937 random(5);
  for (int bits = 1; bits <= 8; ++bits) {
    std::vector<std::uint8_t> codes(61), packed(static_cast<std::size_t>((61 * bits + 7) / 8));
    for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>(random());
    portable::pack(codes.data(), 61, bits, packed.data());
    std::vector<std::uint8_t> unsigned_back(61), signed_back(61);
    portable::unpack(packed.data(), 61, bits, false, unsigned_back.data());
    portable::unpack(packed.data(), 61, bits, true, signed_back.data());
    for (std::size_t i = 0; i < 61; ++i) {
      for (std::size_t k = 0; k < static_cast<std::size_t>(bits); ++k) {
        const std::size_t bit = i * static_cast<std::size_t>(bits) + k;
        ASSERT_EQ(packed[bit / 8] >> (bit % 8) & 1, codes[i] >> k & 1);
      }
      const int field = codes[i] & ((1 << bits) - 1);
      ASSERT_EQ(unsigned_back[i], field);
      ASSERT_EQ(static_cast<std::int8_t>(signed_back[i]),
                field >= 1 << (bits - 1) ? field - (1 << bits) : field);
    }
  }
}

}  // namespace
}  // namespace bitgauge::simd
