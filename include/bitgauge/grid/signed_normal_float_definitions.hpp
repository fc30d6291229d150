#pragma once

/// \file
/// What signed_normal_float.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/grid/signed_normal_float.hpp>
#include <bitgauge/numeric/uncontracted.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace bitgauge {
namespace detail {

/// e^-y, y >= 0, to some 10^-16: 2^-k times the series of e^r, |r| <= ln 2 / 2.
inline double negative_exponential(double y) {
  constexpr double log2_high = 0x1.62e42fefa38p-1, log2_low = 0x1.ef35793c7673p-45;
  if (!(y < 700)) return 0;
  const auto k = static_cast<int>(std::floor(numeric::uncontracted(y * 1.4426950408889634) + 0.5));
  const double r = numeric::uncontracted(k * log2_high) - y + numeric::uncontracted(k * log2_low);
  double sum = 1;
  for (int term = 17; term > 0; --term) sum = 1 + numeric::uncontracted(sum * r) / term;
  return std::ldexp(sum, -k);
}

/// value^exponent by squaring.
inline double power_of(double value, index_t exponent) {
  double power = 1;
  for (; exponent > 0; exponent /= 2, value *= value)
    if (exponent % 2 != 0) power *= value;
  return power;
}

/// The weighted density g of a value over the signed absmax of its block, on [0, 1], as it is even: up to a
/// factor, as integrals from 0 to x of g and of x g.
class signed_absmax_density {
 public:
  explicit signed_absmax_density(index_t block) {
    // the integral over m as a sum over equally spaced nodes, which converges faster than any power of their
    // distance where the integrand is smooth and small at both ends
    constexpr double spacing = 1.0 / 64;
    std::vector<std::pair<double, double>> nodes;  // m^2 / 2 and the weight of phi(m x)
    double within = 0, largest = 0;                // 2 Phi(m) - 1, m^3 phi(m) ..
    for (int i = 1; i <= 640; ++i) {
      within += density_between((i - 1) * spacing, i * spacing);
      const double m = i * spacing, half_square = m * m / 2;
      const double weight =
          m * m * m * negative_exponential(half_square) * power_of(std::min(within, 1.0), block - 2);
      nodes.emplace_back(half_square, weight);
      largest = std::max(largest, weight);
    }
    std::erase_if(nodes, [&](const auto& node) { return node.second < 1e-20 * largest; });
    double previous = 0, previous_slope = 0, moment_slope = 0;
    for (int i = 0; i <= intervals; ++i) {
      const double x = i * step, square = x * x;
      double value = 0, slope = 0;
      for (const auto& [half_square, weight] : nodes) {
        const double term =
            numeric::uncontracted(weight / largest * negative_exponential(half_square * square));
        value += term;
        slope -= numeric::uncontracted(term * (2 * half_square));
      }
      slope *= x;
      const double of_moment = value + numeric::uncontracted(x * slope);
      if (i > 0) {
        // the trapezoidal rule with the correction of its ends, exact for cubics
        const double before = (i - 1) * step;
        mass_.push_back(mass_.back() + numeric::uncontracted(step / 2 * (previous + value)) +
                        numeric::uncontracted(step * step / 12 * (previous_slope - slope)));
        const double moments = numeric::uncontracted(before * previous) + numeric::uncontracted(x * value);
        moment_.push_back(moment_.back() + numeric::uncontracted(step / 2 * moments) +
                          numeric::uncontracted(step * step / 12 * (moment_slope - of_moment)));
      }
      density_.push_back(value);
      previous = value;
      previous_slope = slope;
      moment_slope = of_moment;
    }
  }

  /// The mean of x between two numbers, from <= x <= to.
  double mean(double from, double to) const {
    const auto [mass_from, moment_from] = integrals(from);
    const auto [mass_to, moment_to] = integrals(to);
    return (moment_to - moment_from) / (mass_to - mass_from);
  }

 private:
  static constexpr int intervals = 1024;
  static constexpr double step = 1.0 / intervals;

