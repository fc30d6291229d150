#include <bitgauge/numeric/half.hpp>
#include <bitgauge/numeric/small_float.hpp>

#include "support/npy_file.hpp"
#include "support/vectors.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace bitgauge::numeric;

constexpr float infinite_value = std::numeric_limits<float>::infinity();

// Conversions are constant expressions; the values are those the specifications print.
static_assert(e4m3::max() == 448 && e4m3::smallest() == 0x1p-9f && e4m3::max_exponent == 8);
static_assert(e5m2::max() == 57344 && e5m2::smallest() == 0x1p-16f && e5m2::max_exponent == 15);
static_assert(e4m3_fnuz::max() == 240 && e5m2_fnuz::max() == 57344);
static_assert(e3m2::max() == 28 && e3m2::smallest() == 0.0625f && e3m2::max_exponent == 4);
static_assert(e2m3::max() == 7.5f && e2m3::smallest() == 0.125f && e2m3::max_exponent == 2);
static_assert(e2m1::max() == 6 && e2m1::smallest() == 0.5f && e2m1::max_exponent == 2);
static_assert(e4m3::from_float(1.0f).code == 0x38 && e2m1::from_float(-5.0f).code == 0xe);

/// Calls check.template operator()<Float>(name of its vectors) for every format.
template <class Check>
void for_each_format(const Check& check) {
  check.template operator()<e4m3>("float8_e4m3fn");
  check.template operator()<e5m2>("float8_e5m2");
  check.template operator()<e4m3_fnuz>("float8_e4m3fnuz");
  check.template operator()<e5m2_fnuz>("float8_e5m2fnuz");
  check.template operator()<e3m2>("float6_e3m2fn");
  check.template operator()<e2m3>("float6_e2m3fn");
  check.template operator()<e2m1>("float4_e2m1fn");
}

nlohmann::json case_named(const std::string& name) {
  const auto manifest = test::load_manifest("float_formats");
  for (const auto& entry : manifest["cases"])
    if (entry["name"] == name) return entry;
  throw std::runtime_error("no case " + name);
}

