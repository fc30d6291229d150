#pragma once

/// \file
/// The inner step of the `best` searches: the nearest levels of a few elements at a trial scale, and the sums
/// from which the error and the least-squares scale follow. Written with the vector extensions of GCC and
/// clang, eight elements at a time, so that it compiles to whatever vectors the caller is compiled for.

#include <bitgauge/gguf/format/codebook.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bitgauge::gguf::best {

// Sixteen bytes: what every x86-64 and aarch64 processor has. Wider ones would be split where the caller is
// compiled for less.
using float_lanes = float __attribute__((vector_size(16)));
using integer_lanes = std::int32_t __attribute__((vector_size(16)));
using double_lanes = double __attribute__((vector_size(16)));

/// The elements of a sub-block with their weights, and the sums that every trial needs.
template <int Count>
struct weighted_elements {
  alignas(64) std::array<float, static_cast<std::size_t>(Count)> x;
  alignas(64) std::array<double, static_cast<std::size_t>(Count)> weight, weighted_x;
  double sum_weight = 0.0, sum_x = 0.0, energy = 0.0;  ///< sums of w, w x and w x^2
  float low = 0.0f, high = 0.0f;                       ///< extremes, zero included

  weighted_elements(const float* values, const float* importance) noexcept {
    for (int j = 0; j < Count; ++j) {
      const auto at = static_cast<std::size_t>(j);
      const auto value = static_cast<double>(values[j]);
      x[at] = values[j];
      weight[at] = weight_of(importance, j);
      weighted_x[at] = shortened(weight[at] * value);
      sum_weight += weight[at];
      sum_x += weighted_x[at];
      energy += product(weighted_x[at], value);
      low = std::min(low, values[j]);
      high = std::max(high, values[j]);
    }
  }
  float largest_magnitude() const noexcept { return std::max(high, -low); }
};

/// The integers Least..Most.
template <int Least, int Most>
struct uniform_levels {
  static constexpr int least = Least, most = Most;

  [[gnu::always_inline]] static void nearest(const float_lanes& value, integer_lanes& level) noexcept {
    constexpr float top = Most, bottom = Least;
    float_lanes clamped = value < top ? value : float_lanes{} + top;
    clamped = clamped > bottom ? clamped : float_lanes{} + bottom;
    level = __builtin_convertvector(clamped + (0.5f - bottom), integer_lanes) + Least;
  }
};

/// The doubled E2M1 levels: 0, 1, 2, 3, 4, 6, 8, 12 with a sign.
struct e2m1_level_set {
  static constexpr int least = -12, most = 12;

  [[gnu::always_inline]] static void nearest(const float_lanes& value, integer_lanes& level) noexcept {
    const float_lanes magnitude = value < 0.0f ? -value : value;
    level = integer_lanes{};
    for (std::size_t k = 0; k < 7; ++k) {
      const float half_way = 0.5f * static_cast<float>(e2m1_doubled_levels[k] + e2m1_doubled_levels[k + 1]);
      level += (magnitude > half_way) & (e2m1_doubled_levels[k + 1] - e2m1_doubled_levels[k]);
    }
    level = value < 0.0f ? -level : level;
  }
};

/// Eight trials at once: a scale and an offset in each lane; the sums of the levels that they lead to; and
/// what they gain over all zeros, sum w x^2 - sum w (x - scale l - offset)^2.
struct trial_batch {
  alignas(64) std::array<float, 8> scale{}, offset{};
  alignas(64) std::array<double, 8> with_x, squares, levels, gain;
};

/// a * b in every lane, rounded before it is added to anything.
[[gnu::always_inline]] inline double_lanes product(double_lanes a, double_lanes b) noexcept {
  return numeric::uncontracted(a * b);
}

/// The lanes of an array of double.
[[gnu::always_inline]] inline double_lanes lanes_of(const double* values) noexcept {
  double_lanes lanes;
  std::memcpy(&lanes, values, sizeof lanes);
  return lanes;
}

/// What scale and offset gain for levels with the sums given.
template <int Count>
[[gnu::always_inline]] inline double_lanes gain_of(const weighted_elements<Count>& block, double_lanes scale,
                                                   double_lanes offset, double_lanes with_x,
                                                   double_lanes squares, double_lanes levels) noexcept {
  const double_lanes linear = product(scale, with_x) + product(offset, double_lanes{} + block.sum_x);
  const double_lanes quadratic = product(product(scale, scale), squares) +
                                 product(product(offset, offset), double_lanes{} + block.sum_weight) +
                                 product(product(scale + scale, offset), levels);
  return linear + linear - quadratic;
}

/// For every lane the sums over the levels nearest to (x - offset) / scale; a scale of zero gives some
/// levels.
template <class LevelSet, int Count>
[[gnu::always_inline]] inline void fit_batch(const weighted_elements<Count>& block,
                                             trial_batch& batch) noexcept {
  for (std::size_t lane = 0; lane < 8; lane += 4) {
    float_lanes scale, offset;
    std::memcpy(&scale, &batch.scale[lane], sizeof scale);
    std::memcpy(&offset, &batch.offset[lane], sizeof offset);
    const float_lanes inverse = 1.0f / scale;
    double_lanes with_x[2]{}, squares[2]{}, sum[2]{};
    for (std::size_t j = 0; j < static_cast<std::size_t>(Count); ++j) {
      integer_lanes level;
      LevelSet::nearest((block.x[j] - offset) * inverse, level);
      const double_lanes exact[2]{{static_cast<double>(level[0]), static_cast<double>(level[1])},
                                  {static_cast<double>(level[2]), static_cast<double>(level[3])}};
      for (std::size_t h = 0; h < 2; ++h) {
        const double_lanes weighted = block.weight[j] * exact[h];
        with_x[h] += block.weighted_x[j] * exact[h];
        squares[h] += weighted * exact[h];
        sum[h] += weighted;
      }
    }
    std::memcpy(&batch.with_x[lane], with_x, sizeof with_x);
    std::memcpy(&batch.squares[lane], squares, sizeof squares);
    std::memcpy(&batch.levels[lane], sum, sizeof sum);
    for (std::size_t h = 0; h < 2; ++h) {
      const std::size_t at = lane + 2 * h;
      const double_lanes s{static_cast<double>(batch.scale[at]), static_cast<double>(batch.scale[at + 1])};
      const double_lanes o{static_cast<double>(batch.offset[at]), static_cast<double>(batch.offset[at + 1])};
      const double_lanes gain = gain_of(block, s, o, with_x[h], squares[h], sum[h]);
      std::memcpy(&batch.gain[at], &gain, sizeof gain);
    }
  }
}

/// The levels nearest to (x - offset) / scale, as fit_batch finds them.
template <class LevelSet, int Count>
inline void write_levels(const weighted_elements<Count>& block, float scale, float offset,
                         std::int8_t* levels) noexcept {
  const float inverse = 1.0f / scale;
  for (std::size_t j = 0; j < static_cast<std::size_t>(Count); j += 4) {
    float_lanes x;
    std::memcpy(&x, &block.x[j], sizeof x);
    integer_lanes level;
    LevelSet::nearest((x - offset) * inverse, level);
    for (std::size_t k = 0; k < 4; ++k) levels[j + k] = static_cast<std::int8_t>(level[k]);
  }
}

}  // namespace bitgauge::gguf::best
