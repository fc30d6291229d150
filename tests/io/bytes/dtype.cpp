#include <bitgauge/io/bytes/dtype.hpp>
#include <bitgauge/io/bytes/tensor_view.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace {

namespace io = bitgauge::io;
using io::dtype;

static_assert(io::dtype_of<float> == dtype::f32 && io::dtype_of<Eigen::bfloat16> == dtype::bf16);
static_assert(io::dtype_of<long long> == dtype::i64 && io::dtype_of<unsigned char> == dtype::u8);
static_assert(io::dtype_of<bool> == dtype::boolean);

// Catches a table out of step with the enumeration, which indexes it.
TEST(dtype, table_is_in_order) {
  for (std::size_t i = 0; i < io::dtypes.size(); ++i) {
    EXPECT_EQ(io::dtypes[i].type, static_cast<dtype>(i));
    EXPECT_EQ(io::find_dtype(io::dtypes[i].name), &io::dtypes[i]);
  }
  EXPECT_EQ(io::find_dtype("f32"), nullptr);
  EXPECT_EQ(io::size_of(dtype::bf16), 2u);
}

template <class Float = float>
Float converted(dtype type, const std::string& bytes) {
  Float value = 0;
  io::convert_to(type, test::bytes_of(bytes).data(), 1, &value);
  return value;
}

// Catches a conversion through the wrong type, with values that only the right one keeps.
TEST(convert_to, keeps_what_the_target_can_hold) {
  EXPECT_EQ(converted<double>(dtype::f64, test::little_endian(0.1)), 0.1);
  EXPECT_EQ(converted(dtype::f64, test::little_endian(0.1)), 0.1f);
  EXPECT_EQ(converted(dtype::f16, std::string("\xff\x7b", 2)), 65504.0f);
  EXPECT_EQ(converted(dtype::bf16, std::string("\x80\x3f", 2)), 1.0f);
  EXPECT_EQ(converted(dtype::f8_e4m3, "\x7e"), 448.0f);
  EXPECT_TRUE(std::isnan(converted(dtype::f8_e4m3, "\x7f")));
  EXPECT_EQ(converted(dtype::f8_e5m2, "\x7b"), 57344.0f);
  // fnuz: one more on the bias than the others, NaN where they have -0 (Noune et al., 2022, table 1)
  EXPECT_EQ(converted(dtype::f8_e4m3fnuz, "\x7f"), 240.0f);
  EXPECT_EQ(converted(dtype::f8_e4m3fnuz, "\xc0"), -1.0f);
  EXPECT_TRUE(std::isnan(converted(dtype::f8_e4m3fnuz, "\x80")));
  EXPECT_EQ(converted(dtype::f8_e5m2fnuz, "\x7f"), 57344.0f);
  EXPECT_EQ(converted(dtype::f8_e5m2fnuz, "\x40"), 1.0f);
  EXPECT_TRUE(std::isnan(converted(dtype::f8_e5m2fnuz, "\x80")));
  // E8M0: 2^(code - 127), 255 is NaN (OCP MX 1.0, 5.4.1)
  EXPECT_EQ(converted(dtype::f8_e8m0, "\x80"), 2.0f);
  EXPECT_EQ(converted(dtype::f8_e8m0, std::string(1, '\0')), std::ldexp(1.0f, -127));
  EXPECT_TRUE(std::isnan(converted(dtype::f8_e8m0, "\xff")));
  EXPECT_EQ(converted<double>(dtype::i64, test::little_endian(std::int64_t{-9007199254740991})),
            -9007199254740991.0);
  EXPECT_EQ(converted(dtype::u64, test::little_endian(std::uint64_t{1} << 63)), 9223372036854775808.0f);
  EXPECT_EQ(converted(dtype::i8, "\x80"), -128.0f);
  EXPECT_EQ(converted(dtype::boolean, "\x02"), 1.0f);
}

// Catches elements that are no numbers, or whose order in a byte is not defined, read as some.
TEST(convert_to, refuses_what_has_no_values) {
  for (const dtype type : {dtype::f4, dtype::f6_e2m3, dtype::f6_e3m2, dtype::c64}) {
    const std::string bytes(8, '\0');
    const std::string problem = "expected elements that are numbers, found " + std::string(io::name_of(type));
    EXPECT_EQ(test::failure_of<bitgauge::data_error>([&] { converted(type, bytes); }), problem);
    const io::tensor_view tensor{"w", type, {64 / io::traits_of(type).bits}, test::bytes_of(bytes)};
    EXPECT_EQ(test::failure_of<bitgauge::data_error>([&] { io::to_matrix<Eigen::VectorXf>(tensor); }),
              "w: " + problem);
    EXPECT_FALSE(io::is_floating(type));
  }
  EXPECT_FALSE(io::is_floating(dtype::f8_e8m0)) << "scales are no weights";
}

// Catches float bits, such as a NaN's payload, that do not pass unchanged.
TEST(convert_to, passes_float_bits) {
  for (const std::uint32_t bits : {0x7fc01234u, 0xffc00001u, 0x80000000u, 0x00000001u, 0x7f800000u}) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(converted(dtype::f32, test::little_endian(bits))), bits);
  }
}

}  // namespace
