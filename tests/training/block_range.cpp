#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/training/block_range.hpp>

#include "support/failure.hpp"
#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace bitgauge {
namespace test_of_block_range {

/// Blocks of q4_0 by hand: an f16 scale and 16 bytes of codes, real = scale * (code - 8).
gguf::block_matrix q4_0_blocks(const std::vector<std::uint16_t>& scales) {
  std::vector<std::byte> bytes;
  for (const std::uint16_t scale : scales) {
    bytes.push_back(static_cast<std::byte>(scale & 0xff));
    bytes.push_back(static_cast<std::byte>(scale >> 8));
    bytes.insert(bytes.end(), 16, std::byte{0x88});
  }
  return {gguf::tensor_type::q4_0, 1, static_cast<index_t>(32 * scales.size()), std::move(bytes)};
}

// Catches bounds that are not of the element's own block, the ends of a negative scale, and the half step behind a
// level: with a scale of 0.5 codes stand for -4 .. 3.5, with one of -1 for -7 .. 8.
TEST(block_range, is_that_of_each_block) {
  const Eigen::RowVectorXf x = Eigen::RowVectorXf::LinSpaced(128, -10.01f, 10.02f);
  Eigen::RowVectorXf both(64);
  const auto f = fake_quantize::by([](const Eigen::MatrixXf&) { return q4_0_blocks({0x3800, 0xbc00}); });
  for (index_t part = 0; part < 128; part += 32) {
    both << x.segment(part, 32), x.segment(part, 32);
    const gradient_mask mask = f.mask(both);
    for (index_t i = 0; i < 32; ++i) {
      EXPECT_EQ(mask(0, i), both(i) >= -4.25f && both(i) <= 3.75f) << both(i);
      EXPECT_EQ(mask(0, 32 + i), both(32 + i) >= -7.5f && both(32 + i) <= 8.5f) << both(i);
    }
  }
}

// Catches values of types whose blocks are read wrongly: what a type's own encoder makes of a matrix is in range but
// for the few values that it clips, and ten times those values are outside for the most part.
TEST(block_range, holds_what_encoders_choose) {
  const Eigen::MatrixXf w = test::normal_matrix(4, 512, 1);
  for (const gguf::tensor_type type :
       {gguf::tensor_type::q4_0, gguf::tensor_type::q5_1, gguf::tensor_type::q3_k, gguf::tensor_type::q4_k,
        gguf::tensor_type::iq4_nl, gguf::tensor_type::iq2_xs}) {
    SCOPED_TRACE(std::string(gguf::traits_of(type).name));
    const gguf::block_matrix blocks = quantize(w, type);
    const auto f = fake_quantize::by([&](const Eigen::MatrixXf&) { return blocks; });
    EXPECT_EQ(f.forward(w), blocks.dequantize());
    EXPECT_GE(f.mask(w).count(), w.size() * 9 / 10);
    EXPECT_LE(f.mask(10.0f * w).count(), w.size() / 2);
    EXPECT_TRUE(f.mask(blocks.dequantize()).all());
  }
  EXPECT_TRUE(
      fake_quantize::by([](const auto& x) { return quantize(x, gguf::tensor_type::f16); }).mask(w).all());
}

}  // namespace test_of_block_range
}  // namespace bitgauge
