#pragma once

/// \file
/// The searches for the scale of one sub-block that ggml's encoders share: a least-squares fit of the scale
/// for codes found at a few fixed trial scales. Source: ggml's quantizers, `ggml-quants.c`.

#include <bitgauge/gguf/reference/arithmetic.hpp>
#include <bitgauge/gguf/search/sub_block_lanes.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::reference {

/// What search_without_minimum found for each sub-block: the scale, and the codes as the integers nearest to
/// inverse_scale * x, clamped to -most..most-1, plus `most`.
struct signed_scales {
  int most;
  std::array<float, 16> scale, inverse_scale, extreme;

  /// The codes of one sub-block.
  void encode(std::size_t lane, const float* x, int count, std::uint8_t* codes) const noexcept {
    for (int j = 0; j < count; ++j) {
      const int level = nearest(inverse_scale[lane] * x[j], -most, most - 1);
      codes[j] = static_cast<std::uint8_t>(std::abs(extreme[lane]) < negligible ? 0 : level + most);
    }
  }
};

namespace detail {

template <int Count, int Bytes>
[[gnu::always_inline]] inline void search_signed_in_lanes(const sub_block_lanes<Count>& of,
                                                          signed_scales& found) noexcept {
  using lanes = simd::lanes<Bytes>;
  const lanes zero = lanes::all(0.0f);
  const auto magnitude = [&](const lanes& of_which) __attribute__((always_inline)) {
    return greater(of_which, zero - of_which);
  };
  lanes extreme = zero;
  for (const auto& row : of.x) {
    const lanes x = lanes::load(row.data());
    extreme = where_less(magnitude(extreme), magnitude(x), x, extreme);
  }
  const auto range = static_cast<float>(found.most);
  lanes scale = zero, best = zero, kept_inverse = zero;
  for (int k = -1; k <= 18; ++k) {
    const int i = k - 9;  // the start first
    if (i == 0) continue;
    const float wanted = k < 0 ? range : range + product(0.1f, static_cast<float>(i));
    const lanes inverse = lanes::all(-wanted) / extreme;
    lanes with_x = zero, squares = zero;
    for (std::size_t j = 0; j < of.x.size(); ++j) {
      const lanes x = lanes::load(of.x[j].data()), weight = lanes::load(of.weight[j].data());
      const lanes level = (inverse * x).nearest_within(-found.most, found.most - 1);
      with_x += weight * x * level;
      squares += weight * level * level;
    }
    const lanes solved = with_x / squares;
    if (k < 0) {
      // Squares are never negative.
      scale = where_less(zero, squares, solved, zero);
      kept_inverse = inverse;
      best = scale * with_x;
      continue;
    }
    const lanes gained = where_less(zero, squares, with_x * with_x, zero);
    const lanes needed = where_less(zero, squares, best * squares, zero);
    scale = where_less(needed, gained, solved, scale);
    kept_inverse = where_less(needed, gained, inverse, kept_inverse);
    best = where_less(needed, gained, solved * with_x, best);
  }
  where_less(magnitude(extreme), lanes::all(negligible), zero, scale).store(found.scale.data());
  kept_inverse.store(found.inverse_scale.data());
  extreme.store(found.extreme.data());
}

}  // namespace detail

/// Scales and codes of sixteen sub-blocks with weights: the extreme element at -most, and 18 more trials.
template <int Count>
signed_scales search_without_minimum(int most, const sub_block_lanes<Count>& of) noexcept {
  signed_scales found{most, {}, {}, {}};
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    detail::search_signed_in_lanes<Count, width()>(of, found);
  });
  return found;
}

/// The same for one sub-block: codes 0..2*most-1. Returns the scale.
template <int Count>
float search_without_minimum(int most, const float* x, const float* weight, std::uint8_t* codes) noexcept {
  sub_block_lanes<Count> alone;
  alone.set(0, x, weight);
  alone.repeat_first(1);
  const signed_scales found = search_without_minimum(most, alone);
  found.encode(0, x, Count, codes);
  return found.scale[0];
}

