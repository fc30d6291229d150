#pragma once

/// \file
/// The inner step of the search of scales of one byte: the nearest levels of a few elements at eight trial
/// scales, and the sums from which the error follows.

#include <bitgauge/gguf/search/weighted_sums.hpp>
#include <bitgauge/simd/lanes/float_vector.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

/// The elements of a sub-block with their weights, and the sums that every trial needs.
template <int Count>
struct weighted_elements {
  alignas(64) std::array<float, static_cast<std::size_t>(Count)> x;
  alignas(64) std::array<double, static_cast<std::size_t>(Count)> weight, weighted_x;
  double energy = 0.0;  ///< sum w x^2
  float largest_magnitude = 0.0f;

  weighted_elements(const float* values, const float* importance) noexcept {
    for (int j = 0; j < Count; ++j) {
      const auto at = static_cast<std::size_t>(j);
      const auto value = static_cast<double>(values[j]);
      x[at] = values[j];
      weight[at] = weight_of(importance, j);
      weighted_x[at] = shortened(weight[at] * value);
      energy += product(weighted_x[at], value);
      largest_magnitude = std::max(largest_magnitude, values[j] < 0.0f ? -values[j] : values[j]);
    }
  }
};

/// Eight trial scales, and with each the sums over the levels that it leads to.
struct trial_batch {
  alignas(64) std::array<float, 8> scale{};
  std::array<projection<double>, 8> sums{};
};

/// For every trial the sums over the levels nearest to x / scale. Four trials to a vector of sixteen bytes:
/// what every x86-64 and aarch64 processor has; wider ones would be split where the caller is compiled for
/// less.
template <class LevelSet, int Count>
[[gnu::always_inline]] inline void sum_levels(const weighted_elements<Count>& block,
                                              trial_batch& batch) noexcept {
  using floats = simd::float_vector<4>;
  using doubles = simd::vector<double, 2>;
  for (std::size_t first = 0; first < 8; first += 4) {
    const floats inverse{1.0f / floats::load(&batch.scale[first]).in};
    doubles with_x[2]{}, squares[2]{};
    for (std::size_t j = 0; j < static_cast<std::size_t>(Count); ++j) {
      const floats level = LevelSet::nearest(floats{block.x[j] * inverse.in});
      const doubles exact[2]{{static_cast<double>(level.in[0]), static_cast<double>(level.in[1])},
                             {static_cast<double>(level.in[2]), static_cast<double>(level.in[3])}};
      for (std::size_t h = 0; h < 2; ++h) {
        with_x[h] += block.weighted_x[j] * exact[h];
        squares[h] += block.weight[j] * exact[h] * exact[h];
      }
    }
    for (std::size_t k = 0; k < 4; ++k) batch.sums[first + k] = {with_x[k / 2][k % 2], squares[k / 2][k % 2]};
  }
}

/// The codes of the levels nearest to x / scale, as sum_levels finds them.
template <class LevelSet, int Count>
inline void write_codes(const weighted_elements<Count>& block, float scale, std::uint8_t* codes) noexcept {
  using floats = simd::float_vector<4>;
  const float inverse = 1.0f / scale;
  for (std::size_t j = 0; j < static_cast<std::size_t>(Count); j += 4) {
    const floats level = LevelSet::nearest(floats{floats::load(&block.x[j]).in * inverse});
    for (std::size_t k = 0; k < 4; ++k) codes[j + k] = LevelSet::code_of(static_cast<int>(level.in[k]));
  }
}

}  // namespace bitgauge::gguf::best
