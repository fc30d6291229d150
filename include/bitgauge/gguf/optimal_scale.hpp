#pragma once

/// \file
/// The best scale of a block for given levels, exactly.

#include <bitgauge/gguf/exact_sums.hpp>
#include <bitgauge/numeric/half.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bitgauge::gguf::best {

/// The binary16 number nearest to `value` within the finite range.
inline float nearest_half(double value) noexcept {
  return numeric::half_to_float(
      numeric::half_from_float(static_cast<float>(std::clamp(value, -65504.0, 65504.0))));
}

/// Finds the binary16 scale d, and a level for each of Count elements, of least sum w (x - d l)^2.
///
/// As 1/d grows from zero every element steps from level to level, at the points where x/d is half-way
/// between two. Between two such points the levels are fixed, and the error is a parabola in d whose least
/// value over binary16 lies at the number nearest to sum w x l / sum w l^2. All intervals are visited with
/// running sums, so the result is the optimum over every scale and every choice of levels. Intervals beyond
/// the point where one clipped element alone costs more than the best error known cannot hold it.
///
/// Where IsHalf is false the scale is stored as binary32.
///
/// Cost: O(Count * levels), by a bucket sort of the points.
template <int Count, int Levels, bool IsHalf = true>
class optimal_scale {
 public:
  /// \param levels ascending; a negative scale is tried too unless they are symmetric
  explicit optimal_scale(std::span<const std::int8_t, Levels> levels) noexcept {
    for (std::size_t k = 0; k < Levels; ++k) levels_[k] = levels[k];
    for (std::size_t k = 0; k + 1 < Levels; ++k) half_way_[k] = 0.5 * (levels_[k] + levels_[k + 1]);
    uniform_ = levels_.back() - levels_.front() == Levels - 1;
    symmetric_ = true;
    for (std::size_t k = 0; k < Levels; ++k) {
      symmetric_ = symmetric_ && levels_[k] == -levels_[static_cast<std::size_t>(Levels) - 1 - k];
    }
  }

  /// Returns the scale and writes the number of each element's level, 0..Levels-1.
  float operator()(const float* x, const float* importance, std::uint8_t* codes) noexcept {
    double energy = 0.0;
    for (int j = 0; j < Count; ++j) {
      const auto at = static_cast<std::size_t>(j);
      x_[at] = static_cast<double>(x[j]);
      weight_[at] = weight_of(importance, j);
      weighted_x_[at] = shortened(weight_[at] * x_[at]);
      energy += product(weighted_x_[at], x_[at]);
    }
    best_gain_ = 0.0;
    best_scale_ = 0.0f;
    energy_ = energy;
    start(1.0);
    sweep(1.0);
    if (!symmetric_) {
      start(-1.0);
      sweep(-1.0);
    }
    for (int j = 0; j < Count; ++j) {
      codes[j] = nearest(best_scale_ == 0.0f ? 0.0 : x_[static_cast<std::size_t>(j)] / best_scale_);
    }
    return best_scale_;
  }

 private:
  struct step {
    double at;  // 1/|d| of the change
    std::uint16_t element;
  };
  static constexpr int buckets = Levels <= 16 ? 64 : 256;

  /// The number of the level nearest to `value`.
  std::uint8_t nearest(double value) const noexcept {
    if (uniform_) {
      const double place = std::clamp(value - levels_.front(), 0.0, static_cast<double>(Levels - 1));
      return static_cast<std::uint8_t>(place + 0.5);
    }
    int below = 0;
    for (const double point : half_way_) below += point < value ? 1 : 0;
    return static_cast<std::uint8_t>(below);
  }

  void consider(const projection& sums, double sign) noexcept {
    if (!(sums.with_x > 0.0) || product(sums.with_x, sums.with_x) <= product(best_gain_, sums.squares)) {
      return;
    }
    const float scale = IsHalf ? nearest_half(sums.scale()) : static_cast<float>(sums.scale());
    const double gain = sums.gain(static_cast<double>(scale));
    if (gain > best_gain_) {
      best_gain_ = gain;
      best_scale_ = static_cast<float>(sign) * scale;
    }
  }

