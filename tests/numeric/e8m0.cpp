#include <bitgauge/numeric/e8m0.hpp>

#include "support/npy_file.hpp"
#include "support/vectors.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

using namespace bitgauge::numeric;

constexpr float infinite_scale = std::numeric_limits<float>::infinity();

static_assert(e8m0{}.to_float() == 1 && e8m0::from_float(4.0f).exponent() == 2);

// Catches a wrong value of any code; 2^-127 is a subnormal float.
TEST(e8m0, decodes_every_code) {
  const auto expected =
      test::load_npy<float>(test::vector_path("float_formats", "float8_e8m0fnu.decode.npy"));
  ASSERT_EQ(expected.data.size(), 256u);
  for (std::uint32_t code = 0; code < 255; ++code) {
    EXPECT_EQ(e8m0::from_code(code).to_float(), expected.data[code]);
    EXPECT_EQ(e8m0::from_code(code).to_float(), std::ldexp(1.0f, static_cast<int>(code) - 127));
    EXPECT_EQ(e8m0::from_exponent(static_cast<int>(code) - 127).code, code);
  }
  EXPECT_TRUE(is_nan(e8m0::from_code(255).to_float()));
  EXPECT_EQ(e8m0::from_exponent(-400).code, 0);
  EXPECT_EQ(e8m0::from_exponent(400).code, 254);
}

// Catches a wrong rounding. The reference sends every tie up (its known defect), where the even code is
// right.
TEST(e8m0, agrees_with_the_reference) {
  const auto load = [](const char* file) {
    return test::load_npy<std::uint8_t>(test::vector_path("float_formats", file));
  };
  const auto x = test::load_npy<float>(test::vector_path("float_formats", "encode_x.npy"));
  const auto saturated = load("float8_e8m0fnu.encode_sat.npy");
  const auto ieee = load("float8_e8m0fnu.encode_nosat.npy");
  const auto tie = load("float8_e8m0fnu.exact_tie_mask.npy");
  int ties = 0;
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    if (!is_finite(x.data[i]) || x.data[i] <= 0) continue;
    const int up = tie.data[i] != 0 && saturated.data[i] % 2 != 0 ? 1 : 0;
    ties += up;
    EXPECT_EQ(int{e8m0::from_float(x.data[i]).code}, saturated.data[i] - up) << x.data[i];
    EXPECT_EQ(int{e8m0::from_float(x.data[i], overflow_rule::ieee).code}, ieee.data[i] - up) << x.data[i];
  }
  EXPECT_GT(ties, 0);
}

// Catches a half-way point that is off by one float, in the range of subnormal floats too.
TEST(e8m0, rounds_every_midpoint) {
  for (std::uint32_t code = 0; code < 254; ++code) {
    // by bits: a program built with -ffast-math flushes subnormal floats
    const std::uint32_t middle_bits = code == 0 ? 0x600000u : (code << 23) + 0x400000u;
    const auto middle = std::bit_cast<float>(middle_bits);
    EXPECT_EQ(e8m0::from_float(middle).code, code + code % 2);
    EXPECT_EQ(e8m0::from_float(std::bit_cast<float>(middle_bits - 1)).code, code);
    EXPECT_EQ(e8m0::from_float(std::bit_cast<float>(middle_bits + 1)).code, code + 1);
  }
}

// Catches a value the format lacks being taken silently for a number under the IEEE rule.
TEST(e8m0, values_it_lacks) {
  for (const float value : {0.0f, -0.0f, -3.0f, infinite_scale, std::numeric_limits<float>::max()})
    EXPECT_EQ(e8m0::from_float(value, overflow_rule::ieee).code, e8m0::nan_code) << value;
  EXPECT_EQ(e8m0::from_float(0.0f).code, 0);
  EXPECT_EQ(e8m0::from_float(-3.0f).code, 0);
  EXPECT_EQ(e8m0::from_float(infinite_scale).code, 254);
  EXPECT_EQ(e8m0::from_float(std::numeric_limits<float>::quiet_NaN()).code, e8m0::nan_code);
}

}  // namespace
