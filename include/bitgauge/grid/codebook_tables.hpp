#pragma once

/// \file
/// The codebooks that have a name: NF4, bitsandbytes' FP4, and its dynamic 8-bit maps.

#include <bitgauge/grid/codebook.hpp>

#include <algorithm>
#include <array>

namespace bitgauge {

/// NormalFloat4: quantiles of N(0, 1) scaled to -1..1 with an exact 0 (Dettmers et al., "QLoRA: Efficient
/// Finetuning of Quantized LLMs", NeurIPS 2023, section 3 and appendix E). With Q the normal quantile
/// function and d = 1 - (1/32 + 1/30) / 2, level 7 + i is Q(1/2 + i (d - 1/2) / 8) / Q(d), i = 1..8, and
/// level 7 - i is -Q(1/2 + i (d - 1/2) / 7) / Q(d), i = 1..7.
inline constexpr std::array<float, 16> nf4_levels{
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

/// bitsandbytes' FP4, by bit pattern: sign, two exponent bits, one fraction bit; twelfths, so that the
/// largest is 1. Fields 0 and 8 both stand for 0.
inline constexpr std::array<float, 16> fp4_levels{
    0.0f, 0.0625f / 12,  8.0f / 12,  1.0f,  4.0f / 12,  6.0f / 12,  2.0f / 12,  3.0f / 12,
    0.0f, -0.0625f / 12, -8.0f / 12, -1.0f, -4.0f / 12, -6.0f / 12, -2.0f / 12, -3.0f / 12,
};

namespace detail {

/// Element `i` of `count` floats from 0.1 to 1, equally spaced, rounded as torch.linspace rounds where it
/// works with vectors of eight floats, in pairs: the first of a vector, and each of the rest behind the last
/// pair, is counted from the nearer end; the others from the first of their vector. bitsandbytes' published
/// maps hold these bits.
constexpr float tenth_to_one(int i, int count) {
  const float step = (1.0f - 0.1f) / static_cast<float>(count - 1);
  const int first = i < count / 16 * 16 ? i / 8 * 8 : i;
  const double counted = first < count / 2 ? static_cast<double>(0.1f) + static_cast<double>(step) * first
                                           : 1 - static_cast<double>(step) * (count - 1 - first);
  return static_cast<float>(counted) + step * static_cast<float>(i - first);
}

/// The dynamic map of 8 bits. Seven decades 10^-6 .. 1; decade e holds the means of the neighbours among 2^e
/// + 1 (signed: for either sign) or 2^(e+1) + 1 (unsigned) equally spaced points from a tenth of it to its
/// end; and 0 and 1.
constexpr std::array<float, 256> dynamic_levels(bool is_signed) {
  constexpr float decades[] = {1e-6f, 1e-5f, 1e-4f, 1e-3f, 1e-2f, 1e-1f, 1.0f};
  std::array<float, 256> levels{};
  std::size_t count = 0;
  for (int e = 0; e < 7; ++e) {
    const int points = (1 << (is_signed ? e : e + 1)) + 1;
    for (int i = 0; i + 1 < points; ++i) {
      const float mean = (tenth_to_one(i, points) + tenth_to_one(i + 1, points)) / 2;
      levels[count++] = decades[e] * mean;
      if (is_signed) levels[count++] = -(decades[e] * mean);
    }
  }
  levels[count++] = 0;
  levels[count++] = 1;
  std::sort(levels.begin(), levels.end());
  return levels;
}

}  // namespace detail

/// bitsandbytes' dynamic 8-bit maps, sorted: seven decades, finer where values are large (Dettmers et al.,
/// "8-bit Optimizers via Block-wise Quantization", ICLR 2022, section 2).
inline constexpr std::array<float, 256> dynamic_signed_levels = detail::dynamic_levels(true);
/// The same without a sign, from 0 to 1.
inline constexpr std::array<float, 256> dynamic_unsigned_levels = detail::dynamic_levels(false);

/// The grids of these tables. Their largest level is 1: the scale of a group is its absmax.
struct nf4 : fixed_codebook<nf4_levels> {};
struct fp4 : fixed_codebook<fp4_levels> {};
struct dynamic8 : fixed_codebook<dynamic_signed_levels> {};
/// Levels from 0 to 1: negative values become 0.
struct dynamic8_unsigned : fixed_codebook<dynamic_unsigned_levels> {};

}  // namespace bitgauge
