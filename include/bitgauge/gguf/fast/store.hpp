#pragma once

/// \file
/// How the fast search stores the scales and minima that it found: rounded to what the block can hold,
/// and where that is coarse, the best of the neighbours.

#include <bitgauge/gguf/fast/fit.hpp>
#include <bitgauge/gguf/format/block_format.hpp>
#include <bitgauge/gguf/search/stored_half.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::fast {

/// Values of sixteen sub-blocks, in units of their blocks, as multiples of super-scales.
template <class Lanes, class Storage, int PerBlock>
struct multiples {
  using range = factor_range<Storage>;
  sixteen super_real;  ///< as stored
  Lanes super, factor;

  [[gnu::always_inline]] multiples(const Lanes& values, const sixteen& unit) noexcept {
    sixteen each, in_units;
    values.store(each.data());
    for (std::size_t b = 0; b < 16; b += PerBlock) {
      const float real = super_half(range::super_for(&each[b], PerBlock) * unit[b]);
      std::fill_n(&super_real[b], PerBlock, real);
      std::fill_n(&in_units[b], PerBlock, real / unit[b]);
    }
    super = Lanes::load(in_units.data());
    factor = beside(values * inverse_of(super), 0.0f);
  }
  /// The factors `step` above, within the range.
  [[gnu::always_inline]] static Lanes beside(const Lanes& factor, float step) noexcept {
    const auto moved = factor + Lanes::all(step);
    return smaller(greater(moved, Lanes::all(range::least)), Lanes::all(range::most)).rounded();
  }
  void write(std::size_t block, scale_codes<PerBlock>& codes) const noexcept {
    sixteen each;
    factor.store(each.data());
    codes.super = super_real[block * PerBlock];
    for (std::size_t s = 0; s < PerBlock; ++s) codes.sub[s] = range::code(each[block * PerBlock + s]);
  }
};

/// Parameters as stored, in units of the blocks.
struct stored_parameters {
  alignas(64) sixteen scale{}, minimum{};
};

/// Scales of one byte: of `count` codes, from `turned` below that which puts the extreme element on the last
/// level on, the one of least error.
template <class Format, trials Plan, class Lanes, class Block, std::size_t Blocks>
requires(Format::family == block_family::byte_scale)
[[gnu::always_inline]] inline void fit_and_store(const Block& block,
                                                 std::array<block_codes<Format>, Blocks>& codes,
                                                 stored_parameters& stored) noexcept {
  using levels = typename Format::levels;
  constexpr auto& values = code_values<typename Format::scale>;
  std::array<int, 16> start;
  for (std::size_t i = 0; i < 16; ++i) {
    const float wanted = std::max(block.high[i], -block.low[i]) / level_set<levels>::most * block.unit[i];
    start[i] = static_cast<int>(std::upper_bound(values.begin(), values.end(), wanted) - values.begin()) - 1;
  }
  const auto at = [&](std::size_t i, int k) {
    const int code = start[i] - Plan.turned + k;
    return static_cast<std::size_t>(std::clamp(code, 0, static_cast<int>(values.size()) - 1));
  };
  const auto zero = Lanes::all(0.0f);
  auto least = Lanes::all(HUGE_VALF), best = zero;
  for (int k = 0; k < Plan.count; ++k) {
    sixteen scale;
    for (std::size_t i = 0; i < 16; ++i) scale[i] = values[at(i, k)] / block.unit[i];
    const auto error = error_of<levels, false>(block, Lanes::load(scale.data()), zero);
    best = where_less(error, least, Lanes::all(static_cast<float>(k)), best);
    least = smaller(least, error);
  }
  sixteen chosen;
  best.store(chosen.data());
  for (std::size_t i = 0; i < 16; ++i) {
    const std::size_t code = at(i, static_cast<int>(chosen[i]));
    codes[i / Format::sub_blocks].scale.sub[i % Format::sub_blocks] = static_cast<std::uint8_t>(code);
    stored.scale[i] = values[code] / block.unit[i];
  }
}

/// A scale and a minimum a block: no neighbour can matter.
template <class Format, trials Plan, class Lanes, class Block, std::size_t Blocks>
requires(Format::family == block_family::scale_min)
[[gnu::always_inline]] inline void fit_and_store(const Block& block,
                                                 std::array<block_codes<Format>, Blocks>& codes,
                                                 stored_parameters& stored) noexcept {
  const auto found = search<Format, Plan, Lanes>(block);
  found.scale.store(stored.scale.data());
  found.minimum.store(stored.minimum.data());
  for (std::size_t b = 0; b < Blocks; ++b) {
    codes[b].scale.super = nearest_half(stored.scale[b] * block.unit[b]);
    stored.scale[b] = codes[b].scale.super / block.unit[b];
    codes[b].minimum.super = nearest_half(stored.minimum[b] * block.unit[b]);
    stored.minimum[b] = codes[b].minimum.super / block.unit[b];
  }
}

/// Super-scales: of the factors nearest to what was found and their neighbours, those of least error.
template <class Format, trials Plan, class Lanes, class Block, std::size_t Blocks>
requires has_super<typename Format::scale>
[[gnu::always_inline]] inline void fit_and_store(const Block& block,
                                                 std::array<block_codes<Format>, Blocks>& codes,
                                                 stored_parameters& stored) noexcept {
  const auto found = search<Format, Plan, Lanes>(block);
  using levels = typename Format::levels;
  constexpr int per_block = Format::sub_blocks;
  const auto zero = Lanes::all(0.0f);
  multiples<Lanes, typename Format::scale, per_block> scales(found.scale, block.unit);
  if constexpr (Format::has_minimum) {
    multiples<Lanes, typename Format::minimum, per_block> minima(zero - found.minimum, block.unit);
    const auto scale_factor = scales.factor, minimum_factor = minima.factor;
    auto least = Lanes::all(HUGE_VALF);
    for (const float a : {0.0f, -1.0f, 1.0f}) {
      for (const float b : {0.0f, -1.0f, 1.0f}) {
        const auto s = scales.beside(scale_factor, a), m = minima.beside(minimum_factor, b);
        const auto error = error_of<levels, true>(block, scales.super * s, zero - minima.super * m);
        scales.factor = where_less(error, least, s, scales.factor);
        minima.factor = where_less(error, least, m, minima.factor);
        least = smaller(least, error);
      }
    }
    // A minimum alone can cost more than zeros.
    const auto of_zeros = error_of<levels, false>(block, zero, zero);
    scales.factor = where_less(of_zeros, least, zero, scales.factor);
    minima.factor = where_less(of_zeros, least, zero, minima.factor);
    (zero - minima.super * minima.factor).store(stored.minimum.data());
    for (std::size_t b = 0; b < Blocks; ++b) minima.write(b, codes[b].minimum);
  } else {
    const auto scale_factor = scales.factor;
    auto least = Lanes::all(HUGE_VALF);
    for (const float a : {0.0f, -1.0f, 1.0f}) {
      const auto s = scales.beside(scale_factor, a);
      const auto error = error_of<levels, false>(block, scales.super * s, zero);
      scales.factor = where_less(error, least, s, scales.factor);
      least = smaller(least, error);
    }
  }
  (scales.super * scales.factor).store(stored.scale.data());
  for (std::size_t b = 0; b < Blocks; ++b) scales.write(b, codes[b].scale);
}

}  // namespace bitgauge::gguf::fast