template <class Float>
void expect_encodes(const nlohmann::json& outputs, const char* key, overflow_rule rule,
                    const std::vector<float>& x) {
  const auto expected =
      test::load_npy<std::uint8_t>(test::vector_path("float_formats", outputs[key].get<std::string>()));
  ASSERT_EQ(expected.data.size(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto found = Float::from_float(x[i], rule);
    if (is_nan(x[i])) {
      EXPECT_EQ(is_nan(found.to_float()), Float::special != special_codes::none);
    } else if (is_finite(x[i]) || Float::special != special_codes::none) {
      EXPECT_EQ(int{found.code}, int{expected.data[i]}) << key << " of " << x[i];
    }
  }
}

// Catches any wrong code or value of ml_dtypes' tables: ties, subnormals, saturation, special codes.
TEST(small_float, agrees_with_the_reference) {
  for_each_format([]<class Float>(const char* name) {
    SCOPED_TRACE(name);
    const auto outputs = case_named(name)["outputs"];
    const auto decode =
        test::load_npy<float>(test::vector_path("float_formats", outputs["decode"].get<std::string>()));
    ASSERT_EQ(decode.data.size(), value_table<Float>.size());
    for (std::size_t code = 0; code < decode.data.size(); ++code) {
      const float found = value_table<Float>[code];
      if (is_nan(decode.data[code])) {
        EXPECT_TRUE(is_nan(found)) << code;
      } else {
        EXPECT_EQ(std::bit_cast<std::uint32_t>(found), std::bit_cast<std::uint32_t>(decode.data[code]))
            << code;
      }
    }
    const auto x = test::load_npy<float>(test::vector_path("float_formats", "encode_x.npy"));
    expect_encodes<Float>(outputs, "encode_sat", overflow_rule::saturate_finite, x.data);
    expect_encodes<Float>(outputs, "encode_nosat", overflow_rule::ieee, x.data);
  });
}

// Catches a wrong tie or a wrong half-way point anywhere in the format: the code of every value, of every
// midpoint of two neighbours and of the floats beside it, against their places in the sorted list of values.
TEST(small_float, rounds_every_midpoint) {
  for_each_format([]<class Float>(const char* name) {
    SCOPED_TRACE(name);
    for (std::uint32_t code = 0; code < Float::max_code; ++code) {
      const float low = Float::from_code(code).to_float(), high = Float::from_code(code + 1).to_float();
      const float middle = low + (high - low) / 2;
      EXPECT_EQ(Float::from_float(low).code, code);
      EXPECT_EQ(Float::from_float(std::nextafter(middle, 0.0f)).code, code);
      EXPECT_EQ(Float::from_float(std::nextafter(middle, infinite_value)).code, code + 1);
      EXPECT_EQ(Float::from_float(middle).code, code + code % 2);
      EXPECT_EQ(Float::from_float(middle, overflow_rule::saturate, tie_rule::away_from_zero).code, code + 1);
      const std::uint32_t negative = (code + 1) | Float::sign_mask;
      EXPECT_EQ(Float::from_float(-std::nextafter(middle, infinite_value)).code, negative);
    }
    EXPECT_EQ(Float::from_float(Float::max()).code, Float::max_code);
  });
}

// Catches a scaling that rounds twice or loses range: value * 2^-exponent is the same code for every exponent
// that keeps the value a float, subnormal floats included.
TEST(small_float, scales_exactly) {
  for_each_format([]<class Float>(const char* name) {
    SCOPED_TRACE(name);
    for (std::uint32_t code = 0; code < Float::max_code; ++code) {
      const float value = Float::from_code(code).to_float() * 1.03125f;
      for (const int exponent : {-100, -20, -1, 1, 7, 100}) {
        const auto scaled = Float::from_float(std::ldexp(value, exponent), overflow_rule::saturate,
                                              tie_rule::to_even, exponent);
        EXPECT_EQ(scaled, Float::from_float(value)) << code << " " << exponent;
      }
    }
    EXPECT_EQ(Float::from_float(0x1p-149f, overflow_rule::saturate, tie_rule::to_even, -149).to_float(),
              1.0f);
    EXPECT_EQ(Float::from_float(0x1p127f, overflow_rule::saturate, tie_rule::to_even, -127).to_float(),
              Float::max());
    EXPECT_EQ(Float::from_float(0.0f, overflow_rule::ieee, tie_rule::to_even, -149).code, 0);
  });
}

// Catches a special code that is not what the format has, or a sign lost on the way.
TEST(small_float, overflows_as_asked) {
  EXPECT_EQ(e5m2::from_float(infinite_value, overflow_rule::ieee).to_float(), infinite_value);
  EXPECT_EQ(e5m2::from_float(-infinite_value, overflow_rule::ieee).to_float(), -infinite_value);
  EXPECT_EQ(e5m2::from_float(-infinite_value).to_float(), -57344.0f);
  EXPECT_EQ(e5m2::from_float(1e6f, overflow_rule::saturate_finite).to_float(), 57344.0f);
  EXPECT_EQ(e5m2::from_float(infinite_value, overflow_rule::saturate_finite).to_float(), infinite_value);
  EXPECT_EQ(e4m3::from_float(464.0f, overflow_rule::ieee).to_float(), 448.0f);  // a tie with a NaN code
  EXPECT_TRUE(is_nan(e4m3::from_float(465.0f, overflow_rule::ieee).to_float()));
  EXPECT_EQ(e4m3_fnuz::from_float(-infinite_value, overflow_rule::ieee).code, 0x80);
  EXPECT_EQ(e4m3_fnuz::from_float(-1e-9f).code, 0);
  EXPECT_EQ(e2m1::from_float(-infinite_value, overflow_rule::ieee).to_float(), -6.0f);
  EXPECT_EQ(e2m1::from_float(std::numeric_limits<float>::quiet_NaN()).to_float(), 6.0f);
  EXPECT_EQ(e4m3::from_float(-0.0f).code, 0x80);
}

// Catches a rounding slip in the 16-bit conversions that the same vectors cover.
TEST(small_float, sixteen_bits_agree_with_the_reference) {
  const auto x = test::load_npy<float>(test::vector_path("float_formats", "encode_x.npy"));
  const auto half = test::load_npy<std::uint16_t>(test::vector_path("float_formats", "fp16.encode.npy"));
  const auto brain = test::load_npy<std::uint16_t>(test::vector_path("float_formats", "bf16.encode.npy"));
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    if (is_nan(x.data[i])) {
      EXPECT_TRUE(is_nan(half_to_float(half_from_float(x.data[i]))));
      EXPECT_TRUE(is_nan(bfloat16_to_float(bfloat16_from_float(x.data[i]))));
    } else {
      EXPECT_EQ(half_from_float(x.data[i]), half.data[i]) << x.data[i];
      EXPECT_EQ(bfloat16_from_float(x.data[i]), brain.data[i]) << x.data[i];
    }
  }
}

}  // namespace
