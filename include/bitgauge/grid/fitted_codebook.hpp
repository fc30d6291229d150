#pragma once

/// \file
/// Codebooks fitted to data: the levels of least squared error.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/grid/codebook.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/numeric/uncontracted.hpp>
#include <bitgauge/simd/lanes/vector.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge {
namespace detail {

// What sorts and fits is a template, so that only who calls it compiles that.

/// Weighted points in ascending order, with running sums that give the error of any run around its mean in
/// O(1).
class sorted_points {
 public:
  template <int = 0>
  sorted_points(std::span<const float> values, std::span<const float> weights, std::size_t most) {
    std::vector<std::pair<float, double>> points;
    points.reserve(values.size());
    if (weights.empty()) {
      std::vector<float> sorted(values.begin(), values.end());
      std::sort(sorted.begin(), sorted.end());
      for (const float value : sorted) points.emplace_back(value, 1.0);
    } else {
      for (std::size_t i = 0; i < values.size(); ++i)
        if (weights[i] > 0) points.emplace_back(values[i], static_cast<double>(weights[i]));
      std::stable_sort(points.begin(), points.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
    }
    const std::size_t run = std::max<std::size_t>(1, (points.size() + most - 1) / most);
    for (std::size_t first = 0; first < points.size(); first += run) {
      double weight = 0, linear = 0, square = 0;
      for (std::size_t i = first; i < std::min(first + run, points.size()); ++i) {
        const double x = static_cast<double>(points[i].first), w = points[i].second;
        weight += w;
        linear += numeric::uncontracted(w * x);
        square += numeric::uncontracted(w * x * x);
      }
      weight_.push_back(weight_.back() + weight);
      linear_.push_back(linear_.back() + linear);
      square_.push_back(square_.back() + square);
    }
  }

  std::size_t size() const noexcept { return weight_.size() - 1; }
  double mean(std::size_t from, std::size_t to) const noexcept {
    return (linear_[to] - linear_[from]) / (weight_[to] - weight_[from]);
  }
  /// Running sums of w, w x and w x^2 over the first points, none of them first.
  const double* weight() const noexcept { return weight_.data(); }
  const double* linear() const noexcept { return linear_.data(); }
  const double* square() const noexcept { return square_.data(); }

 private:
  std::vector<double> weight_{0.0}, linear_{0.0}, square_{0.0};
};

/// What one more run costs: next[i] is the least, over the beginnings b of a last run that ends before i, of
/// error[b] + sum w (x - mean)^2 over [b, i), and begins[i] the first such b.
struct run_row {
  const double *weight, *linear, *square, *error;
  double* next;
  std::uint32_t* begins;

  /// Fills entries [low, high], whose last runs begin in [first, last]. As the best beginning never moves left
  /// when points are added, the middle entry bounds those on either side of it.
  template <int Bytes>
  [[gnu::always_inline]] void fill(std::size_t low, std::size_t high, std::size_t first,
                                   std::size_t last) const {
    struct part {
      std::size_t low, high, first, last;
    };
    part open[72];  // halves of halves: two for each bit of an index are enough
    int count = 0;
    open[count++] = {low, high, first, last};
    while (count > 0) {
      const part p = open[--count];
      const std::size_t middle = p.low + (p.high - p.low) / 2;
      const std::size_t best = best_begin<Bytes>(middle, p.first, std::min(p.last, middle - 1));
      if (p.low < middle) open[count++] = {p.low, middle - 1, p.first, best};
      if (middle < p.high) open[count++] = {middle + 1, p.high, best, p.last};
    }
  }

