#pragma once

/// \file
/// Codes of listed levels, with the instruction set in use: encoding by bounds between the levels, decoding
/// by table.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/level_buckets.hpp>
#include <bitgauge/simd/portable/levels.hpp>
#include <bitgauge/simd/x86/avx512/levels.hpp>
#include <bitgauge/simd/x86/avx512_vbmi/levels.hpp>

#include <array>
#include <cstdint>

namespace bitgauge::simd {

inline constexpr operation_table<level_operations> level_table;

/// out[i] = fields[r], r the number of the first 15 of 16 ascending `bounds` that lie below x[i] * inverse,
/// which is not NaN.
inline void encode_levels(const float* x, index_t count, float inverse, const float* bounds,
                          const std::uint8_t* fields, std::uint8_t* out) {
  level_table.in_use().encode_levels(x, count, inverse, bounds, fields, out);
}

/// The same for up to 256 levels: out[i] = fields[r], r the number of `bounds` below x[i] * inverse. Four
/// bytes can be read from each of the 256 fields.
inline void encode_many_levels(const float* x, index_t count, float inverse,
                               const std::array<float, level_buckets::capacity>& bounds,
                               const level_buckets& buckets, const std::uint8_t* fields, std::uint8_t* out) {
  level_table.in_use().encode_many_levels(x, count, inverse, bounds, buckets, fields, out);
}

/// out[i] = levels[fields[i]] * scale, one scale for each `run` elements, 2^bits levels.
inline void decode_levels(const std::uint8_t* fields, index_t count, index_t run, const float* scale,
                          const float* levels, int bits, float* out) {
  level_table.in_use().decode_levels(fields, count, run, scale, levels, bits, out);
}

}  // namespace bitgauge::simd
