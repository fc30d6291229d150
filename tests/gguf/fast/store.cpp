#include <bitgauge/gguf/fast/store.hpp>
#include <bitgauge/gguf/format/formats.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace {

using namespace bitgauge;
namespace fast = gguf::fast;

/// Stores what is found for `x` and returns the codes; checks that the parameters reported are those that the
/// codes stand for.
template <class Format, gguf::trials Plan>
auto stored(const std::vector<float>& x) {
  fast::trial_elements<Format::sub_block, Format::sub_blocks> block;
  std::array<gguf::block_codes<Format>, 16 / Format::sub_blocks> codes;
  fast::stored_parameters parameters;
  block.load(x.data(), nullptr, static_cast<bitgauge::index_t>(x.size()));
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<width()>;
    block.template prepare<lanes>();
    fast::fit_and_store<Format, Plan, lanes>(block, codes, parameters);
  });
  for (std::size_t i = 0; i < 16; ++i) {
    const auto& of_block = codes[i / Format::sub_blocks];
    const int sub = static_cast<int>(i % Format::sub_blocks);
    EXPECT_EQ(parameters.scale[i] * block.unit[i], of_block.scale_of(sub));
    EXPECT_EQ(parameters.minimum[i] * block.unit[i], of_block.minimum_of(sub));
  }
  return codes;
}

std::vector<float> waves(std::size_t count, float amplitude) {
  std::vector<float> x(count);
  for (std::size_t i = 0; i < count; ++i) {
    x[i] = amplitude * std::sin(static_cast<float>(3 * i)) * static_cast<float>(1 + i / 16 % 5);
  }
  return x;
}

// Catches parameters that are not what the block decodes to: codes of levels chosen for other scales.
TEST(fast_store, reported_parameters_are_those_of_the_codes) {
  for (const float amplitude : {1e-3f, 1.0f, 300.0f}) {
    const auto x = waves(512, amplitude);
    stored<gguf::q4_k, gguf::trials{0.2f, 5, 0, 1}>(x);
    stored<gguf::q2_k, gguf::trials{0.2f, 5, 0, 1}>({x.begin(), x.begin() + 256});
    stored<gguf::q6_k, gguf::trials{0.2f, 5, 1, 1}>({x.begin(), x.begin() + 256});
    stored<gguf::q3_k, gguf::trials{0.2f, 5, 1, 1}>({x.begin(), x.begin() + 256});
    stored<gguf::iq4_xs, gguf::trials{2.0f, 5, 1, 1}>(x);
    stored<gguf::q4_1, gguf::trials{0.2f, 5, 0, 1}>(x);
    stored<gguf::mxfp4, gguf::trials{0.0f, 3, 1, 0}>(x);
    stored<gguf::nvfp4, gguf::trials{0.0f, 9, 2, 0}>({x.begin(), x.begin() + 256});
  }
}

// Catches infinity where binary16 ends, and a largest factor beyond the range.
TEST(fast_store, overflow_saturates) {
  const auto codes = stored<gguf::q6_k, gguf::trials{0.2f, 3, 0, 0}>(waves(256, 1e12f));
  EXPECT_EQ(std::abs(codes[0].scale.super), 65504.0f);
}

// Catches factor ranges of the wrong end: the extreme scale has the factor of largest magnitude.
TEST(fast_store, ranges_of_factors) {
  using signed_bytes = gguf::factor_range<gguf::q6_k::scale>;
  EXPECT_EQ(signed_bytes::least, -128);
  EXPECT_EQ(signed_bytes::most, 127);
  EXPECT_EQ(gguf::factor_range<gguf::q3_k::scale>::least, -32);
  EXPECT_EQ(gguf::factor_range<gguf::q4_k::scale>::most, 63);
  EXPECT_EQ(gguf::factor_range<gguf::q3_k::scale>::code(-32.0f), 0);
  const std::array<float, 3> values{0.5f, -2.0f, 1.0f};
  EXPECT_EQ(signed_bytes::super_for(values.data(), 3), -2.0f / -128);
  EXPECT_EQ(gguf::factor_range<gguf::q2_k::scale>::super_for(values.data(), 3), 1.0f / 15);
}

}  // namespace
