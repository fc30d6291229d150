#pragma once

/// \file
/// Codes of listed levels: encoding by bounds between the levels, decoding by table.

#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/level_buckets.hpp>
#include <bitgauge/simd/x86/avx512_byte_levels.hpp>
#include <bitgauge/simd/x86/avx512_levels.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace bitgauge::simd {
namespace portable {

/// In chunks, whose comparisons with all bounds side by side compilers turn into vectors.
inline void encode_levels(const float* x, index_t count, float inverse, const float* bounds,
                          const std::uint8_t* fields, std::uint8_t* out) {
  constexpr index_t chunk = 16;
  for (index_t at = 0; at < count; at += chunk) {
    const index_t n = std::min(chunk, count - at);
    float values[chunk] = {};
    std::uint32_t ranks[chunk] = {};
    for (index_t i = 0; i < n; ++i) values[i] = x[at + i] * inverse;
    for (int b = 0; b < 15; ++b)
      for (index_t i = 0; i < chunk; ++i) ranks[i] += bounds[b] < values[i] ? 1u : 0u;
    for (index_t i = 0; i < n; ++i) out[at + i] = fields[ranks[i]];
  }
}

inline void decode_levels(const std::uint8_t* fields, index_t count, index_t run, const float* scale,
                          const float* levels, int /*bits*/, float* out) {
  for (index_t begin = 0; begin < count; begin += run, ++scale) {
    const index_t end = std::min(begin + run, count);
    for (index_t i = begin; i < end; ++i) out[i] = levels[fields[i]] * *scale;
  }
}

}  // namespace portable

/// out[i] = fields[r], r the number of the first 15 of 16 ascending `bounds` that lie below x[i] * inverse,
/// which is not NaN.
inline void encode_levels(const float* x, index_t count, float inverse, const float* bounds,
                          const std::uint8_t* fields, std::uint8_t* out) {
#if BITGAUGE_X86
  if (selected() >= instruction_set::avx512)
    return avx512::encode_levels(x, count, inverse, bounds, fields, out);
#endif
  portable::encode_levels(x, count, inverse, bounds, fields, out);
}

/// The same for up to 256 levels: out[i] = fields[r], r the number of `bounds` below x[i] * inverse. Four
/// bytes can be read from each of the 256 fields.
inline void encode_many_levels(const float* x, index_t count, float inverse,
                               const std::array<float, level_buckets::capacity>& bounds,
                               const level_buckets& buckets, const std::uint8_t* fields, std::uint8_t* out) {
#if BITGAUGE_X86
  if (selected() >= instruction_set::avx512)
    return avx512::encode_many_levels(x, count, inverse, bounds.data(), buckets, fields, out);
#endif
  for (index_t i = 0; i < count; ++i) out[i] = fields[buckets.rank(x[i] * inverse, bounds)];
}

/// out[i] = levels[fields[i]] * scale, one scale for each `run` elements, 2^bits levels.
inline void decode_levels(const std::uint8_t* fields, index_t count, index_t run, const float* scale,
                          const float* levels, int bits, float* out) {
#if BITGAUGE_X86
  // tables are loaded for the row as a whole; the last run may be shorter, but not by part of a vector
  if (selected() >= instruction_set::avx512_vbmi && bits > 4 && count >= 512 &&
      (run % 16 == 0 || run >= count)) {
    float all[256];  // fields do not reach beyond the levels, but tables do
    if (bits < 8) {
      std::fill(std::copy_n(levels, std::size_t{1} << bits, all), all + 256, 0.0f);
      levels = all;
    }
    const index_t whole_run = run >= count ? (count + 15) / 16 * 16 : run;
    const index_t done = avx512_vbmi::decode_byte_levels(fields, count, whole_run, scale, levels, out);
    for (index_t at = done; at < count;) {  // less than 64 elements, from within a run on
      const index_t end = std::min((at / run + 1) * run, count);
      avx512::decode_levels(fields + at, end - at, end - at, scale + at / run, levels, bits, out + at);
      at = end;
    }
    return;
  }
  if (selected() >= instruction_set::avx512)
    return avx512::decode_levels(fields, count, run, scale, levels, bits, out);
#endif
  portable::decode_levels(fields, count, run, scale, levels, bits, out);
}

}  // namespace bitgauge::simd
