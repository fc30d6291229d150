#include <bitgauge/bitsandbytes/nested_absmax.hpp>
#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/small_float.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/scale/storage.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace {

using namespace bitgauge;

constexpr scale_storage nested_storages[] = {e4m3_scales, e4m3_divided_scales, double_quantized{16},
                                             double_quantized{16, scale_type::affine8}};

std::vector<float> random_scales(std::size_t count) {
  std::mt19937 random(3);
  std::lognormal_distribution<float> lognormal(-3, 0.5f);
  std::vector<float> scales(count);
  for (float& scale : scales) scale = lognormal(random);
  return scales;
}

// Bits per weight of QLoRA, section 3: blocks of 64 and 256 take 8/64 + 32/(64*256), but for one offset a
// tensor.
static_assert(scale_bytes(double_quantized{256}, 4096) == 4096 + 4 * (1 + 16));
static_assert(scale_bytes(double_quantized{256, scale_type::affine8}, 257) == 257 + 4 * 4);
static_assert(scale_bytes(e4m3_scales, 100) == 104 && scale_bytes(e8m0_scales, 100) == 100);
static_assert(scale_bytes(double_quantized{}, 0) == 0);

// Catches a scale that is stored as another than the one codes were chosen with, or not as the nearest there
// is.
TEST(nested, rounds_to_the_nearest_stored_value) {
  const auto wanted = random_scales(100);
  for (const scale_storage& how : nested_storages) {
    scale_array scales(how, 100);
    scales.prepare(wanted);
    for (bitgauge::index_t i = 0; i < 100; ++i) {
      const scale_array::rounding rounding(scales, i);
      const float scale = wanted[static_cast<std::size_t>(i)], stored = rounding.nearest(scale);
      EXPECT_EQ(rounding.nearest(stored), stored);
      EXPECT_GT(stored, 0);
      scales.set(i, stored);
      EXPECT_EQ(scales[i], stored);
      const auto [below, above] = rounding.around(static_cast<double>(scale));
      EXPECT_LE(std::fabs(stored - scale), std::min(std::fabs(below - scale), std::fabs(above - scale)));
      // no stored value lies between the neighbours
      EXPECT_LE(below, above);
      const float middle = below + (above - below) / 2;
      EXPECT_TRUE(rounding.nearest(middle) == below || rounding.nearest(middle) == above);
      EXPECT_LE(std::fabs(stored - scale) / scale, how.type == scale_type::affine8 ? 0.05f : 0.07f);
    }
    const scale_array copy(how, 100, scales.bytes());
    for (bitgauge::index_t i = 0; i < 100; ++i) EXPECT_EQ(copy[i], scales[i]);
  }
}

// Catches a second level other than bitsandbytes' (offset, factors, restoration).
TEST(nested, dynamic8_agrees_with_bitsandbytes) {
  const auto wanted = random_scales(300);
  scale_array scales(double_quantized{256}, 300);
  scales.prepare(wanted);
  const auto nested = bitsandbytes::nest_absmax(wanted, 256);
  const auto restored = bitsandbytes::restore_absmax(nested);
  int equal = 0;
  for (bitgauge::index_t i = 0; i < 300; ++i) {
    const auto at = static_cast<std::size_t>(i);
    scales.set(i, scale_array::rounding(scales, i).nearest(wanted[at]));
    // bitsandbytes takes the nearest of 65536 points first, which may move a scale on a border to the next
    // code
    EXPECT_NEAR(scales[i], restored[at], 0.03f * nested.codes.absmax[0]);
    equal += scales[i] == restored[at];
  }
  EXPECT_GE(equal, 298);
}

// Catches zeros, or equal scales, that give the second level nothing to divide by.
TEST(nested, degenerate_scales) {
  for (const scale_storage& how : nested_storages) {
    for (const float value : {0.0f, 0.25f}) {
      const std::vector<float> wanted(20, value);
      scale_array scales(how, 20);
      scales.prepare(wanted);
      for (bitgauge::index_t i = 0; i < 20; ++i) {
        scales.set(i, scale_array::rounding(scales, i).nearest(value));
        EXPECT_FLOAT_EQ(scales[i], value);
      }
    }
    EXPECT_EQ(scale_array(how, 0).bytes().size(), 0u);
  }
  EXPECT_EQ(test::message_of<invalid_scheme>([] { scale_array(double_quantized{0}, 4); }),
            "double quantization: expected blocks of at least 1 scale, found 0");
}

/// Every granularity, range extent and grid with scales that are quantized themselves: the codes belong to
/// the scales as they are stored. Catches a pipeline that encodes before the second level is known.
TEST(nested, combines_with_every_grid_and_granularity) {
  std::mt19937 random(8);
  std::normal_distribution<float> normal;
  const Eigen::MatrixXf w = Eigen::MatrixXf::NullaryExpr(24, 100, [&] { return normal(random); });
  for (const scale_storage& how : nested_storages) {
    const auto expect_nearest = [&](const auto& grid, granularity groups) {
      const auto plain = quantize(w, grid, groups), q = quantize(w, grid, groups, how);
      EXPECT_EQ(q, quantize(w, grid, groups, how, options{.threads = 1}));
      const Eigen::MatrixXf r = q.dequantize();
      EXPECT_LT((w - r).squaredNorm(), 1.35f * (w - plain.dequantize()).squaredNorm());
      // requantizing onto the stored scales changes nothing
      for (Eigen::Index row = 0; row < w.rows(); row += 7) {
        for (Eigen::Index col = 0; col < w.cols(); ++col) {
          const float scale = q.scale(q.groups().group_of(row, col));
          if constexpr (plain_grid<std::remove_cvref_t<decltype(grid)>>) {
            EXPECT_EQ(grid.level(grid.nearest(w(row, col) * (1 / scale))) * scale, r(row, col));
          }
        }
      }
    };
    for (const granularity groups :
         {granularity(per_tensor{}), granularity(per_row{}), granularity(per_column{}),
          granularity(per_group{16}), granularity(per_group{33})}) {
      expect_nearest(nf4{}, groups);
      expect_nearest(fp4_e2m1{}, groups);
      expect_nearest(symmetric<4>{}, groups);
      expect_nearest(affine<4>{}, groups);
    }
  }
}

}  // namespace
