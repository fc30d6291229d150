#pragma once

/// \file
/// Trial scales of sixteen sub-blocks at once: the nearest levels at each trial, the least-squares scale (and
/// minimum) of these levels, and what that gains.

#include <bitgauge/gguf/fast/elements.hpp>
#include <bitgauge/gguf/format/search_plan.hpp>
#include <bitgauge/gguf/search/level_set.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace bitgauge::gguf::fast {

/// The best scale and minimum yet of every lane. gain = sum w x^2 - sum w (x - scale level - minimum)^2.
template <class Lanes>
struct fit {
  Lanes scale = Lanes::all(0.0f), minimum = scale, gain = scale;

  /// Keeps what gains more, beyond the rounding of the sums: of equals the first stays.
  [[gnu::always_inline]] void keep(const Lanes& s, const Lanes& m, const Lanes& g) noexcept {
    const auto certain = g * Lanes::all(1.0f - 0x1p-19f);
    scale = where_less(gain, certain, s, scale);
    minimum = where_less(gain, certain, m, minimum);
    gain = where_less(gain, certain, g, gain);
  }
};

/// a / b, or 0 where b is not positive.
template <class Lanes>
[[gnu::always_inline]] inline Lanes ratio(const Lanes& a, const Lanes& b) noexcept {
  const auto zero = Lanes::all(0.0f);
  return where_less(zero, b, a / where_less(zero, b, b, Lanes::all(1.0f)), zero);
}

/// 1 / scale, or 0 where the scale is 0.
template <class Lanes>
[[gnu::always_inline]] inline Lanes inverse_of(const Lanes& scale) noexcept {
  const auto zero = Lanes::all(0.0f), one = Lanes::all(1.0f);
  const auto magnitude = greater(scale, zero - scale);
  return where_less(zero, magnitude, one / where_less(zero, magnitude, scale, one), zero);
}

/// Levels nearest to x * inverse; keeps their least-squares scale, sum w x l / sum w l^2.
template <class Levels, class Lanes, class Block>
[[gnu::always_inline]] inline void try_scale(const Block& block, const Lanes& inverse,
                                             fit<Lanes>& best) noexcept {
  auto with_x = Lanes::all(0.0f), squares = with_x;
  for (std::size_t j = 0; j < Block::count; ++j) {
    const auto level = level_set<Levels>::nearest(Lanes::load(block.x[j].data()) * inverse);
    with_x += Lanes::load(block.weighted_x[j].data()) * level;
    squares += Lanes::load(block.weight[j].data()) * level * level;
  }
  const auto scale = ratio(with_x, squares);
  best.keep(scale, Lanes::all(0.0f), scale * with_x);
}

/// Levels nearest to (x - minimum) * inverse; keeps their least-squares scale and minimum, the minimum at most 0
/// if `Subtracted`.
template <class Levels, bool Subtracted, class Lanes, class Block>
[[gnu::always_inline]] inline void try_scale_minimum(const Block& block, const Lanes& minimum,
                                                     const Lanes& inverse, fit<Lanes>& best) noexcept {
  const auto zero = Lanes::all(0.0f);
  auto with_x = zero, squares = zero, sum = zero;
  for (std::size_t j = 0; j < Block::count; ++j) {
    const auto level = level_set<Levels>::nearest((Lanes::load(block.x[j].data()) - minimum) * inverse);
    const auto weighted = Lanes::load(block.weight[j].data()) * level;
    with_x += Lanes::load(block.weighted_x[j].data()) * level;
    squares += weighted * level;
    sum += weighted;
  }
  const auto weights = Lanes::load(block.sum_weight.data()), sum_x = Lanes::load(block.sum_x.data());
  const auto product = weights * squares, determinant = product - sum * sum;
  const auto enough = product * Lanes::all(0x1p-16f);  // less is rounding: the levels are all alike
  auto scale = ratio(weights * with_x - sum_x * sum, determinant);
  auto shift = ratio(squares * sum_x - sum * with_x, determinant);
  const auto alone = ratio(with_x, squares);  // without a minimum
  scale = where_less(enough, determinant, scale, alone);
  shift = where_less(enough, determinant, shift, zero);
  if constexpr (Subtracted) {
    scale = where_less(zero, shift, alone, scale);
    shift = smaller(shift, zero);
  }
  best.keep(scale, shift, scale * with_x + shift * sum_x);
}

