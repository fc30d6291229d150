#pragma once

/// \file
/// Blocks so small that their scales are but a few of the least binary16 numbers.

#include <bitgauge/config.hpp>
#include <bitgauge/gguf/formats.hpp>
#include <bitgauge/gguf/quick_row.hpp>
#include <bitgauge/gguf/quick_store.hpp>
#include <bitgauge/gguf/row.hpp>
#include <bitgauge/simd/dispatch.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>

namespace bitgauge::gguf {

namespace detail {

/// The largest magnitude of a level.
template <class Format>
constexpr float last_level() noexcept {
  using levels = typename Format::levels;
  if constexpr (requires { levels::table; }) {
    return static_cast<float>(std::max<int>(-levels::table.front(), levels::table.back()));
  } else {
    return static_cast<float>(std::max(-levels::least, levels::most));
  }
}

/// Below so many of the least binary16 number a scale is too coarse for the quick encoders: with many levels
/// sooner, and with codes that are chosen for the scale before it was rounded.
template <class Format>
constexpr float coarse_units() noexcept {
  if constexpr (requires { requires Format::levels::most >= 127; })
    return quick::encodable<Format> ? 64.0f : 256.0f;
  return 16.0f;
}

/// Scales in binary16, and levels of which each element takes its own.
template <class Format>
concept has_half_scales = !quick::has_byte<typename Format::scale> &&
                          !std::same_as<typename Format::scale, float_scale> && !requires {
  Format::levels::book;
};

}  // namespace detail

/// Up to this magnitude a block has scales of few units of 2^-24: their rounding costs up to a decibel and
/// more unless the search knows of it. 0 for formats without scales in binary16.
template <class Format>
constexpr float small_magnitude() noexcept {
  if constexpr (detail::has_half_scales<Format>) {
    return detail::coarse_units<Format>() * 0x1p-24f * detail::last_level<Format>();
  } else {
    return 0.0f;
  }
}

/// Calls encode_best(j, bytes) for each block, the elements from j on, that is not zero but small. Cost: two
/// comparisons for 32 elements where `known` has their extents; else a pass over the row.
template <class Format, class EncodeBest>
void mend_small_blocks(const float* x, index_t columns, const row_knowledge& known, std::uint8_t* out,
                       const EncodeBest& encode_best) {
  constexpr float small = small_magnitude<Format>();
  constexpr index_t runs = Format::elements / 32;
  if constexpr (small > 0.0f) {
    const bool has_extents = known.low != nullptr && known.high != nullptr;
    for (index_t j = 0; j < columns; j += Format::elements, out += Format::bytes) {
      std::array<float, static_cast<std::size_t>(runs)> lows, highs;
      const float* low = known.low + j / 32;
      const float* high = known.high + j / 32;
      if (!has_extents) {
        simd::rows().extents(x + j, Format::elements, 32, lows.data(), highs.data());
        low = lows.data();
        high = highs.data();
      }
      float magnitude = 0.0f;
      for (index_t r = 0; r < runs; ++r) magnitude = std::max({magnitude, -low[r], high[r]});
      if (magnitude > 0.0f && magnitude <= small) encode_best(j, out);
    }
  }
}

}  // namespace bitgauge::gguf
