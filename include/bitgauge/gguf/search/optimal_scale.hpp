#pragma once

/// \file
/// The best scale of a block for given levels, exactly.

#include <bitgauge/gguf/search/stored_half.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

/// Finds the binary16 scale d, and a level for each of Count elements, of least sum w (x - d l)^2.
///
/// As 1/|d| grows from zero every element steps from level to level, at the points where x/d is half-way
/// between two. Between two such points the levels are fixed, and the error is a parabola in d whose least
/// value over binary16 lies at the number nearest to sum w x l / sum w l^2. A sweep visits all intervals
/// between two bounds with running sums. Swept from zero to where one clipped element alone costs more than
/// the best error known, the result is the optimum over every scale and every choice of levels; so it is
/// where ranges are left out that cannot hold it (see scale_bounds.hpp).
///
/// Where IsHalf is false the scale is stored as binary32.
///
/// range/search/exact_scale_search.hpp bounds and sweeps the same curve for groups of any length and scales
/// of any storage. The two stay apart: a scale of equal error goes to the first met, and blocks of few
/// distinct numbers have many; they are met from the other end there, which would change bytes. Here the
/// length and the levels are known to the compiler, nothing is allocated, and points are sorted in buckets.
///
/// What has no vectors and is called from several places is not inlined: it is compiled once for all instruction sets.
///
/// Cost: O(Count) a sweep and O(1) an interval, by a bucket sort of the points.
template <int Count, const auto& Levels, bool IsHalf = true>
class optimal_scale {
 public:
  optimal_scale(const float* x, const float* importance) noexcept {
    for (int j = 0; j < Count; ++j) {
      const auto at = static_cast<std::size_t>(j);
      x_[at] = static_cast<double>(x[j]);
      weight_[at] = weight_of(importance, j);
      weighted_x_[at] = shortened(weight_[at] * x_[at]);
      energy_ += product(weighted_x_[at], x_[at]);
    }
  }

  /// Negative scales need not be tried.
  static constexpr bool symmetric = [] {
    bool all = true;
    for (std::size_t k = 0; k < Levels.size(); ++k) all = all && Levels[k] == -Levels[Levels.size() - 1 - k];
    return all;
  }();

  /// The least error so far, and what rounding may have taken from it.
  double error() const noexcept { return std::max(energy_ - best_gain_, 0.0) + rounding(); }

  /// No error is left but that of rounding.
  bool is_exact() const noexcept { return energy_ - best_gain_ <= rounding(); }

  /// Writes the number of each element's level, 0..Levels-1, and returns the scale.
  float result(std::uint8_t* codes) const noexcept {
    for (std::size_t j = 0; j < x_.size(); ++j) {
      codes[j] = nearest(best_scale_ == 0.0f ? 0.0 : x_[j] / static_cast<double>(best_scale_));
    }
    return best_scale_;
  }

  /// A first solution, the extreme element at the last level.
  [[gnu::noinline]] void start(double sign) noexcept {
    double most = 0.0;
    for (const double value : x_) most = std::max(most, std::abs(value));
    if (most > 0.0) try_inverse(sign, std::max(std::abs(levels.front()), std::abs(levels.back())) / most);
  }

  /// Considers the levels nearest to x/d, and the best scale for these, where 1/|d| is `inverse`.
  [[gnu::noinline]] void try_inverse(double sign, double inverse) noexcept {
    projection<double> sums;
    for (std::size_t j = 0; j < x_.size(); ++j) {
      add(sums, sign, j, levels[nearest(sign * x_[j] * inverse)]);
    }
    consider(sums, sign);
  }

