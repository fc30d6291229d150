#pragma once

/// \file
/// Fits one grid of evenly spaced levels to a few weighted elements, from many starts.

#include <bitgauge/gguf/search/affine_error.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace bitgauge::gguf::best {

/// Where the first and the last level of a grid may lie.
struct grid_ends {
  float bottom_least, bottom_most, top_least, top_most;

  /// Ends near `low` and `high`, between `beyond` outside of them and `cut` inside.
  static grid_ends near(float low, float high, float beyond, float cut) noexcept {
    return {low - beyond, low + cut, high - cut, high + beyond};
  }

  /// Cut no element by more than would cost `error` by itself: no better grid does.
  template <std::size_t Count>
  void limit_cut(const float* x, const float* weight, float error) noexcept {
    for (std::size_t j = 0; j < Count; ++j) {
      const float cut = std::sqrt(error / weight[j]);
      bottom_most = std::min(bottom_most, x[j] + cut);
      top_least = std::max(top_least, x[j] - cut);
    }
  }
};

/// x is about scale * level + minimum.
struct affine_fit {
  float scale = 0.0f, minimum = 0.0f, error = HUGE_VALF;
};

/// The best of the fits that `passes` alternations between nearest levels and least squares lead to, from
/// Bottoms x Tops grids whose ends are spread evenly over `ends`. The best sixteen, one of each lane, go on
/// for `more` passes.
template <int Most, int Count, int Bytes, int Bottoms, int Tops>
[[gnu::always_inline]] inline affine_fit fit_affine(const float* x, const float* weight,
                                                    const grid_ends& ends, int passes,
                                                    int more = 0) noexcept {
  static_assert(Bottoms * Tops % 16 == 0);
  using lanes = simd::lanes<Bytes>;
  constexpr auto bottom_share = 1.0f / static_cast<float>(Bottoms - 1);
  constexpr auto top_share = 1.0f / static_cast<float>(Tops - 1);
  const float widest = ends.top_most - ends.bottom_least;
  lanes best_scale = lanes::all(0.0f), best_minimum = best_scale, least = lanes::all(HUGE_VALF);
  for (int first = 0; first < Bottoms * Tops; first += 16) {
    std::array<float, 16> scale, minimum;
    for (int k = 0; k < 16; ++k) {
      const auto i = static_cast<float>((first + k) / Tops), t = static_cast<float>((first + k) % Tops);
      const float bottom =
          ends.bottom_least + product(ends.bottom_most - ends.bottom_least, i * bottom_share);
      const float top = ends.top_most - product(ends.top_most - ends.top_least, t * top_share);
      minimum[static_cast<std::size_t>(k)] = bottom;
      scale[static_cast<std::size_t>(k)] = std::max(top - bottom, 0.1f * widest) / static_cast<float>(Most);
    }
    lanes of_scale = lanes::load(scale.data()), of_minimum = lanes::load(minimum.data()), of_error;
    for (int pass = 0; pass < passes; ++pass) {
      of_error = least_squares_step<Most, Count>(x, weight, of_scale, of_minimum);
    }
    best_scale = where_less(of_error, least, of_scale, best_scale);
    best_minimum = where_less(of_error, least, of_minimum, best_minimum);
    least = smaller(of_error, least);
  }
  for (int pass = 0; pass < more; ++pass) {
    least = least_squares_step<Most, Count>(x, weight, best_scale, best_minimum);
  }
  std::array<float, 16> scale, minimum, error;
  best_scale.store(scale.data());
  best_minimum.store(minimum.data());
  least.store(error.data());
  affine_fit best;
  for (std::size_t k = 0; k < 16; ++k) {
    if (scale[k] > 0.0f && error[k] < best.error) best = {scale[k], minimum[k], error[k]};
  }
  best.error = std::max(best.error, 0.0f);
  return best;
}

}  // namespace bitgauge::gguf::best
