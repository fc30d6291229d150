#pragma once

/// \file
/// What levels.hpp declares.

#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/levels.hpp>
#include <bitgauge/simd/x86/avx512/levels.hpp>
#include <bitgauge/simd/x86/avx512_vbmi/levels.hpp>

namespace bitgauge::simd {

inline constexpr operation_table<level_operations> level_table;
inline constexpr operation_table<level_decoding_operations> level_decoding_table;

BITGAUGE_DEFINE void encode_levels(const float* x, index_t count, float inverse, const float* bounds,
                                   const std::uint8_t* fields, std::uint8_t* out) {
  level_table.in_use().encode_levels(x, count, inverse, bounds, fields, out);
}

BITGAUGE_DEFINE void encode_many_levels(const float* x, index_t count, float inverse,
                                        const std::array<float, level_buckets::capacity>& bounds,
                                        const level_buckets& buckets, const std::uint8_t* fields,
                                        std::uint8_t* out) {
  level_table.in_use().encode_many_levels(x, count, inverse, bounds, buckets, fields, out);
}

BITGAUGE_DEFINE void decode_levels(const std::uint8_t* fields, index_t count, index_t run, const float* scale,
                                   const float* levels, int bits, float* out) {
  level_decoding_table.in_use().decode_levels(fields, count, run, scale, levels, bits, out);
}

}  // namespace bitgauge::simd