  /// Where 1/|d| leads to the first change of a level, and beyond what no better scale or no change lies.
  struct bounds {
    double first, last;
  };
  bounds inverses(double sign) const noexcept {
    double most = 0.0, least = HUGE_VAL, most_above = 0.0, most_below = 0.0;
    const double allowed = error() * (1.0 + 1e-9);
    for (std::size_t j = 0; j < x_.size(); ++j) {
      const double size = std::abs(x_[j]);
      most = std::max(most, size);
      least = size > 0.0 ? std::min(least, size) : least;
      // where the element, if it is clipped, costs no more than the error
      const double excess = weight_[j] > 0.0 ? size - std::sqrt(allowed / weight_[j]) : 0.0;
      double& greatest = sign * x_[j] > 0.0 ? most_above : most_below;
      greatest = std::max(greatest, excess);
    }
    double last = std::max(std::abs(half_way.front()), std::abs(half_way.back())) / least;
    if (most_above > 0.0) last = std::min(last, std::abs(levels.back()) / most_above);
    if (most_below > 0.0) last = std::min(last, std::abs(levels.front()) / most_below);
    // What lies at the very end shall not be lost by rounding
    return {nearest_point / most, last * (1.0 + 1e-9)};
  }

  /// Visits every interval of 1/|d| up to `last`.
  [[gnu::noinline]] void sweep(double sign, double last) noexcept {
    std::array<std::uint8_t, static_cast<std::size_t>(Count)> from, to;
    for (std::size_t j = 0; j < x_.size(); ++j) {
      const double value = sign * x_[j];
      // `last` may come before the first change
      from[j] = value > 0.0 ? above_zero : below_zero;
      const std::uint8_t end = nearest(value * last);
      to[j] = value > 0.0 ? std::max(end, above_zero) : value < 0.0 ? std::min(end, below_zero) : from[j];
    }
    sweep(sign, from.data(), to.data());
  }

  /// Visits every interval between the levels numbered `from` and `to`, those at two inverse scales.
  [[gnu::noinline]] void sweep(double sign, const std::uint8_t* from, const std::uint8_t* to) noexcept {
    projection<double> sums;
    for (std::size_t j = 0; j < x_.size(); ++j) add(sums, sign, j, levels[from[j]]);
    consider(sums, sign);
    std::size_t count = 0;
    for (std::size_t j = 0; j < x_.size(); ++j) {
      if (from[j] == to[j]) continue;
      code_[j] = from[j];
      const int first = std::min(from[j], to[j]), last = std::max(from[j], to[j]);
      for (int k = first; k < last; ++k) {
        const double point = half_way[static_cast<std::size_t>(k)], value = sign * x_[j];
        steps_[count++] = {few_levels ? -value / point : point / value, static_cast<std::uint16_t>(j)};
      }
    }
    sort(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t j = sorted_[i].element;
      const bool up = to[j] > from[j];
      const double before = levels[code_[j]];
      code_[j] = static_cast<std::uint8_t>(up ? code_[j] + 1 : code_[j] - 1);
      const double after = levels[code_[j]];
      sums.with_x += sign * weighted_x_[j] * (after - before);
      sums.squares += weight_[j] * (after * after - before * before);
      consider(sums, sign);
    }
  }

