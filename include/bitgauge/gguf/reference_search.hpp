#pragma once

/// \file
/// The searches for the scale of one sub-block that ggml's encoders share: a least-squares fit of the scale
/// for codes found at a few fixed trial scales. Source: ggml's quantizers, `ggml-quants.c`.

#include <bitgauge/gguf/reference_arithmetic.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::reference {

namespace detail {

/// Sums of w x l and w l^2 over signed codes l.
struct projection {
  float with_x = 0.0f, squares = 0.0f;

  void add(float weight, float x, int code) noexcept {
    const auto level = static_cast<float>(code);
    with_x += product(weight * x, level);
    squares += product(weight * level, level);
  }
  void remove(float weight, float x, int code) noexcept {
    const auto level = static_cast<float>(code);
    with_x -= product(weight * x, level);
    squares -= product(weight * level, level);
  }
  /// True where this explains more of x than `other`: with_x^2 / squares compared without a division.
  bool exceeds(const projection& other) const noexcept {
    return with_x * with_x * other.squares > other.with_x * other.with_x * squares;
  }
  float scale() const noexcept { return squares > 0.0f ? with_x / squares : 0.0f; }
};

}  // namespace detail

/// Codes 0..2*most-1 standing for -most..most-1, for Count elements with weights. Returns the scale.
template <int Count>
float search_without_minimum(int most, const float* x, const float* weight, std::uint8_t* codes) noexcept {
  const float extreme = signed_extreme(x, Count);
  if (std::abs(extreme) < negligible) {
    std::fill_n(codes, Count, std::uint8_t{0});
    return 0.0f;
  }
  const auto project = [&](float inverse_scale) {
    detail::projection sums;
    for (int j = 0; j < Count; ++j) sums.add(weight[j], x[j], nearest(inverse_scale * x[j], -most, most - 1));
    return sums;
  };
  const auto keep = [&](float inverse_scale) {
    for (int j = 0; j < Count; ++j) {
      codes[j] = static_cast<std::uint8_t>(nearest(inverse_scale * x[j], -most, most - 1) + most);
    }
  };
  const auto range = static_cast<float>(most);
  const detail::projection start = project(-range / extreme);
  keep(-range / extreme);
  float scale = start.squares != 0.0f ? start.with_x / start.squares : 0.0f;
  float best = scale * start.with_x;
  for (int i = -9; i <= 9; ++i) {
    if (i == 0) continue;
    const float inverse_scale = -(range + product(0.1f, static_cast<float>(i))) / extreme;
    const detail::projection sums = project(inverse_scale);
    if (sums.squares > 0.0f && sums.with_x * sums.with_x > best * sums.squares) {
      keep(inverse_scale);
      scale = sums.with_x / sums.squares;
      best = scale * sums.with_x;
    }
  }
  return scale;
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
  detail::projection sums;
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
      detail::projection without = sums;
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
  detail::projection sums;
  for (int j = 0; j < Count; ++j) {
    codes[j] = static_cast<std::uint8_t>(std::min(nearest(inverse_scale * x[j]), most));
    sums.add(weight[j], x[j], codes[j]);
  }
  bool changed = true;
  for (int pass = 0; pass < 5 && changed; ++pass) {
    changed = false;
    for (int j = 0; j < Count; ++j) {
      detail::projection without = sums;
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
