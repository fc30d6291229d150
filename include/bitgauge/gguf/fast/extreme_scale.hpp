#pragma once

/// \file
/// The fast encoder of fast_rule::extreme, Q8_0, Q4_0 and Q5_0: the scale that ggml takes, from the extreme
/// element, but codes for the scale as stored.

#include <bitgauge/base/config.hpp>
#include <bitgauge/gguf/fast/fit.hpp>
#include <bitgauge/gguf/format/block_format.hpp>
#include <bitgauge/gguf/rows/row.hpp>
#include <bitgauge/simd/lanes/halves.hpp>
#include <bitgauge/simd/multiversion.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bitgauge::gguf::fast {

/// 32 integers of 4, 5 or 8 bits under one binary16 scale, which comes first.
template <class Format>
concept has_extreme_scale =
    Format::fast == fast_rule::extreme && Format::family == block_family::one_scale &&
    Format::elements == 32 && (Format::bytes == 18 || Format::bytes == 22 || Format::bytes == 34);

/// Blocks that are encoded together: their parameters and codes stay in the first-level cache.
inline constexpr index_t chunk = 32;

/// The scales under which the extremes of `count` blocks are the last level, as stored; and their inverses, 0
/// for 0.
template <has_extreme_scale Format>
void scales_of(const float* low, const float* high, index_t count, std::uint16_t* stored,
               float* inverse) noexcept {
  constexpr float least = Format::levels::least, most = Format::levels::most;
  alignas(64) std::array<float, chunk> wanted, scale;
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<width()>;
    for (index_t b = 0; b < count; b += lanes::count) {
      const auto negative = lanes::load(low + b), positive = lanes::load(high + b), zero = lanes::all(0.0f);
      const auto extreme = where_less(positive, zero - negative, negative, positive);
      // A grid that reaches further below zero has the extreme there, whatever its sign.
      const auto last = lanes::all(least < -most ? least : most);
      (extreme / last).store(wanted.data() + b);
    }
  });
  simd::nearest_halves(wanted.data(), count, stored, scale.data());
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<width()>;
    for (index_t b = 0; b < count; b += lanes::count)
      inverse_of(lanes::load(scale.data() + b)).store(inverse + b);
  });
}

/// Writes the codes of one block, a byte each, at their place in it.
template <has_extreme_scale Format>
void place_codes(const std::uint8_t* codes, std::uint8_t* block) noexcept {
  if constexpr (Format::bytes == 34) {
    std::memcpy(block + 2, codes, 32);
  } else {
    std::uint8_t* nibbles = block + Format::bytes - 16;
    for (int j = 0; j < 16; ++j) {
      nibbles[j] = static_cast<std::uint8_t>((codes[j] & 15) | codes[16 + j] << 4);
    }
    if constexpr (Format::bytes == 22) {
      std::memset(block + 2, 0, 4);
      detail::place_bits(codes, 4, 4, block + 2);
    }
  }
}

/// Encodes `columns` finite elements, whole blocks. Cost: two passes over the row, at the speed of the row
/// primitives; one where the extents are known.
template <has_extreme_scale Format>
void encode_by_extreme(const float* x, index_t columns, const row_hints& known, std::uint8_t* out) noexcept {
  const simd::row_operations& rows = simd::row_kernels();
  alignas(64) std::array<float, chunk> low{}, high{}, inverse;
  std::array<std::uint16_t, chunk> stored;
  std::array<std::int32_t, chunk> zero;
  std::array<std::uint8_t, 32 * chunk> codes;
  zero.fill(Format::levels::zero);
  for (index_t done = 0; done < columns; done += 32 * chunk) {
    const index_t count = std::min(columns - done, 32 * chunk), blocks = count / 32;
    if (known.low != nullptr && known.high != nullptr) {
      std::copy_n(known.low + done / 32, blocks, low.data());
      std::copy_n(known.high + done / 32, blocks, high.data());
    } else {
      simd::extents(x + done, count, 32, low.data(), high.data());
    }
    scales_of<Format>(low.data(), high.data(), blocks, stored.data(), inverse.data());
    const bool another = 2 * count <= columns - done && known.low == nullptr;
    const float* const next = another                 ? x + done + count
                              : known.next != nullptr ? known.next + done
                                                      : nullptr;
    rows.encode(x + done, count, 32, inverse.data(), zero.data(),
                Format::levels::least + Format::levels::zero, Format::levels::most + Format::levels::zero,
                codes.data(), {.next = next});
    for (std::size_t b = 0; b < static_cast<std::size_t>(blocks); ++b, out += Format::bytes) {
      out[0] = static_cast<std::uint8_t>(stored[b] & 255u);
      out[1] = static_cast<std::uint8_t>(stored[b] >> 8);
      place_codes<Format>(codes.data() + 32 * b, out);
    }
  }
}

}  // namespace bitgauge::gguf::fast
