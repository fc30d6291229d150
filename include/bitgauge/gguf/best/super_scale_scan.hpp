#pragma once

/// \file
/// Looks at some hundred super-scales at once for those that suit all sub-blocks of a super-block.

#include <bitgauge/gguf/search/weighted_sums.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace bitgauge::gguf::best {

/// The powers of a number a little above one, in `float` and by products alone: the same on every machine.
template <class Ratio>
struct geometric_steps {
  static constexpr float ratio = static_cast<float>(static_cast<double>(Ratio::num) / Ratio::den);
  static constexpr std::size_t bits = 12;
  /// ratio^(2^b)
  static constexpr auto squares = [] {
    std::array<float, bits> all{};
    double power = static_cast<double>(Ratio::num) / Ratio::den;
    for (float& square : all) {
      square = static_cast<float>(power);
      power = power < 1e15 ? power * power : power;  // more than any quotient of scales
    }
    return all;
  }();

  /// ratio^n for n below 2^bits.
  static constexpr float power(int n) noexcept {
    float value = 1.0f;
    for (std::size_t b = 0; b < bits; ++b) {
      if ((n >> b & 1) != 0) value = value * squares[b];
    }
    return value;
  }
  /// The last n with ratio^n <= value, and 0 for values below 1.
  static constexpr int below(float value) noexcept {
    float reached = 1.0f;
    int n = 0;
    for (std::size_t b = bits; b-- > 0;) {
      if (reached * squares[b] > value) continue;
      reached = reached * squares[b];
      n += 1 << b;
    }
    return n;
  }
};

/// The error of a super-block under each of `Scanned` super-scales first * ratio^k, every sub-block with the
/// best of the factors 1..MostFactor, up to the spacing of the scales.
///
/// The errors of a sub-block are computed once, at scales of the same geometric sequence. Under the k-th
/// super-scale a factor f stands for the scale log(f) steps further on, whatever k is; so the least errors
/// under all super-scales are the least of copies of one curve, each moved by a factor's steps.
///
/// Cost: the trials of the curves, and a load and a minimum for each factor and sixteen super-scales.
template <class Ratio, int Scanned, int MostFactor, int Bytes>
class super_scale_scan {
  using lanes = simd::lanes<Bytes>;
  using steps = geometric_steps<Ratio>;
  static constexpr int together = 4 * lanes::count, most_points = 512;
  static_assert(Scanned % together == 0);

  static constexpr auto steps_of_factor = [] {
    std::array<int, static_cast<std::size_t>(MostFactor) + 1> all{};
    for (int f = 1; f <= MostFactor; ++f) {
      all[static_cast<std::size_t>(f)] = steps::below(static_cast<float>(f) * (0.5f + 0.5f * steps::ratio));
    }
    return all;
  }();
  static constexpr auto first_powers = [] {
    std::array<float, lanes::count> all{};
    for (int k = 0; k < lanes::count; ++k) all[static_cast<std::size_t>(k)] = steps::power(k);
    return all;
  }();

  float first_;
  std::array<float, static_cast<std::size_t>(Scanned)> total_{};
  /// The curve between two stretches of infinity, which stand for scales of no use.
  std::array<float, static_cast<std::size_t>(2 * Scanned + most_points)> curve_;

 public:
  [[gnu::always_inline]] explicit super_scale_scan(float first) noexcept : first_(first) {}

  /// Adds a sub-block, for which the scales least..most are of use; error_of(lanes of scales) is its error.
  template <class ErrorOf>
  [[gnu::always_inline]] void add(float least, float most, const ErrorOf& error_of) noexcept {
    constexpr int width = lanes::count;
    // Under every super-scale some factor must have a place on the curve: the first where all are too great,
    // and elsewhere the neighbours of small factors, which lie far apart.
    const float smallest = std::min(least, product(most, most < product(32.0f, first_) ? 0.45f : 0.9f));
    const int end = std::max(steps::below(most / first_) + 1, Scanned);
    const int begin = std::max(steps::below(smallest / first_), end - most_points);
    const int points = (end - begin + width - 1) / width * width;
    float* curve = curve_.data() + Scanned;
    const lanes infinite = lanes::all(HUGE_VALF);
    for (int k = 0; k < Scanned; k += width) {
      infinite.store(curve - Scanned + k);
      infinite.store(curve + points + k);
    }
    for (int k = 0; k < points; k += width) {
      error_of(lanes::all(first_ * steps::power(begin + k)) * lanes::load(first_powers.data()))
          .store(curve + k);
    }
    const auto* end_of_factors = steps_of_factor.data() + steps_of_factor.size();
    const auto* from = std::upper_bound(steps_of_factor.data() + 1, end_of_factors, begin - Scanned);
    const auto* to = std::lower_bound(from, end_of_factors, begin + points);
    for (int k = 0; k < Scanned; k += together) {
      lanes e0 = infinite, e1 = infinite, e2 = infinite, e3 = infinite;
      for (const auto* moved = from; moved != to; ++moved) {
        const float* errors = curve + (*moved - begin + k);
        e0 = smaller(lanes::load(errors), e0);
        e1 = smaller(lanes::load(errors + width), e1);
        e2 = smaller(lanes::load(errors + 2 * width), e2);
        e3 = smaller(lanes::load(errors + 3 * width), e3);
      }
      float* sums = total_.data() + k;
      (lanes::load(sums) + e0).store(sums);
      (lanes::load(sums + width) + e1).store(sums + width);
      (lanes::load(sums + 2 * width) + e2).store(sums + 2 * width);
      (lanes::load(sums + 3 * width) + e3).store(sums + 3 * width);
    }
  }

  /// The best super-scale of those left; takes it and its neighbours out.
  [[gnu::always_inline]] float take_best() noexcept {
    const auto best = std::min_element(total_.begin(), total_.end());
    std::fill(best - std::min<std::ptrdiff_t>(2, best - total_.begin()),
              best + std::min<std::ptrdiff_t>(3, total_.end() - best), HUGE_VALF);
    return first_ * steps::power(static_cast<int>(best - total_.begin()));
  }
};

}  // namespace bitgauge::gguf::best
