#pragma once

/// \file
/// The fast search of the formats with one scale a block: sixteen blocks at once, a few dozen trial scales,
/// for each the least-squares scale of the levels nearest to x / scale, and of the numbers that can be stored
/// there the best.

#include <bitgauge/gguf/fast/fit.hpp>
#include <bitgauge/gguf/fast/store.hpp>
#include <bitgauge/gguf/format/block_format.hpp>
#include <bitgauge/numeric/half.hpp>

#include <algorithm>
#include <array>
#include <cfloat>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bitgauge::gguf::fast {

/// The scale of least error yet of every lane.
template <class Lanes>
struct closest_scale {
  Lanes scale = Lanes::all(0.0f), error = Lanes::all(FLT_MAX);

  /// Of equals the first stays; a scale must have less than `share` of the error to replace another.
  [[gnu::always_inline]] void keep(const Lanes& s, const Lanes& e, float share = 1.0f) noexcept {
    const auto allowed = error * Lanes::all(share);
    scale = where_less(e, allowed, s, scale);
    error = where_less(e, allowed, e, error);
  }
};

/// Levels nearest to t = x * inverse; keeps their least-squares scale, s (1 + sum w r l / sum w l^2) where s
/// = 1 / inverse and r = t - l. From residuals, as eight bits leave an error of the size of what rounds away
/// from sum w x^2.
template <class Levels, class Lanes, class Block>
[[gnu::always_inline]] inline void try_closest(const Block& block, const Lanes& inverse,
                                               closest_scale<Lanes>& best) noexcept {
  auto residuals = Lanes::all(0.0f), products = residuals, squares = residuals;
  for (std::size_t j = 0; j < Block::count; ++j) {
    const auto value = Lanes::load(block.x[j].data()) * inverse;
    const auto level = level_set<Levels>::nearest(value), residual = value - level;
    const auto w = Lanes::load(block.weight[j].data()), weighted = w * residual;
    residuals += weighted * residual;
    products += weighted * level;
    squares += w * level * level;
  }
  const auto scale = inverse_of(inverse), change = ratio(products, squares);
  best.keep(scale + scale * change, (residuals - change * products) * (scale * scale));
}

/// The best scale of each lane that any of `reaches`, and some passes from the best of them, lead to.
template <class Levels, class Lanes, class Block>
[[gnu::always_inline]] inline Lanes closest(const Block& block, const Lanes& per_extreme,
                                            std::span<const float> reaches) noexcept {
  constexpr std::size_t passes = 2;
  closest_scale<Lanes> best;
  for (std::size_t k = 0; k < reaches.size() + passes; ++k) {
    const auto inverse = k < reaches.size() ? per_extreme * Lanes::all(reaches[k]) : inverse_of(best.scale);
    try_closest<Levels>(block, inverse, best);
  }
  return best.scale;
}

/// The number that a storage holds for `scale`, and its neighbour away from zero (`step` 1) or towards it
/// (-1).
template <class Storage>
float stored_beside(float scale, int step) noexcept {
  if constexpr (std::same_as<Storage, float_scale>) {
    return scale;
  } else {
    const std::uint16_t pattern = numeric::half_from_float(std::clamp(scale, -65504.0f, 65504.0f));
    const int magnitude = std::clamp((pattern & 0x7fff) + step, 0, 0x7bff);
    return numeric::half_to_float(static_cast<std::uint16_t>((pattern & 0x8000) | magnitude));
  }
}

/// Chooses the scale of every block among what ggml's rule would store (with either sign where the levels are
/// not alike on both sides of zero, as the extreme may occur with both), what is stored for the best scale
/// found, and the neighbours of that, which matter where binary16 ends: by the error that the block will
/// have. Never one of more error than the rule's.
template <class Format, class Lanes, class Block, std::size_t Blocks>
requires(Format::family == block_family::one_scale)
[[gnu::always_inline]] inline void fit_and_store(const Block& block, std::span<const float> reaches,
                                                 std::array<block_codes<Format>, Blocks>& codes,
                                                 stored_parameters& stored) noexcept {
  using levels = typename Format::levels;
  constexpr bool symmetric = level_set<levels>::least == -level_set<levels>::most;
  const auto zero = Lanes::all(0.0f), low = Lanes::load(block.low.data()),
             high = Lanes::load(block.high.data());
  const auto extreme = greater(high, zero - low);
  sixteen rule, found;
  (extreme / Lanes::all(Format::normal_plan.rule)).store(rule.data());
  closest<levels>(block, inverse_of(extreme), reaches).store(found.data());
  struct candidate {
    const sixteen& scale;
    float sign;
    int step;
  };
  closest_scale<Lanes> best;
  for (const candidate& c :
       {candidate{rule, 1, 0}, {rule, -1, 0}, {found, 1, 0}, {found, 1, -1}, {found, 1, 1}}) {
    if (symmetric && c.sign < 0) continue;
    sixteen kept;
    for (std::size_t b = 0; b < Blocks; ++b) {
      kept[b] =
          stored_beside<typename Format::scale>(c.scale[b] * block.unit[b] * c.sign, c.step) / block.unit[b];
    }
    const auto scale = Lanes::load(kept.data());
    // what replaces the rule's scale has less error beyond the rounding of the sums
    best.keep(scale, error_of<levels, false>(block, scale, zero), 1.0f - 0x1p-14f);
  }
  best.scale.store(stored.scale.data());
  for (std::size_t b = 0; b < Blocks; ++b) codes[b].scale.super = stored.scale[b] * block.unit[b];
}

}  // namespace bitgauge::gguf::fast
