#pragma once

/// \file
/// Which ranges of scales could hold one of less error than a known one.

#include <bitgauge/gguf/search/affine_error.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

/// A branch and bound over 1/d, the inverse of a block's scale d > 0, sixteen ranges at a time.
///
/// While 1/d moves through a range of middle m and half width h, x/d stays within |x| h of x m and no closer
/// to a level than rest = max(0, |x m - l| - |x| h), where l is the level nearest to x m. As d >= 1/(m + h)
/// there, no scale of the range has less error than
///
///     sum w rest^2 / (m + h)^2.
///
/// Ranges whose bound exceeds the least error known are dropped, the others divided by four, down to a few
/// changes of a level each; what is left is for an exact search. The sums are of floats: h is widened by
/// 2^-20 m and the error by 2^-12 of itself, which is some ten times what rounding can amount to, and by what
/// underflow could add.
///
/// LevelSet is a level_set of integers. Cost: Count operations on sixteen numbers for sixteen ranges; a block
/// of Gaussian data takes some 300 to 600 ranges for 255 levels, and 100 for 16.
template <class LevelSet, int Count, int Bytes>
class scale_bounds {
  using lanes = simd::lanes<Bytes>;
  static constexpr std::size_t capacity = 1024;
  static constexpr int octaves = 24;  ///< at most
  /// So many changes of a level are visited as soon as a range is bounded.
  static constexpr float few_changes = static_cast<float>(Count) / 16;

  alignas(64) std::array<float, static_cast<std::size_t>(Count)> x_, size_, weight_;
  std::array<float, capacity + lanes::count> middle_, half_, bound_;
  std::size_t count_ = 0;
  int exponent_ = 0, weight_exponent_ = 0;
  float total_size_ = 0.0f;

 public:
  /// Takes the elements, not all zero, and their weights, not all zero either; null: all 1.
  [[gnu::always_inline]] scale_bounds(const float* x, const float* importance) noexcept {
    float most = 0.0f, most_weight = importance == nullptr ? 1.0f : 0.0f;
    for (std::size_t j = 0; j < x_.size(); ++j) {
      most = std::max(most, std::abs(x[j]));
      if (importance != nullptr) most_weight = std::max(most_weight, importance[j]);
    }
    exponent_ = std::ilogb(most);
    weight_exponent_ = std::ilogb(most_weight);
    const power_divisor scaled(exponent_), scaled_weight(weight_exponent_);
    for (std::size_t j = 0; j < x_.size(); ++j) {
      x_[j] = scaled(x[j]);
      size_[j] = std::abs(x_[j]);
      weight_[j] = importance == nullptr ? 1.0f : scaled_weight(importance[j]);
      total_size_ += size_[j];
    }
  }

  /// Calls search.sweep(sign, from, to) for each range within first..last, ascending in 1/|d|, that could
  /// hold a scale of less error than search.error(), with the numbers of the levels at either end. False,
  /// without a call, where a sweep of everything is the quicker way.
  template <class Search>
  [[gnu::always_inline]] bool visit(Search& search, double sign, double first, double last) noexcept {
    const int low = std::ilogb(first) + exponent_, high = std::ilogb(last) + exponent_;
    const float changes_at = total_size_ * static_cast<float>(std::scalbn(last, exponent_));
    if (!(high - low < octaves) || changes_at < few_changes) return false;
    if (sign < 0.0) turn_signs();
    sample(search, sign);
    list_octaves(low, high);
    limit(search, sign);
    const float most_half = 0.5f * few_changes / total_size_;
    while (count_ > 0 && !search.is_exact() && 4 * count_ <= capacity && half_[count_ - 1] > most_half) {
      divide();
      limit(search, sign);
    }
    for (std::size_t k = 0; k < count_ && !search.is_exact();) {
      const float from = middle_[k] - half_[k];
      float to = middle_[k] + half_[k];
      // a gap that is passed sooner than a sweep begins is not left out
      for (++k; k < count_ && middle_[k] - half_[k] <= to + most_half; ++k) to = middle_[k] + half_[k];
      std::array<std::uint8_t, static_cast<std::size_t>(Count)> before, after;
      levels_at(from * (1.0f - 0x1p-20f), before.data());
      levels_at(to * (1.0f + 0x1p-20f), after.data());
      search.sweep(sign, before.data(), after.data());
    }
    if (sign < 0.0) turn_signs();
    return true;
  }

 private:
  void turn_signs() noexcept {
    for (float& value : x_) value = -value;
  }