/// Codes 0..2*most-1 standing for -most..most-1, weights x^2: one start, then coordinate descent over the
/// codes, at most five passes. Returns the scale.
template <int Count>
float descend_without_minimum(int most, const float* x, std::uint8_t* codes) noexcept {
  const float extreme = signed_extreme(x, Count);
  if (std::abs(extreme) < negligible) {
    std::fill_n(codes, Count, std::uint8_t{0});
    return 0.0f;
  }
  std::array<int, static_cast<std::size_t>(Count)> levels;
  projection<float> sums;
  for (int j = 0; j < Count; ++j) {
    levels[static_cast<std::size_t>(j)] =
        nearest(-static_cast<float>(most) / extreme * x[j], -most, most - 1);
    sums.add(x[j] * x[j], x[j], levels[static_cast<std::size_t>(j)]);
  }
  bool changed = true;
  for (int pass = 0; pass < 5 && changed; ++pass) {
    changed = false;
    for (int j = 0; j < Count; ++j) {
      int& level = levels[static_cast<std::size_t>(j)];
      projection<float> without = sums;
      without.remove(x[j] * x[j], x[j], level);
      if (!(without.with_x > 0.0f)) continue;
      const int wanted = nearest(x[j] * without.squares / without.with_x, -most, most - 1);
      if (wanted == level) continue;
      without.add(x[j] * x[j], x[j], wanted);
      if (without.squares > 0.0f && without.exceeds(sums)) {
        level = wanted;
        sums = without;
        changed = true;
      }
    }
  }
  for (int j = 0; j < Count; ++j) {
    codes[j] = static_cast<std::uint8_t>(levels[static_cast<std::size_t>(j)] + most);
  }
  return sums.scale();
}

/// Codes 0..most for Count numbers of which the largest is positive, as the scales of sub-blocks are; the
/// codes are bytes and wrap below zero. Returns the scale.
template <int Count>
float search_positive(int most, const float* x, const float* weight, std::uint8_t* codes) noexcept {
  const float high = std::max(0.0f, *std::max_element(x, x + Count));
  if (high < negligible) {
    std::fill_n(codes, Count, std::uint8_t{0});
    return 0.0f;
  }
  const auto squared_error = [&](float inverse_scale, int limit) {
    const float scale = 1.0f / inverse_scale;
    float error = 0.0f;
    for (int j = 0; j < Count; ++j) {
      const int level = std::min(nearest(inverse_scale * x[j]), limit);
      const float difference = x[j] - product(scale, static_cast<float>(level));
      error += product(weight[j] * difference, difference);
    }
    return error;
  };
  const auto range = static_cast<float>(most);
  float inverse_scale = range / high;
  float least_error = squared_error(inverse_scale, 255);
  for (int i = -4; i <= 4; ++i) {
    if (i == 0) continue;
    const float trial = (product(0.1f, static_cast<float>(i)) + range) / high;
    const float error = squared_error(trial, most);
    if (error < least_error) {
      least_error = error;
      inverse_scale = trial;
    }
  }
  projection<float> sums;
  for (int j = 0; j < Count; ++j) {
    codes[j] = static_cast<std::uint8_t>(std::min(nearest(inverse_scale * x[j]), most));
    sums.add(weight[j], x[j], codes[j]);
  }
  bool changed = true;
  for (int pass = 0; pass < 5 && changed; ++pass) {
    changed = false;
    for (int j = 0; j < Count; ++j) {
      projection<float> without = sums;
      without.remove(weight[j], x[j], codes[j]);
      if (!(without.with_x > 0.0f && without.squares > 0.0f)) continue;
      const int wanted = std::min(nearest(x[j] * without.squares / without.with_x), most);
      if (wanted == codes[j]) continue;
      without.add(weight[j], x[j], wanted);
      if (without.exceeds(sums)) {
        codes[j] = static_cast<std::uint8_t>(wanted);
        sums = without;
        changed = true;
      }
    }
  }
  return sums.scale();
}

}  // namespace bitgauge::gguf::reference
