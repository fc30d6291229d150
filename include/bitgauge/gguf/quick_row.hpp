#pragma once

/// \file
/// The quick encoders of Q8_0, Q4_0 and Q5_0: the scale that ggml takes, from the extreme element, but codes
/// for the scale as stored.

#include <bitgauge/config.hpp>
#include <bitgauge/gguf/formats.hpp>
#include <bitgauge/simd/dispatch.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bitgauge::gguf::quick {

/// Formats of 32 integers and one scale.
template <class Format>
concept encodable = std::same_as<Format, q8_0> || std::same_as<Format, q4_0> || std::same_as<Format, q5_0>;

/// Blocks that are encoded together: their parameters and codes stay in the first-level cache.
inline constexpr index chunk = 64;

/// Sets `stored` to the binary16 scale under which the extreme of low..high is the last level; returns the
/// inverse of that scale, 0 where it is 0.
template <encodable Format>
float scale_of(float low, float high, std::uint16_t& stored) noexcept {
  constexpr auto least = static_cast<float>(Format::levels::least);
  const float extreme = -low > high ? low : high;
  // A grid that reaches further below zero has the extreme there, whatever its sign.
  const float wanted = least < -static_cast<float>(Format::levels::most) ? extreme / least : extreme / -least;
  stored = std::clamp(std::abs(wanted), 0.0f, 65504.0f) == std::abs(wanted)
               ? numeric::half_from_float(wanted)
               : numeric::half_from_float(wanted < 0.0f ? -65504.0f : 65504.0f);
  const float scale = numeric::half_to_float(stored);
  return scale != 0.0f ? 1.0f / scale : 0.0f;
}

/// Writes the codes of one block, a byte each, at their place in it.
template <encodable Format>
void place_codes(const std::uint8_t* codes, std::uint8_t* block) noexcept {
  if constexpr (Format::bytes == 34) {
    std::memcpy(block + 2, codes, 32);
  } else {
    std::uint8_t* nibbles = block + Format::bytes - 16;
    for (int j = 0; j < 16; ++j) {
      nibbles[j] = static_cast<std::uint8_t>((codes[j] & 15) | codes[16 + j] << 4);
    }
    if constexpr (Format::bytes == 22) {
      std::uint32_t fifth = 0;
      for (int j = 0; j < 32; ++j) fifth |= static_cast<std::uint32_t>(codes[j] >> 4) << j;
      for (int b = 0; b < 4; ++b) block[2 + b] = static_cast<std::uint8_t>(fifth >> (8 * b));
    }
  }
}

/// Encodes `columns` finite elements, whole blocks. Cost: two passes over the row, at the speed of the row
/// primitives.
template <encodable Format>
void encode_blocks(const float* x, index columns, std::uint8_t* out) noexcept {
  const simd::row_operations& rows = simd::rows();
  std::array<float, chunk> low, high, inverse;
  std::array<std::uint16_t, chunk> stored;
  std::array<std::int32_t, chunk> zero;
  std::array<std::uint8_t, 32 * chunk> codes;
  zero.fill(Format::levels::zero);
  for (index done = 0; done < columns; done += 32 * chunk) {
    const index count = std::min(columns - done, 32 * chunk);
    rows.extents(x + done, count, 32, low.data(), high.data());
    for (std::size_t b = 0; b < static_cast<std::size_t>(count / 32); ++b) {
      inverse[b] = scale_of<Format>(low[b], high[b], stored[b]);
    }
    rows.encode(x + done, count, 32, inverse.data(), zero.data(),
                Format::levels::least + Format::levels::zero, Format::levels::most + Format::levels::zero,
                codes.data(), {});
    for (std::size_t b = 0; b < static_cast<std::size_t>(count / 32); ++b, out += Format::bytes) {
      out[0] = static_cast<std::uint8_t>(stored[b] & 255u);
      out[1] = static_cast<std::uint8_t>(stored[b] >> 8);
      place_codes<Format>(codes.data() + 32 * b, out);
    }
  }
}

}  // namespace bitgauge::gguf::quick
