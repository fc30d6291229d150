#pragma once

/// \file
/// How often each symbol of a trellis is expected: tables from a handful of parameters.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/power.hpp>
#include <bitgauge/numeric/uncontracted.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace bitgauge {

/// The frequencies of the symbols of one class and parity, out of 2^14: those of a random k whose density belongs to a
/// family (`shape`) and whose spread is 2^(quarters / 4), each symbol having what lies within half a spacing of its
/// level. Symbols too rare to be listed share the frequency of the escape, the last one. Every frequency is at least 1.
/// The same on every platform.
class symbol_model {
 public:
  static constexpr int frequency_bits = 14, total = 1 << frequency_bits;
  /// Generalised normal densities exp(-|x / spread|^p) of p = 2, 1.5, 1 and 0.75, and Student's of 8, 4, 3 and 2
  /// degrees of freedom. Shape 0 is the normal distribution, with spread as its standard deviation.
  static constexpr int shapes = 8;
  /// Classes beyond these are taken as these.
  static constexpr int least_class = -12, most_class = 40;

  /// `spacing`: of the levels, 1 or 2 (trellis_code::spacing()).
  symbol_model(int shape, int quarters, int parity, int spacing) {
    const double spread = numeric::portable_exp2(std::clamp(quarters, least_class, most_class) / 4.0);
    const int parts = std::clamp(static_cast<int>(std::ceil(6 * spacing / spread)), 2, 128);
    const auto weight = [&](std::int32_t symbol) {
      const double level = symbol * spacing + parity, width = static_cast<double>(spacing) / parts;
      double sum = 0;
      for (int i = 0; i < parts; ++i)
        sum += density(shape,
                       std::fabs(level + numeric::uncontracted((i + 0.5 - parts / 2.0) * width)) / spread);
      return sum * width / spread;
    };
    // Densities fall away from 0: the sum ends where what follows is lost beside the rest.
    std::vector<double> upward, downward;
    double all = 0;
    for (std::int32_t s = 0; s < most_symbols; ++s) {
      upward.push_back(weight(s));
      all += upward.back();
      if (s > 1 && upward.back() < 1e-8 * all) break;
    }
    for (std::int32_t s = -1; s >= -most_symbols; --s) {
      downward.push_back(weight(s));
      all += downward.back();
      if (downward.back() < 1e-8 * all) break;
    }
    const double least = 0.6 * all / total;
    const auto kept = [&](std::vector<double>& side) {
      std::size_t count = side.size();
      while (count > 0 && side[count - 1] < least) --count;
      side.resize(count);
    };
    kept(upward);
    kept(downward);
    first_ = -static_cast<std::int32_t>(downward.size());
    double listed = 0;
    for (std::size_t i = downward.size(); i-- > 0;) add(downward[i], all, listed);
    for (const double w : upward) add(w, all, listed);
    if (frequencies_.empty()) add(all, all, listed);
    add(all - listed, all, listed);
    int sum = 0;
    for (const std::uint16_t f : frequencies_) sum += f;
    // what rounding leaves goes to the most frequent symbols, where it changes least
    while (sum != total) {
      auto most = std::max_element(frequencies_.begin(), frequencies_.end());
      const int change = std::clamp(total - sum, -std::max(1, *most / 64), std::max(1, *most / 64));
      *most = static_cast<std::uint16_t>(*most + change);
      sum += change;
    }
    for (const std::uint16_t f : frequencies_) bits_.push_back(frequency_bits - numeric::portable_log2(f));
  }

  /// The lowest symbol that is listed.
  std::int32_t first() const noexcept { return first_; }
  /// How many are.
  std::int32_t count() const noexcept { return static_cast<std::int32_t>(frequencies_.size()) - 1; }
  /// Of the listed symbols in ascending order, then of the escape; their sum is `total`.
  const std::vector<std::uint16_t>& frequencies() const noexcept { return frequencies_; }

  /// Bits to code a symbol: log2(total / frequency), and of one that is not listed escape_bits() more.
  double bits(std::int32_t symbol) const {
    const bool listed = symbol >= first_ && symbol < first_ + count();
    const auto at = static_cast<std::size_t>(listed ? symbol - first_ : count());
    return bits_[at] + (listed ? 0 : escape_bits(symbol));
  }
  /// What follows an escape: a sign, and how far beyond the list the symbol lies, by Elias' gamma code.
  int escape_bits(std::int32_t symbol) const noexcept {
    const std::uint32_t beyond =
        static_cast<std::uint32_t>(symbol < first_ ? first_ - symbol : symbol - first_ - count() + 1);
    int bits = 2;
    for (std::uint32_t rest = beyond; rest > 1; rest >>= 1) bits += 2;
    return bits;
  }

 private:
  static constexpr std::int32_t most_symbols = 2048;

  void add(double weight, double all, double& listed) {
    listed += weight;
    frequencies_.push_back(
        static_cast<std::uint16_t>(std::clamp(std::floor(weight / all * total + 0.5), 1.0, total - 1.0)));
  }

  /// A density but for its factor, which drops out, at `x` spreads from the middle.
  static double density(int shape, double x) noexcept {
    constexpr double log2_e = 1.4426950408889634;
    switch (shape) {
      case 0:
        return numeric::portable_exp2(std::max(-1000.0, -0.5 * log2_e * x * x));
      case 1:
        return numeric::portable_exp2(std::max(-1000.0, -log2_e * x * std::sqrt(x)));
      case 2:
        return numeric::portable_exp2(std::max(-1000.0, -log2_e * x));
      case 3:
        return numeric::portable_exp2(std::max(-1000.0, -log2_e * std::sqrt(x * std::sqrt(x))));
      default: {
        constexpr double degrees[] = {8, 4, 3, 2};
        const double nu = degrees[shape - 4];
        return numeric::portable_power(1 + numeric::uncontracted(x * x / nu), -(nu + 1) / 2);
      }
    }
  }

  std::int32_t first_ = 0;
  std::vector<std::uint16_t> frequencies_;
  std::vector<double> bits_;  ///< of each of these
};

}  // namespace bitgauge