  /// The integral of sqrt(2 / pi) exp(-m^2 / 2): Gauss's rule of three points.
  static double density_between(double from, double to) {
    const double middle = (from + to) / 2;
    const double offset = numeric::uncontracted(0.7745966692414834 * ((to - from) / 2));
    const auto at = [](double m) { return negative_exponential(m * m / 2); };
    const double sum = numeric::uncontracted(5 * (at(middle - offset) + at(middle + offset))) +
                       numeric::uncontracted(8 * at(middle));
    return 0.7978845608028654 * ((to - from) / 2) * sum / 9;
  }

  /// Between nodes by the cubic through the integrals and their slopes at both ends.
  std::pair<double, double> integrals(double x) const {
    const auto i = static_cast<std::size_t>(std::clamp(static_cast<int>(x * intervals), 0, intervals - 1));
    const double left = static_cast<double>(i) * step, right = left + step, u = (x - left) * intervals;
    return {cubic(mass_[i], mass_[i + 1], density_[i], density_[i + 1], u),
            cubic(moment_[i], moment_[i + 1], left * density_[i], right * density_[i + 1], u)};
  }
  static double cubic(double from, double to, double slope_from, double slope_to, double u) {
    const double rise = to - from, a = slope_from * step - rise, b = rise - slope_to * step, v = 1 - u;
    const double bend = numeric::uncontracted(a * v) + numeric::uncontracted(b * u);
    return from + numeric::uncontracted(rise * u) + numeric::uncontracted(u * v * bend);
  }

  std::vector<double> mass_{0.0}, moment_{0.0}, density_;
};

/// `count` levels above 0, beside a level at 0 and, if `with_one`, one at 1: Lloyd's iteration, which has one
/// fixed point on this density, until it stands still.
inline std::vector<double> levels_above_zero(const signed_absmax_density& density, int count, bool with_one) {
  const auto size = static_cast<std::size_t>(count);
  std::vector<double> levels(size);
  for (std::size_t i = 0; i < size; ++i)
    levels[i] = static_cast<double>(i + 1) / static_cast<double>(size + 1);
  for (int round = 0; round < 20000; ++round) {
    double moved = 0, from = levels[0] / 2;
    for (std::size_t i = 0; i < size; ++i) {
      const double next = i + 1 < size ? levels[i + 1] : 1;
      const double to = i + 1 < size || with_one ? (levels[i] + next) / 2 : 1;
      const double mean = density.mean(from, to);
      moved = std::max(moved, std::fabs(mean - levels[i]));
      levels[i] = mean;
      from = to;
    }
    if (moved < 1e-15) break;
  }
  return levels;
}

inline std::vector<float> best_signed_levels(int bits, index_t block) {
  const signed_absmax_density density(block);
  const int free = (1 << (bits - 1)) - 1;
  std::vector<float> levels;
  for (const double level : levels_above_zero(density, free, false))
    levels.insert(levels.begin(), -static_cast<float>(level));
  levels.push_back(0);
  for (const double level : levels_above_zero(density, free, true))
    levels.push_back(static_cast<float>(level));
  levels.push_back(1);
  return levels;
}

}  // namespace detail

BITGAUGE_DEFINE const std::vector<float>& signed_normal_float_levels(int bits, index_t block) {
  if (bits < 2 || bits > 6)
    detail::raise_message<invalid_scheme>({"signed_normal_float: bits: expected 2 to 6, found ", bits});
  if (block < 2)
    detail::raise_message<invalid_scheme>(
        {"signed_normal_float: block: expected at least 2 elements, found ", block});
  static std::mutex guard;
  static std::map<std::pair<int, index_t>, std::vector<float>> known;  // whose elements stay where they are
  const std::lock_guard lock(guard);
  std::vector<float>& levels = known[{bits, block}];
  if (levels.empty()) levels = detail::best_signed_levels(bits, block);
  return levels;
}

}  // namespace bitgauge