  /// A first solution, the extreme element at the last level, so that the sweep can stop early.
  void start(double sign) noexcept {
    double most = 0.0;
    for (const double value : x_) most = std::max(most, std::abs(value));
    if (most == 0.0) return;
    const double inverse = sign * std::max(std::abs(levels_.front()), std::abs(levels_.back())) / most;
    projection sums;
    for (std::size_t j = 0; j < x_.size(); ++j) {
      const double level = levels_[nearest(x_[j] * inverse)];
      sums.with_x += sign * weighted_x_[j] * level;
      sums.squares += weight_[j] * level * level;
    }
    consider(sums, sign);
  }

  /// No better scale has a greater inverse.
  double greatest_inverse(double sign) const noexcept {
    const double error = std::max(energy_ - best_gain_, 0.0) * (1.0 + 1e-9);
    double limit = HUGE_VAL;
    for (std::size_t j = 0; j < x_.size(); ++j) {
      if (!(weight_[j] > 0.0)) continue;
      const double excess = std::abs(x_[j]) - std::sqrt(error / weight_[j]);
      const double last = std::abs(sign * x_[j] > 0.0 ? levels_.back() : levels_.front());
      if (excess > 0.0) limit = std::min(limit, last / excess);
    }
    return limit;
  }

  void sweep(double sign) noexcept {
    projection sums;
    double limit = greatest_inverse(sign);
    std::size_t count = 0;
    double last = 0.0;
    const auto points = std::equal_range(half_way_.begin(), half_way_.end(), 0.0);
    const auto below_zero = static_cast<std::uint8_t>(points.first - half_way_.begin());
    const auto above_zero = static_cast<std::uint8_t>(points.second - half_way_.begin());
    for (std::size_t j = 0; j < x_.size(); ++j) {
      const double value = sign * x_[j];
      code_[j] = value > 0.0 ? above_zero : below_zero;
      const double level = levels_[code_[j]];
      sums.with_x += sign * weighted_x_[j] * level;
      sums.squares += weight_[j] * level * level;
      const double inverse = 1.0 / value;
      const auto add = [&](std::size_t k) {
        const double at = half_way_[k] * inverse;
        if (at > limit) return false;
        steps_[count++] = {at, static_cast<std::uint16_t>(j)};
        last = std::max(last, at);
        return true;
      };
      if (value > 0.0) {
        for (std::size_t k = code_[j]; k < half_way_.size() && add(k); ++k) {
        }
      } else if (value < 0.0) {
        for (std::size_t k = code_[j]; k-- > 0 && add(k);) {
        }
      }
    }
    consider(sums, sign);
    sort(count, last);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t j = sorted_[i].element;
      const bool up = sign * x_[j] > 0.0;
      const double before = levels_[code_[j]];
      code_[j] = static_cast<std::uint8_t>(up ? code_[j] + 1 : code_[j] - 1);
      const double after = levels_[code_[j]];
      sums.with_x += sign * weighted_x_[j] * (after - before);
      sums.squares += weight_[j] * (after * after - before * before);
      consider(sums, sign);
    }
  }

  /// steps_ into sorted_, ascending. The points are about evenly spread over 1/d, so that buckets sort them
  /// but for neighbours.
  void sort(std::size_t count, double last) noexcept {
    std::array<std::uint16_t, buckets + 1> first{};
    const double to_bucket = last > 0.0 ? (buckets - 1) / last : 0.0;
    for (std::size_t i = 0; i < count; ++i) ++first[static_cast<std::size_t>(steps_[i].at * to_bucket) + 1];
    for (std::size_t b = 0; b < buckets; ++b)
      first[b + 1] = static_cast<std::uint16_t>(first[b + 1] + first[b]);
    for (std::size_t i = 0; i < count; ++i) {
      sorted_[first[static_cast<std::size_t>(steps_[i].at * to_bucket)]++] = steps_[i];
    }
    for (std::size_t i = 1; i < count; ++i) {
      const step moved = sorted_[i];
      std::size_t to = i;
      for (; to > 0 && sorted_[to - 1].at > moved.at; --to) sorted_[to] = sorted_[to - 1];
      sorted_[to] = moved;
    }
  }

  std::array<double, Levels> levels_;
  std::array<double, Levels - 1> half_way_;
  bool symmetric_, uniform_;
  std::array<double, static_cast<std::size_t>(Count)> x_, weight_, weighted_x_;
  std::array<std::uint8_t, static_cast<std::size_t>(Count)> code_;
  std::array<step, static_cast<std::size_t>(Count) * static_cast<std::size_t>(Levels)> steps_, sorted_;
  double energy_, best_gain_;
  float best_scale_;
};

}  // namespace bitgauge::gguf::best
