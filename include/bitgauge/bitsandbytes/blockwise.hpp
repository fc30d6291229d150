#pragma once

/// \file
/// bitsandbytes' block-wise quantization: a flat sequence in blocks that each have their absmax, codes from a
/// codebook on -1..1. Unlike the groups of quantize(), blocks run on from row to row.

#include <bitgauge/error.hpp>
#include <bitgauge/grid/codebook.hpp>
#include <bitgauge/numeric/require_finite.hpp>
#include <bitgauge/numeric/uncontracted.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace bitgauge::bitsandbytes {

/// Codes, one a byte, and one absmax a block: value i is level(codes[i]) * absmax[i / block_size].
struct blockwise_codes {
  index_t block_size = 256;
  std::vector<std::uint8_t> codes;
  std::vector<float> absmax;

  friend bool operator==(const blockwise_codes&, const blockwise_codes&) = default;
};

namespace detail {

inline index_t block_count(index_t count, index_t block_size) noexcept {
  return (count + block_size - 1) / block_size;
}

/// The absmax of every block. Throws invalid_scheme on a block size below 1, data_error on NaN or infinity.
inline std::vector<float> block_absmax(std::span<const float> values, index_t block_size) {
  if (block_size < 1)
    raise(invalid_scheme("block size: expected at least 1, found " + std::to_string(block_size)));
  bitgauge::detail::require_finite(values);
  std::vector<float> absmax(static_cast<std::size_t>(block_count(std::ssize(values), block_size)), 0.0f);
  for (std::size_t i = 0; i < values.size(); ++i) {
    float& largest = absmax[i / static_cast<std::size_t>(block_size)];
    largest = std::max(largest, std::fabs(values[i]));
  }
  return absmax;
}

inline float clamp_to_one(float value) noexcept {
  return std::clamp(value, -1.0f, 1.0f);
}

/// The nearest of the 65536 points i * 2/65535 - 1 to a value on -1..1; every operation rounded in binary32.
inline float lookup_point(float value) noexcept {
  const float position = numeric::uncontracted((value + 1) * 32767.5f);
  return numeric::uncontracted(std::floor(position + 0.5f) * (2.0f / 65535)) - 1;
}

}  // namespace detail

/// Block-wise codes: clamp(x / absmax, -1, 1), moved to the nearest of 65536 equally spaced points on -1..1,
/// then the nearest level, a tie to the lower one. The points are those of the table by which bitsandbytes'
/// native code looks levels up; they change a code only within 2^-16 of a midpoint. This is the rule of the
/// 8-bit optimizer states and of nested scales. A block of zeros gets the code of 0. Throws as block_absmax.
inline blockwise_codes quantize_blockwise(std::span<const float> values, index_t block_size,
                                          const codebook_grid& codebook) {
  blockwise_codes result{block_size, std::vector<std::uint8_t>(values.size()),
                         detail::block_absmax(values, block_size)};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float absmax = result.absmax[i / static_cast<std::size_t>(block_size)];
    const float scaled = absmax > 0 ? detail::lookup_point(detail::clamp_to_one(values[i] / absmax)) : 0.0f;
    result.codes[i] = static_cast<std::uint8_t>(codebook.nearest(scaled));
  }
  return result;
}

/// level(code) * absmax, one rounding. `out` holds as many values as there are codes.
inline void dequantize_blockwise(const blockwise_codes& from, const codebook_grid& codebook,
                                 float* out) noexcept {
  for (std::size_t i = 0; i < from.codes.size(); ++i)
    out[i] = codebook.level(from.codes[i]) * from.absmax[i / static_cast<std::size_t>(from.block_size)];
}

}  // namespace bitgauge::bitsandbytes
