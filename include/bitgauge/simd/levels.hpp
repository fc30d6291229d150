#pragma once

/// \file
/// Codes of listed levels, with the instruction set in use: encoding by bounds between the levels, decoding
/// by table.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/level_buckets.hpp>
#include <bitgauge/simd/portable/levels.hpp>

#include <array>
#include <cstdint>

namespace bitgauge::simd {

/// out[i] = fields[r], r the number of the first 15 of 16 ascending `bounds` that lie below x[i] * inverse,
/// which is not NaN.
BITGAUGE_DECLARE void encode_levels(const float* x, index_t count, float inverse, const float* bounds,
                                    const std::uint8_t* fields, std::uint8_t* out);

/// The same for up to 256 levels: out[i] = fields[r], r the number of `bounds` below x[i] * inverse. Four
/// bytes can be read from each of the 256 fields.
BITGAUGE_DECLARE void encode_many_levels(const float* x, index_t count, float inverse,
                                         const std::array<float, level_buckets::capacity>& bounds,
                                         const level_buckets& buckets, const std::uint8_t* fields,
                                         std::uint8_t* out);

/// out[i] = levels[fields[i]] * scale, one scale for each `run` elements, 2^bits levels.
BITGAUGE_DECLARE void decode_levels(const std::uint8_t* fields, index_t count, index_t run,
                                    const float* scale, const float* levels, int bits, float* out);

}  // namespace bitgauge::simd

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/simd/levels_definitions.hpp>
#endif
