/// Links units compiled with different flags into one program, one of them against bitgauge::compiled. Would catch a public type whose layout depends
/// on -march, a symbol defined twice, and a result that depends on which unit's copy of an inline function
/// the linker keeps.

#include <bitgauge/bitgauge.hpp>

#include "../pseudo_random_matrix.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace house {

bitgauge::quantized_matrix plain(const char* scheme);
bitgauge::quantized_matrix native(const char* scheme);
bitgauge::quantized_matrix fast_math(const char* scheme);
bitgauge::quantized_matrix unoptimised(const char* scheme);
bitgauge::quantized_matrix compiled(const char* scheme);

std::vector<std::uint8_t> plain(const Eigen::MatrixXf& row);
std::vector<std::uint8_t> native(const Eigen::MatrixXf& row);
std::vector<std::uint8_t> fast_math(const Eigen::MatrixXf& row);
std::vector<std::uint8_t> unoptimised(const Eigen::MatrixXf& row);
std::vector<std::uint8_t> compiled(const Eigen::MatrixXf& row);

}  // namespace house

TEST(mixed_flags, every_unit_gives_the_same_bytes) {
  for (const char* scheme : {"affine:bits=4,group=128", "affine:group=tensor", "symmetric:bits=1,group=64",
                             "symmetric:bits=4,group=32,scale=f16"}) {
    const bitgauge::quantized_matrix expected = house::plain(scheme);
    EXPECT_EQ(house::native(scheme), expected) << scheme;
    EXPECT_EQ(house::fast_math(scheme), expected) << scheme;
    EXPECT_EQ(house::unoptimised(scheme), expected) << scheme;
    EXPECT_EQ(house::compiled(scheme), expected) << scheme;
  }
}

TEST(mixed_flags, every_unit_gives_the_same_blocks) {
  const Eigen::MatrixXf row = house::pseudo_random_matrix(1, 1024);
  const std::vector<std::uint8_t> expected = house::plain(row);
  EXPECT_EQ(house::native(row), expected);
  EXPECT_EQ(house::fast_math(row), expected);
  EXPECT_EQ(house::unoptimised(row), expected);
  EXPECT_EQ(house::compiled(row), expected);
}