/// sum w (x - scale level - minimum)^2 with the nearest levels.
template <class Levels, bool HasMinimum, class Lanes, class Block>
[[gnu::always_inline]] inline Lanes error_of(const Block& block, const Lanes& scale,
                                             const Lanes& minimum) noexcept {
  const auto inverse = inverse_of(scale);
  auto error = Lanes::all(0.0f);
  for (std::size_t j = 0; j < Block::count; ++j) {
    auto x = Lanes::load(block.x[j].data());
    if constexpr (HasMinimum) x = x - minimum;
    const auto difference = x - level_set<Levels>::nearest(x * inverse) * scale;
    error += Lanes::load(block.weight[j].data()) * difference * difference;
  }
  return error;
}

/// The best scale of each lane, one above 0 if `Positive`: then either end of the levels takes its extreme.
template <class Levels, trials Plan, bool Positive, class Lanes, class Block>
[[gnu::always_inline]] inline fit<Lanes> search_scale(const Block& block) noexcept {
  using set = level_set<Levels>;
  const auto low = Lanes::load(block.low.data()), high = Lanes::load(block.high.data()),
             below = Lanes::all(0.0f) - low;
  constexpr bool far_below = -set::least >= set::most;
  constexpr int first = !far_below ? set::most : Positive ? -set::least : set::least;
  constexpr int second = far_below ? set::most : Positive ? -set::least : set::least;
  const auto per_extreme = inverse_of(Positive ? greater(high, below) : where_less(high, below, low, high));
  fit<Lanes> best;
  static constexpr auto reaches = [] {
    constexpr auto straight = Plan.template reaches<Plan.count>(first);
    constexpr auto turned = Plan.template reaches<Plan.turned>(second);
    std::array<float, straight.size() + turned.size()> all{};
    std::copy(turned.begin(), turned.end(), std::copy(straight.begin(), straight.end(), all.begin()));
    return all;
  }();
  constexpr auto count = static_cast<int>(reaches.size());
  for (int k = 0; k < count + Plan.passes; ++k) {  // one loop: a second one would be compiled again
    const auto inverse =
        k < count ? per_extreme * Lanes::all(reaches[static_cast<std::size_t>(k)]) : inverse_of(best.scale);
    try_scale<Levels>(block, inverse, best);
  }
  return best;
}

/// The best scale and minimum of each lane.
template <class Levels, bool Subtracted, trials Plan, class Lanes, class Block>
[[gnu::always_inline]] inline fit<Lanes> search_scale_minimum(const Block& block) noexcept {
  const auto zero = Lanes::all(0.0f), sum_x = Lanes::load(block.sum_x.data());
  auto low = Lanes::load(block.low.data()), mean = ratio(sum_x, Lanes::load(block.sum_weight.data()));
  if constexpr (Subtracted) {
    low = smaller(low, zero);
    mean = smaller(mean, zero);
  }
  const auto per_length = inverse_of(Lanes::load(block.high.data()) - low);
  fit<Lanes> best;
  best.keep(zero, mean, mean * sum_x);
  static constexpr auto reaches = Plan.template reaches<Plan.count>(level_set<Levels>::most);
  for (int k = 0; k < Plan.count + Plan.passes; ++k) {  // one loop: a second one would be compiled again
    const bool refits = k >= Plan.count;
    const auto inverse =
        refits ? inverse_of(best.scale) : per_length * Lanes::all(reaches[static_cast<std::size_t>(k)]);
    try_scale_minimum<Levels, Subtracted>(block, refits ? best.minimum : low, inverse, best);
  }
  return best;
}

/// The best scale, and minimum where the format has one, of each lane.
template <class Format, trials Plan, class Lanes, class Block>
[[gnu::always_inline]] inline fit<Lanes> search(const Block& block) noexcept {
  using levels = typename Format::levels;
  if constexpr (Format::has_minimum) {
    return search_scale_minimum<levels, subtracted_minimum<typename Format::minimum>, Plan, Lanes>(block);
  } else {
    constexpr bool positive = [] {
      if constexpr (has_super<typename Format::scale>)
        return factor_range<typename Format::scale>::least >= 0;
      return false;
    }();
    return search_scale<levels, Plan, positive, Lanes>(block);
  }
}

}  // namespace bitgauge::gguf::fast
