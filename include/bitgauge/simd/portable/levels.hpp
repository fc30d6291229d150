#pragma once

/// \file
/// Codes of listed levels: encoding by bounds between the levels, decoding by table.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/level_buckets.hpp>

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

inline void encode_many_levels(const float* x, index_t count, float inverse,
                               const std::array<float, level_buckets::capacity>& bounds,
                               const level_buckets& buckets, const std::uint8_t* fields, std::uint8_t* out) {
  for (index_t i = 0; i < count; ++i) out[i] = fields[buckets.rank(x[i] * inverse, bounds)];
}

inline void decode_levels(const std::uint8_t* fields, index_t count, index_t run, const float* scale,
                          const float* levels, int /*bits*/, float* out) {
  for (index_t begin = 0; begin < count; begin += run, ++scale) {
    const index_t end = std::min(begin + run, count);
    for (index_t i = begin; i < end; ++i) out[i] = levels[fields[i]] * *scale;
  }
}

}  // namespace portable

// Two tables, so that who decodes alone does not compile what encodes.
struct level_operations {
  decltype(portable::encode_levels)* encode_levels = portable::encode_levels;
  decltype(portable::encode_many_levels)* encode_many_levels = portable::encode_many_levels;
};
struct level_decoding_operations {
  decltype(portable::decode_levels)* decode_levels = portable::decode_levels;
};

}  // namespace bitgauge::simd
