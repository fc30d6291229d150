#pragma once

/// \file
/// The `best` encoder of the formats with one scale and one minimum: Q4_1 and Q5_1.

#include <bitgauge/gguf/best/encoder.hpp>
#include <bitgauge/gguf/search/affine_fit.hpp>
#include <bitgauge/gguf/search/stored_half.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

namespace detail {

/// Alternates between nearest levels and least squares from 192 grids that cover every place where the ends
/// of the best one may lie, then tries the binary16 numbers around its scale and minimum.
template <class Format, int Bytes>
[[gnu::always_inline]] inline void encode_scale_min(const float* values, const float* importance,
                                                    block_codes<Format>& codes) noexcept {
  using lanes = simd::lanes<Bytes>;
  constexpr int most = Format::levels::most, count = Format::elements;
  codes = {};
  const scaled_elements<count> block(values, importance);
  const float* x = block.x.data();
  const float* weight = block.weight.data();
  const auto [low, high] = std::minmax_element(x, x + count);
  const float step = std::max((*high - *low) / static_cast<float>(most), 1e-9f);
  const affine_fit start = fit_affine<most, count, Bytes, 4, 4>(
      x, weight, grid_ends::near(*low, *high, product(0.1f, step), product(0.95f, step)), 2);
  grid_ends ends = grid_ends::near(*low, *high, product(0.6f, step), *high - *low);
  ends.limit_cut<static_cast<std::size_t>(count)>(x, weight, start.error);
  affine_fit fit = fit_affine<most, count, Bytes, 12, 16>(x, weight, ends, 3, 4);
  if (!(fit.error < start.error)) fit = start;

  const auto stored = [&](double value, int next) {
    const float half = nearest_half(std::scalbn(value, block.exponent));
    const auto pattern = static_cast<std::uint16_t>(numeric::half_from_float(half) + next);
    const float other = numeric::half_to_float(pattern);
    return std::scalbn(std::abs(other) <= 65504.0f ? other : half, -block.exponent);
  };
  std::array<float, 16> scale, minimum, error;
  for (int k = 0; k < 16; ++k) {
    const auto at = static_cast<std::size_t>(k);
    scale[at] = stored(static_cast<double>(fit.scale), k / 4 - 1);
    // The minimum of least error moves against the scale.
    const double middle = 0.5 * static_cast<double>(most);
    const double moved = static_cast<double>(fit.minimum) +
                         product(middle, static_cast<double>(fit.scale) - static_cast<double>(scale[at]));
    minimum[at] = stored(moved, k % 4 - 1);
    if (!(scale[at] > 0.0f)) scale[at] = HUGE_VALF;
  }
  affine_error<most, count>(x, weight, lanes::load(scale.data()), lanes::load(minimum.data()))
      .store(error.data());
  std::size_t best = 16;
  for (std::size_t k = 0; k < 16; ++k) {
    if (scale[k] < HUGE_VALF && (best == 16 || error[k] < error[best])) best = k;
  }
  // A constant, where no scale is small enough to do better.
  double sum = 0.0, weights = 0.0, of_constant = 0.0;
  for (std::size_t j = 0; j < static_cast<std::size_t>(count); ++j) {
    sum += product(static_cast<double>(weight[j]), static_cast<double>(x[j]));
    weights += static_cast<double>(weight[j]);
  }
  const auto constant = static_cast<double>(stored(sum / weights, 0));
  for (std::size_t j = 0; j < static_cast<std::size_t>(count); ++j) {
    const double rest = static_cast<double>(x[j]) - constant;
    of_constant += product(static_cast<double>(weight[j]), product(rest, rest));
  }
  if (best == 16 || of_constant < static_cast<double>(error[best])) {
    codes.minimum.super = nearest_half(std::scalbn(constant, block.exponent));
    return;
  }
  codes.scale.super = std::scalbn(scale[best], block.exponent);
  codes.minimum.super = std::scalbn(minimum[best], block.exponent);
  const lanes inverse = lanes::all(1.0f) / lanes::all(scale[best]);
  for (std::size_t j = 0; j < static_cast<std::size_t>(count); j += lanes::count) {
    std::array<float, lanes::count> levels;
    ((lanes::load(x + j) - lanes::all(minimum[best])) * inverse).nearest_within(0, most).store(levels.data());
    for (std::size_t k = 0; k < lanes::count; ++k)
      codes.elements[j + k] = static_cast<std::uint8_t>(levels[k]);
  }
}

}  // namespace detail

template <class Format>
requires(Format::family == block_family::scale_min)
struct encoder<Format> {
  static constexpr index_t together = 1;

  static void encode(const float* x, index_t, const block_context& context,
                     std::array<block_codes<Format>, 1>& codes) noexcept {
    simd::multiversion([&](auto width) __attribute__((always_inline)) {
      detail::encode_scale_min<Format, width()>(x, context.importance, codes[0]);
    });
  }
};

}  // namespace bitgauge::gguf::best
