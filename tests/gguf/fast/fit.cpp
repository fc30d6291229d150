#include <bitgauge/gguf/fast/fit.hpp>
#include <bitgauge/gguf/format/formats.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace {

using namespace bitgauge;
namespace fast = gguf::fast;
using gguf::sixteen;

struct found {
  sixteen scale, minimum, gain, error;
};

/// What the search finds for sub-blocks of `Format`, in units of 1, with its error by error_of.
template <class Format, gguf::trials Plan>
found search(const std::vector<float>& x, const std::vector<float>& weight) {
  fast::trial_elements<Format::sub_block, 1> block;
  found result;
  block.load(x.data(), weight.empty() ? nullptr : weight.data(), static_cast<bitgauge::index_t>(x.size()));
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<width()>;
    block.template prepare<lanes>();
    const auto best = fast::search<Format, Plan, lanes>(block);
    best.scale.store(result.scale.data());
    best.minimum.store(result.minimum.data());
    best.gain.store(result.gain.data());
    fast::error_of<typename Format::levels, Format::has_minimum>(block, best.scale, best.minimum)
        .store(result.error.data());
  });
  for (std::size_t i = 0; i < 16; ++i) {
    result.scale[i] *= block.unit[i];
    result.minimum[i] *= block.unit[i];
  }
  return result;
}

// Catches wrong normal equations or levels: elements that are levels times a scale are found without error,
// and the scale with them.
TEST(fast_fit, exact_levels_are_found) {
  std::vector<float> x(16 * 32), weight(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const int level = static_cast<int>(i * 7 % 16);
    x[i] = 0.25f * static_cast<float>(1 + i / 32) * static_cast<float>(level) - 1.5f;
    weight[i] = 1.0f + static_cast<float>(i % 3);
  }
  const found f = search<gguf::q4_k, gguf::trials{0.2f, 3, 0, 1}>(x, weight);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_NEAR(f.scale[i], 0.25f * static_cast<float>(1 + i), 1e-4f);
    EXPECT_NEAR(f.minimum[i], -1.5f, 1e-3f);
    EXPECT_LT(f.error[i], 1e-6f);
  }
}

// Catches a positive minimum where only negative ones can be stored, and constants, whose levels are all
// alike.
TEST(fast_fit, positive_elements_need_no_offset) {
  std::vector<float> x(16 * 32, 3.0f);
  for (std::size_t i = 32; i < x.size(); ++i) x[i] = 5.0f + static_cast<float>(i % 11);
  const found f = search<gguf::q4_k, gguf::trials{0.2f, 5, 0, 2}>(x, {});
  for (std::size_t i = 0; i < 16; ++i) EXPECT_LE(f.minimum[i], 0.0f);
  EXPECT_NEAR(f.scale[0] * 15.0f, 3.0f, 1e-5f);
  EXPECT_LT(f.error[0], 1e-9f);
}

// Catches a search that stops at its first trial: its error is at most that of the plain rule, extreme / 32.
TEST(fast_fit, better_than_the_extreme_alone) {
  std::vector<float> x(16 * 16);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = std::sin(static_cast<float>(i * i)) + 0.3f * std::cos(static_cast<float>(5 * i));
  }
  const found plain = search<gguf::q6_k, gguf::trials{0.2f, 1, 0, 0}>(x, {});
  const found f = search<gguf::q6_k, gguf::trials{0.2f, 10, 3, 2}>(x, {});
  double plain_error = 0, error = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    plain_error += static_cast<double>(plain.error[i]);
    error += static_cast<double>(f.error[i]);
    EXPECT_GE(f.gain[i], plain.gain[i]);
  }
  EXPECT_LT(error, 0.95 * plain_error);
}

// Catches a division by zero.
TEST(fast_fit, zeros_have_scale_zero) {
  const found f = search<gguf::q6_k, gguf::trials{0.2f, 3, 1, 1}>(std::vector<float>(16 * 16, 0.0f), {});
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(f.scale[i], 0.0f);
    EXPECT_EQ(f.error[i], 0.0f);
  }
}

}  // namespace
