/// Compiled with -O3 -ffast-math, under which `x != x` and std::isnan are compiled away. Would catch a test
/// on NaN or infinity that is not done on bits.

#include <bitgauge/bitgauge.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <string>

namespace {

constexpr std::uint32_t quiet_nan = 0x7fc00000u, negative_nan = 0xffc00001u, infinity = 0x7f800000u,
                        negative_infinity = 0xff800000u;

std::string message_for(std::uint32_t bits) {
  Eigen::MatrixXf W = Eigen::MatrixXf::Ones(5, 37);
  W(3, 35) = std::bit_cast<float>(bits);
  try {
    bitgauge::quantize(W, bitgauge::symmetric<8>{});
  } catch (const bitgauge::data_error& failure) {
    return failure.what();
  }
  return "nothing was thrown";
}

class fast_math : public testing::TestWithParam<bitgauge::simd::instruction_set> {
 private:
  bitgauge::simd::scoped_instruction_set use_{GetParam()};
};

TEST_P(fast_math, nonfinite_elements_are_refused) {
  EXPECT_NE(message_for(quiet_nan).find("row 3, column 35 is NaN"), std::string::npos);
  EXPECT_NE(message_for(negative_nan).find("row 3, column 35 is NaN"), std::string::npos);
  EXPECT_NE(message_for(infinity).find("row 3, column 35 is infinity"), std::string::npos);
  EXPECT_NE(message_for(negative_infinity).find("row 3, column 35 is -infinity"), std::string::npos);
}

TEST_P(fast_math, nonfinite_elements_saturate_where_asked) {
  Eigen::MatrixXf W = Eigen::MatrixXf::Ones(1, 37);
  W(0, 1) = -2;
  W(0, 20) = std::bit_cast<float>(quiet_nan);
  W(0, 21) = std::bit_cast<float>(infinity);
  W(0, 22) = std::bit_cast<float>(negative_infinity);
  const auto q = bitgauge::quantize(W, bitgauge::symmetric<8>{},
                                    bitgauge::options{.on_nonfinite = bitgauge::nonfinite::saturate});
  EXPECT_EQ(q.scale(0), 2.0f / 127);  // infinity does not count
  EXPECT_EQ(q.code(0, 1), -127);
  EXPECT_EQ(q.code(0, 20), 0);
  EXPECT_EQ(q.code(0, 21), 127);
  EXPECT_EQ(q.code(0, 22), -127);
}

INSTANTIATE_TEST_SUITE_P(all, fast_math, testing::ValuesIn(bitgauge::simd::available()),
                         [](const auto& tested) {
                           return std::string(bitgauge::simd::name_of(tested.param));
                         });

}  // namespace