 private:
  template <int Bytes>
  [[gnu::always_inline]] std::size_t best_begin(std::size_t end, std::size_t first, std::size_t last) const {
#if defined( \
    __clang__)  // takes no vector into an assembler statement that is wider than the translation unit's
#pragma clang fp contract(off)
#endif
    constexpr std::size_t lanes = Bytes / sizeof(double);
    double least = std::numeric_limits<double>::infinity();
    std::size_t best = first, begin = first;
    const double whole_weight = weight[end], whole_linear = linear[end], whole_square = square[end];
    if (last - first + 1 >= 2 * lanes) {
      using numbers = simd::vector<double, static_cast<int>(lanes)>;
      numbers smallest = numbers{} + least, places = numbers{}, place = numbers{};
      for (std::size_t i = 0; i < lanes; ++i) place[i] = static_cast<double>(first + i);
      for (; begin + lanes <= last + 1; begin += lanes) {
        numbers w, l, s, e;
        std::memcpy(&w, weight + begin, sizeof w);
        std::memcpy(&l, linear + begin, sizeof l);
        std::memcpy(&s, square + begin, sizeof s);
        std::memcpy(&e, error + begin, sizeof e);
        const numbers sum = whole_linear - l;
        numbers product = sum * sum;
#if !defined(__clang__)
        numeric::make_opaque(product);
#endif
        numbers run = whole_square - s - product / (whole_weight - w);
        run = run > 0 ? run : numbers{};
        const numbers total = e + run;
        places = total < smallest ? place : places;
        smallest = total < smallest ? total : smallest;
        place += static_cast<double>(lanes);
      }
      for (std::size_t i = 0; i < lanes; ++i) {
        const auto at = static_cast<std::size_t>(places[i]);
        if (smallest[i] < least || (smallest[i] == least && at < best)) {
          least = smallest[i];
          best = at;
        }
      }
    }
    for (; begin <= last; ++begin) {
      const double sum = whole_linear - linear[begin];
      const double run =
          whole_square - square[begin] - numeric::uncontracted(sum * sum) / (whole_weight - weight[begin]);
      const double total = error[begin] + std::max(0.0, run);
      if (total < least) {
        least = total;
        best = begin;
      }
    }
    next[end] = least;
    begins[end] = static_cast<std::uint32_t>(best);
    return best;
  }
};

/// The best cut of all points into 1, 2, .. runs, by dynamic programming over the last run, each row filled by
/// divide and conquer.
class best_runs {
 public:
  template <int = 0>
  best_runs(const sorted_points& points, std::size_t runs) : points_(points) {
    const std::size_t n = points.size();
    constexpr double infinity = std::numeric_limits<double>::infinity();
    std::vector<double> error(n + 1, infinity), next(n + 1);
    error[0] = 0;
    for (std::size_t run = 0; run < runs; ++run) {
      std::fill(next.begin(), next.end(), infinity);
      begins_.emplace_back(n + 1, 0u);
      const run_row row{points.weight(), points.linear(), points.square(),
                        error.data(),    next.data(),     begins_.back().data()};
      // of the entries that end before the last runs: one point for each of these is left, of the last run the end
      const std::size_t high = n - (runs - 1 - run), low = run + 1 < runs ? run + 1 : n;
      simd::multiversion([&](auto bytes) __attribute__((always_inline)) {
        row.template fill<bytes()>(low, high, run, high - 1);
      });
      error.swap(next);
    }
  }

  /// The means of the runs, ascending.
  template <int = 0>
  std::vector<float> means() const {
    std::vector<float> found;
    std::size_t end = points_.size();
    for (std::size_t run = begins_.size(); run-- > 0;) {
      const std::size_t begin = begins_[run][end];
      found.push_back(static_cast<float>(points_.mean(begin, end)));
      end = begin;
    }
    std::reverse(found.begin(), found.end());
    return found;
  }

 private:
  const sorted_points& points_;
  std::vector<std::vector<std::uint32_t>> begins_;
};

}  // namespace detail

/// The `count` levels of least error sum_i w_i (x_i - nearest level)^2, ascending: one-dimensional k-means,
/// solved to its global optimum (Wu, "Optimal quantization by matrix searching", J. Algorithms 12, 1991),
/// where Lloyd's and Max's iteration only finds a local one. Beyond 32768 values, neighbours in sorted order
/// are joined first. Fewer levels where there are fewer values. Throws invalid_scheme unless count is 1..256,
/// shape_error where weights are another number, data_error on no value, one that is not finite, or a weight
/// that is negative. Cost: O(n log n + count * m log m), m = min(n, 32768); memory count * m * 4 bytes.
///
///     const codebook_grid own(fit_levels(values, 16));
template <int = 0>
std::vector<float> fit_levels(std::span<const float> values, int count, std::span<const float> weights = {}) {
  if (count < 1 || count > 256)
    raise(invalid_scheme("fitted codebook: expected 1 to 256 levels, found " + std::to_string(count)));
  if (!weights.empty() && weights.size() != values.size())
    raise(shape_error("fitted codebook: expected " + std::to_string(values.size()) + " weights, found " +
                      std::to_string(weights.size())));
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!numeric::is_finite(values[i]) ||
        (!weights.empty() && (!numeric::is_finite(weights[i]) || weights[i] < 0)))
      raise(data_error("fitted codebook: value " + std::to_string(i) +
                       ": expected a finite value with a finite weight from 0 up"));
  const detail::sorted_points points(values, weights, 32768);
  if (points.size() == 0)
    raise(data_error("fitted codebook: expected values of positive weight, found none"));
  return detail::best_runs(points, std::min(static_cast<std::size_t>(count), points.size())).means();
}

}  // namespace bitgauge
