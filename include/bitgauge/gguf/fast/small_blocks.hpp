#pragma once

/// \file
/// Blocks so small that their scales are but a few of the least binary16 numbers.

#include <bitgauge/base/config.hpp>
#include <bitgauge/gguf/format/block_format.hpp>
#include <bitgauge/gguf/rows/row.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>

namespace bitgauge::gguf {

namespace detail {

/// Below so many of the least binary16 number a scale is too coarse for the fast encoders: with many levels
/// sooner, and with codes that are chosen for the scale before it was rounded.
template <class Format>
constexpr float coarse_units() noexcept {
  if constexpr (requires { requires Format::levels::most >= 127; })
    return Format::fast == fast_rule::extreme ? 64.0f : 256.0f;
  return 16.0f;
}

/// Scales in binary16, or under one.
template <class Format>
concept has_half_scales =
    !has_byte<typename Format::scale> && !std::same_as<typename Format::scale, float_scale>;

/// The largest magnitude that an element can have, in units of the binary16 scale: of sub-scales the greatest
/// counts where elements are coded in vectors, which are no coarser for it.
template <class Format>
constexpr float greatest_level() noexcept {
  if constexpr (vector_levels<typename Format::levels>) {
    constexpr auto& rule = Format::scale::rule;
    return static_cast<float>(Format::levels::book.levels.back() *
                              rule.factor(Format::scale::code_count - 1)) *
           rule.unit();
  } else {
    return static_cast<float>(last_level<typename Format::levels>);
  }
}

/// True where every run of 32 has a magnitude above `small`.
inline bool all_above(const float* low, const float* high, index_t runs, float small) noexcept {
  index_t r = 0;
  bool above = true;
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<width()>;
    lanes least = lanes::all(HUGE_VALF);
    for (; r + lanes::count <= runs; r += lanes::count) {
      const lanes negative = lanes::load(low + r), positive = lanes::load(high + r);
      least = smaller(least, greater(positive, lanes::all(0.0f) - negative));
    }
    std::array<float, lanes::count> each;
    least.store(each.data());
    for (const float magnitude : each) above = above && magnitude > small;
  });
  for (; above && r < runs; ++r) above = std::max(-low[r], high[r]) > small;
  return above;
}

}  // namespace detail

/// Up to this magnitude a block has scales of few units of 2^-24: their rounding costs up to a decibel and
/// more unless the search knows of it. 0 for formats without scales in binary16.
template <class Format>
constexpr float small_magnitude() noexcept {
  if constexpr (detail::has_half_scales<Format>) {
    return detail::coarse_units<Format>() * 0x1p-24f * detail::greatest_level<Format>();
  } else {
    return 0.0f;
  }
}

/// Calls encode_best(j, bytes) for each block, the elements from j on, that is not zero but small. Cost: next
/// to nothing where `known` has the extents of the row; else a pass over it.
template <class Format, class EncodeBest>
void mend_small_blocks(const float* x, index_t columns, const row_hints& known, std::uint8_t* out,
                       const EncodeBest& encode_best) {
  constexpr float small = small_magnitude<Format>();
  constexpr index_t runs = Format::elements / 32;
  if constexpr (small > 0.0f) {
    const bool has_extents = known.low != nullptr && known.high != nullptr;
    if (has_extents && detail::all_above(known.low, known.high, columns / 32, small)) return;
    for (index_t j = 0; j < columns; j += Format::elements, out += Format::bytes) {
      std::array<float, static_cast<std::size_t>(runs)> lows, highs;
      if (!has_extents) simd::extents(x + j, Format::elements, 32, lows.data(), highs.data());
      const float* const low = has_extents ? known.low + j / 32 : lows.data();
      const float* const high = has_extents ? known.high + j / 32 : highs.data();
      float magnitude = 0.0f;
      for (index_t r = 0; r < runs; ++r) magnitude = std::max({magnitude, -low[r], high[r]});
      if (magnitude > 0.0f && magnitude <= small) encode_best(j, out);
    }
  }
}

}  // namespace bitgauge::gguf
