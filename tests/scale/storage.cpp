#include <bitgauge/scale/storage.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>

namespace {

using namespace bitgauge;

constexpr scale_type types[] = {scale_type::f32, scale_type::f16, scale_type::bf16};

static_assert(bytes_of(scale_type::f32) == 4 && bytes_of(scale_type::f16) == 2 &&
              bytes_of(scale_type::bf16) == 2);

// Catches a scale that becomes zero (its group would vanish) or whose inverse is infinite.
TEST(storage, no_scale_but_zero_becomes_zero) {
  for (const scale_type type : types) {
    const float_scale_codec rounding(type);
    EXPECT_EQ(rounding.nearest(0), 0);
    const float floor = type == scale_type::f16 ? 0x1p-24f : 0x1p-126f;
    for (const float scale : {FLT_TRUE_MIN, 1e-40f, 0x1p-127f, 0x1p-25f, 0x1.8p-25f, 1e-10f, 1e-7f}) {
      const float stored = rounding.nearest(scale);
      EXPECT_GE(stored, floor) << scale;
      EXPECT_TRUE(std::isfinite(1 / stored)) << scale;
      if (scale <= floor) {
        EXPECT_EQ(stored, floor) << scale;
      }
    }
  }
}

// Catches a scale whose codes would belong to another value than the stored one.
TEST(storage, rounded_scales_are_stored_exactly) {
  for (const scale_type type : types) {
    const float_scale_codec rounding(type);
    scale_array stored(type, 3);
    EXPECT_EQ(stored.size(), 3);
    for (float scale = 60000; scale > 1e-12f; scale *= 0.91f) {
      const float rounded = rounding.nearest(scale);
      EXPECT_EQ(rounding.nearest(rounded), rounded);
      stored.set(1, rounded);
      EXPECT_EQ(stored[1], rounded);
      EXPECT_EQ(stored[0], 0);
      EXPECT_EQ(stored[2], 0);
      const double unit = type == scale_type::f32 ? 0 : type == scale_type::f16 ? 0x1p-11 : 0x1p-8;
      if (scale > 1e-4f) {  // f16's normal numbers
        EXPECT_NEAR(rounded, scale, unit * static_cast<double>(scale));
      }
    }
  }
}

// Catches neighbours that are not adjacent or do not enclose the scale.
TEST(storage, neighbours_enclose_a_scale) {
  for (const scale_type type : types) {
    const float_scale_codec rounding(type);
    for (double scale = 60000.3; scale > 1e-12; scale *= 0.917) {
      const auto [below, above] = rounding.around(scale);
      const bool underflow = static_cast<double>(below) > scale;
      if (underflow) {
        EXPECT_EQ(below, above);
        continue;
      }
      EXPECT_LE(static_cast<double>(below), scale);
      EXPECT_GE(static_cast<double>(above), scale);
      const float middle = below + (above - below) / 2;
      if (type != scale_type::f32 && below != above) {
        EXPECT_TRUE(rounding.nearest(middle) == below || rounding.nearest(middle) == above);
        EXPECT_NE(rounding.nearest(std::nextafter(above, 0.0f)), below);
        EXPECT_NE(rounding.nearest(std::nextafter(below, above)), above);
      }
      EXPECT_EQ(rounding.around(static_cast<double>(below)).above, below);
    }
  }
}

// Catches an infinite scale that is stored silently.
TEST(storage, overflow_is_an_error_that_names_a_way_out) {
  EXPECT_EQ(float_scale_codec(scale_type::f16).nearest(65519), 65504);
  EXPECT_EQ(test::message_of<data_error>([] { float_scale_codec(scale_type::f16).nearest(65520); }),
            "scale 65520.000000 overflows f16: store scales as bf16 or f32");
  EXPECT_EQ(
      test::message_of<data_error>([] { float_scale_codec(scale_type::bf16).nearest(FLT_MAX); }).substr(0, 9),
      "scale 3.4");
}

// Catches bytes in another order or number than a file holds.
TEST(storage, bytes_are_little_endian) {
  scale_array scales(scale_type::f16, 2);
  scales.set(0, 1);  // 0x3c00
  scales.set(1, 2);  // 0x4000
  EXPECT_EQ(scales.bytes(), (std::vector<std::uint8_t>{0x00, 0x3c, 0x00, 0x40}));
  EXPECT_EQ(scale_array(scale_type::f16, 2, scales.bytes())[1], 2);
  EXPECT_EQ(test::message_of<shape_error>([&] { scale_array(scale_type::f32, 2, scales.bytes()); }),
            "scales: expected 8 bytes, found 4");
}

// Catches a type, or the border of a second level's block, that many at once are read by in another way than
// one is; stored values that follow each other but skip one or come in another order; and rounding while
// storing that is not rounding.
TEST(storage, many_are_read_and_rounded_as_one_is) {
  std::vector<float> wanted;
  for (int i = 0; i < 23; ++i) wanted.push_back(0.25f + 0.07f * static_cast<float>(i * i % 17));
  for (const scale_storage& how :
       {f32_scales, f16_scales, bf16_scales, e8m0_scales, e4m3_scales, e4m3_divided_scales,
        scale_storage(double_quantized{5}), scale_storage(double_quantized{5, scale_type::affine8})}) {
    scale_array scales(how, 23);
    scales.prepare(wanted);
    for (bitgauge::index_t i = 0; i < 23; ++i) {
      const scale_array::rounding rounding(scales, i);
      const float scale = wanted[static_cast<std::size_t>(i)];
      float stored = scale;
      scales.round_and_set(i, {&stored, 1});
      EXPECT_EQ(stored, rounding.nearest(scale));
      EXPECT_EQ(scales[i], stored);
      float down[3], up[3];
      if (rounding.following(stored, false, down) == 3 && rounding.following(stored, true, up) == 3) {
        EXPECT_EQ(rounding.around(static_cast<double>(std::nextafter(stored, 0.0f))).below, down[0]);
        EXPECT_EQ(rounding.around(static_cast<double>(std::nextafter(down[1], 0.0f))).below, down[2]);
        EXPECT_EQ(rounding.around(static_cast<double>(std::nextafter(up[0], FLT_MAX))).above, up[1]);
      }
    }
    std::vector<float> rest(wanted.begin() + 3, wanted.end());
    scale_array again = scales;
    again.round_and_set(3, rest);
    EXPECT_EQ(again.bytes(), scales.bytes());
    for (bitgauge::index_t first = 0; first < 23; ++first) {
      std::vector<float> read(static_cast<std::size_t>(23 - first));
      scales.read_into(first, 23 - first, read.data());
      for (bitgauge::index_t i = first; i < 23; ++i)
        EXPECT_EQ(read[static_cast<std::size_t>(i - first)], scales[i]);
    }
  }
}

}  // namespace