  /// Tries the best of 32 scales from a little less to a third more than what puts the greatest element at
  /// the last level: there the best one mostly is.
  template <class Search>
  [[gnu::always_inline]] void sample(Search& search, double sign) noexcept {
    constexpr auto last = static_cast<float>(std::max(LevelSet::most, -LevelSet::least));
    const float middle = last / *std::max_element(size_.begin(), size_.end());
    std::array<float, 2 * lanes::count> inverse;
    for (std::size_t k = 0; k < inverse.size(); ++k) {
      inverse[k] = middle * (1.02f - 0.008f * static_cast<float>(k));
    }
    running_least<Bytes> least;
    for (std::size_t k = 0; k < inverse.size(); k += lanes::count) {
      least.take(k, bounds(lanes::load(&inverse[k]), lanes::all(0.0f)));
    }
    search.try_inverse(sign, unscaled(inverse[least.found().place]));
  }

  /// Sixteen ranges for four octaves from 2^low to 2^(high + 1).
  [[gnu::always_inline]] void list_octaves(int low, int high) noexcept {
    count_ = 0;
    float half = std::scalbn(1.0f, low - 3);
    for (int e = low; e <= high; ++e, half *= 2.0f) {
      for (int k = 0; k < 4; ++k, ++count_) {
        middle_[count_] = static_cast<float>(9 + 2 * k) * half;
        half_[count_] = half;
      }
    }
  }

  /// Four ranges for each.
  [[gnu::always_inline]] void divide() noexcept {
    for (std::size_t k = count_; k-- > 0;) {
      const float middle = middle_[k], half = 0.25f * half_[k];
      for (std::size_t part = 0; part < 4; ++part) {
        middle_[4 * k + part] = middle + static_cast<float>(2 * static_cast<int>(part) - 3) * half;
        half_[4 * k + part] = half;
      }
    }
    count_ *= 4;
  }

  double unscaled(float inverse) const noexcept {
    return std::scalbn(static_cast<double>(inverse), -exponent_);
  }

  /// Drops the ranges that cannot hold a scale of less error, once the middle of the best is tried.
  template <class Search>
  [[gnu::always_inline]] void limit(Search& search, double sign) noexcept {
    simd::out_of_line<Bytes>([&](auto) __attribute__((always_inline)) { limit_here(search, sign); });
  }
  template <class Search>
  [[gnu::always_inline]] void limit_here(Search& search, double sign) noexcept {
    // the last group is filled up with the last range
    lanes::all(middle_[count_ - 1]).store(&middle_[count_]);
    lanes::all(half_[count_ - 1]).store(&half_[count_]);
    running_least<Bytes> least;
    for (std::size_t k = 0; k < count_; k += lanes::count) {
      const lanes bound = bounds(lanes::load(&middle_[k]), lanes::load(&half_[k]));
      bound.store(&bound_[k]);
      least.take(k, bound);
    }
    search.try_inverse(sign, unscaled(middle_[least.found().place]));
    const double known = std::scalbn(search.error(), -2 * exponent_ - weight_exponent_);
    const auto error = static_cast<float>(known + known * 0x1p-12 + 0x1p-100);
    std::size_t kept = 0;
    for (std::size_t k = 0; k < count_; ++k) {
      middle_[kept] = middle_[k];
      half_[kept] = half_[k];
      kept += bound_[k] <= error ? 1u : 0u;
    }
    count_ = kept;
  }

  [[gnu::always_inline]] lanes bounds(const lanes& middle, const lanes& half) const noexcept {
    const lanes zero = lanes::all(0.0f), reach = half + middle * lanes::all(0x1p-20f);
    lanes sum = zero;
    for (std::size_t j = 0; j < x_.size(); ++j) {
      const lanes at = lanes::all(x_[j]) * middle;
      const lanes away = at - LevelSet::nearest(at);
      const lanes rest = greater(greater(away, zero - away) - lanes::all(size_[j]) * reach, zero);
      sum += lanes::all(weight_[j]) * rest * rest;
    }
    const lanes scale = lanes::all(1.0f) / (middle + reach);
    return sum * scale * scale;
  }

  /// The numbers of the levels nearest to the elements times `inverse`.
  [[gnu::always_inline]] void levels_at(float inverse, std::uint8_t* codes) const noexcept {
    for (std::size_t j = 0; j < x_.size(); j += lanes::count) {
      std::array<float, lanes::count> levels;
      LevelSet::nearest(lanes::load(&x_[j]) * lanes::all(inverse)).store(levels.data());
      for (std::size_t k = 0; k < lanes::count; ++k) {
        codes[j + k] = static_cast<std::uint8_t>(static_cast<int>(levels[k]) - LevelSet::least);
      }
    }
  }
};

}  // namespace bitgauge::gguf::best
