#pragma once

/// \file
/// What a tensor costs at any number of bits a weight, and the rates at which one bit more saves the same everywhere.

#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge {

/// Cost by rate, from some rates at which it was measured: the greatest function that is convex in its logarithm and
/// nowhere above the measured points, so that what was measured too high by chance changes nothing. Between two of its
/// corners it is c 2^(-s r), with s = 2 where rates are high.
///
///     const rate_curve curve({{1, 0.25}, {2, 0.0625}, {3, 0.015625}});   // 4^-r
///     curve.cost(1.5);                 // 0.125
///     curve.rate_at(0.125 * 2 * std::log(2.0));   // 1.5: there one bit more saves as much
class rate_curve {
 public:
  struct point {
    double rate, cost;
  };

  /// In any order. Raises data_error without a point, and for one that is not finite or a cost below 0.
  explicit rate_curve(std::vector<point> measured) {
    if (measured.empty()) raise(data_error("rate_curve: expected at least 1 rate, found none"));
    double most = 0;
    for (const point& p : measured) {
      if (!numeric::binary64::is_finite(p.rate) || !numeric::binary64::is_finite(p.cost) || p.cost < 0)
        detail::raise_message<data_error>(
            {"rate_curve: expected finite rates and costs from 0 up, found ", p.cost, " at ", p.rate});
      most = std::max(most, p.cost);
    }
    std::sort(measured.begin(), measured.end(),
              [](const point& a, const point& b) { return a.rate < b.rate; });
    // a cost of 0 has no logarithm: a level that counts as nothing
    const double nothing = most > 0 ? 1e-12 * most : 1e-300;
    for (const point& p : measured) {
      const point next{p.rate, std::log2(std::max(p.cost, nothing))};
      if (!corners_.empty() && corners_.back().rate >= next.rate) {
        corners_.back().cost = std::min(corners_.back().cost, next.cost);
        continue;
      }
      while (corners_.size() > 1 &&
             slope(corners_[corners_.size() - 2], corners_.back()) >= slope(corners_.back(), next))
        corners_.pop_back();
      corners_.push_back(next);
    }
    // beyond the least cost more bits save nothing
    while (corners_.size() > 1 && slope(corners_[corners_.size() - 2], corners_.back()) >= 0)
      corners_.pop_back();
  }

  double least_rate() const noexcept { return corners_.front().rate; }
  double most_rate() const noexcept { return corners_.back().rate; }

  /// At a rate, from the least to the most one.
  double cost(double rate) const {
    rate = std::clamp(rate, least_rate(), most_rate());
    if (corners_.size() < 2) return std::exp2(corners_.front().cost);
    std::size_t i = 1;
    while (i + 1 < corners_.size() && rate > corners_[i].rate) ++i;
    return std::exp2(corners_[i - 1].cost +
                     slope(corners_[i - 1], corners_[i]) * (rate - corners_[i - 1].rate));
  }
  /// Where cost(rate) + price * rate is least, for a price above 0.
  double rate_at(double price) const {
    for (std::size_t i = 1; i < corners_.size(); ++i) {
      const double s = -slope(corners_[i - 1], corners_[i]);
      const double rate =
          corners_[i - 1].rate + (corners_[i - 1].cost + std::log2(s * std::log(2.0) / price)) / s;
      if (rate < corners_[i].rate) return std::max(rate, corners_[i - 1].rate);
    }
    return most_rate();
  }

 private:
  static double slope(const point& a, const point& b) noexcept {
    return (b.cost - a.cost) / (b.rate - a.rate);
  }

  std::vector<point> corners_;  // by rising rate; costs as logarithms to base 2
};

/// Curves of tensors, with how many weights each has.
struct rated_weights {
  const rate_curve* curve = nullptr;
  double weights = 0;
};

/// The rates whose costs add up to least while the weights take `bytes` at most, and the cost that one byte more would
/// save: everywhere the same, but where a curve ends (Shoham and Gersho 1988). Of two curves c 2^(-2 r) the rates
/// differ by half of log2 of the c's ratio, each c a weight. Where the least rates take more, they are the least.
inline std::pair<std::vector<double>, double> rates_of_equal_slope(std::span<const rated_weights> all,
                                                                   double bytes) {
  std::vector<double> rates(all.size());
  const auto take = [&](double log_price) {
    double sum = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      rates[i] = all[i].curve->rate_at(std::exp2(log_price) * all[i].weights / 8);
      sum += rates[i] * all[i].weights / 8;
    }
    return sum;
  };
  double low = -900, high = 900;  // of the price's logarithm: bytes fall as it rises
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (take(middle) > bytes ? low : high) = middle;
  }
  take(high);
  return {std::move(rates), std::exp2(high)};
}

}  // namespace bitgauge