 private:
  static constexpr auto levels = [] {
    std::array<double, Levels.size()> all{};
    std::copy(Levels.begin(), Levels.end(), all.begin());
    return all;
  }();
  /// The points where one level gives way to the next.
  static constexpr auto half_way = [] {
    std::array<double, Levels.size() - 1> all{};
    for (std::size_t k = 0; k < all.size(); ++k) all[k] = 0.5 * (levels[k] + levels[k + 1]);
    return all;
  }();
  static constexpr double most_halves = 2.0 * (levels.back() - levels.front());
  static constexpr auto nearest_codes = [] {
    std::array<std::uint8_t, static_cast<std::size_t>(most_halves) + 1> all{};
    std::uint8_t code = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const double value = levels.front() + 0.5 * static_cast<double>(i);
      while (code < half_way.size() && half_way[code] <= value) ++code;
      all[i] = code;
    }
    return all;
  }();
  static constexpr auto below_zero = static_cast<std::uint8_t>(
      std::count_if(half_way.begin(), half_way.end(), [](double point) { return point < 0.0; }));
  static constexpr auto above_zero = static_cast<std::uint8_t>(
      std::count_if(half_way.begin(), half_way.end(), [](double point) { return point <= 0.0; }));
  static constexpr double nearest_point = [] {
    double least = HUGE_VAL;
    for (const double point : half_way) {
      if (point != 0.0) least = std::min(least, point < 0.0 ? -point : point);
    }
    return least;
  }();

  /// Where an element changes its level: at 1/|d|, or at -|d|, which has the same order. The first is spread
  /// evenly where an element has many levels, the second where it has a single change.
  struct change {
    double at;
    std::uint16_t element;
  };
  static constexpr bool few_levels = Levels.size() < 16;
  static constexpr int buckets = few_levels ? 64 : 256;

  /// The number of the level nearest to `value`: by the half it lies in, as all half-way points are halves,
  /// where there are many levels.
  static std::uint8_t nearest(double value) noexcept {
    if constexpr (few_levels) {
      int code = 0;
      for (const double point : half_way) code += point <= value ? 1 : 0;
      return static_cast<std::uint8_t>(code);
    } else {
      const double halves = std::clamp(2.0 * (value - levels.front()), 0.0, most_halves);
      return nearest_codes[static_cast<std::size_t>(halves)];
    }
  }

  double rounding() const noexcept { return product(0x1p-44, energy_); }

  void add(projection<double>& sums, double sign, std::size_t j, double level) const noexcept {
    sums.with_x += sign * weighted_x_[j] * level;
    sums.squares += weight_[j] * level * level;
  }

  void consider(const projection<double>& sums, double sign) noexcept {
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

  /// steps_ into sorted_, ascending, equals in the order of the elements: about evenly spread, so that
  /// buckets sort them but for neighbours.
  void sort(std::size_t count) noexcept {
    const auto earlier = [](const change& a, const change& b) {
      return a.at < b.at || (a.at == b.at && a.element < b.element);
    };
    const auto end = steps_.begin() + static_cast<std::ptrdiff_t>(count);
    if (count <= 16) {
      std::copy(steps_.begin(), end, sorted_.begin());
    } else {
      double low = steps_[0].at, high = low;
      for (std::size_t i = 1; i < count; ++i) {
        low = std::min(low, steps_[i].at);
        high = std::max(high, steps_[i].at);
      }
      const double to_bucket = high > low ? (buckets - 1) / (high - low) : 0.0;
      const auto bucket = [&](const change& c) { return static_cast<std::size_t>((c.at - low) * to_bucket); };
      std::array<std::uint16_t, static_cast<std::size_t>(buckets + 1)> first{};
      for (std::size_t i = 0; i < count; ++i) ++first[bucket(steps_[i]) + 1];
      for (std::size_t b = 0; b < buckets; ++b)
        first[b + 1] = static_cast<std::uint16_t>(first[b + 1] + first[b]);
      for (std::size_t i = 0; i < count; ++i) sorted_[first[bucket(steps_[i])]++] = steps_[i];
      // each entry is now the end of its bucket
      for (std::size_t b = 0, begin = 0; b < buckets; begin = first[b++]) {
        if (first[b] - begin > 64) std::sort(&sorted_[begin], sorted_.data() + first[b], earlier);
      }
    }
    for (std::size_t i = 1; i < count; ++i) {
      const change moved = sorted_[i];
      std::size_t to = i;
      for (; to > 0 && sorted_[to - 1].at > moved.at; --to) sorted_[to] = sorted_[to - 1];
      sorted_[to] = moved;
    }
  }

  std::array<double, static_cast<std::size_t>(Count)> x_, weight_, weighted_x_;
  std::array<std::uint8_t, static_cast<std::size_t>(Count)> code_;
  std::array<change, static_cast<std::size_t>(Count) * half_way.size()> steps_, sorted_;
  double energy_ = 0.0, best_gain_ = 0.0;
  float best_scale_ = 0.0f;
};

}  // namespace bitgauge::gguf::best
