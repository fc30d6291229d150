/// Links units compiled with different flags into one program. Would catch a public type whose layout depends
/// on -march, a symbol defined twice, and a result that depends on which unit's copy of an inline function
/// the linker keeps.

#include <bitgauge/bitgauge.hpp>

#include <gtest/gtest.h>

namespace house {

bitgauge::quantized_matrix plain(const char* scheme);
bitgauge::quantized_matrix native(const char* scheme);
bitgauge::quantized_matrix fast_math(const char* scheme);

}  // namespace house

TEST(mixed_flags, every_unit_gives_the_same_bytes) {
  for (const char* scheme : {"affine:bits=4,group=128", "affine:group=tensor", "symmetric:bits=1,group=64",
                             "symmetric:bits=4,group=32,scale=f16"}) {
    const bitgauge::quantized_matrix expected = house::plain(scheme);
    EXPECT_EQ(house::native(scheme), expected) << scheme;
    EXPECT_EQ(house::fast_math(scheme), expected) << scheme;
  }
}
