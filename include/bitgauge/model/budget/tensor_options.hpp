#pragma once

/// \file
/// What a tensor can become as options of a budget, formats of any rate among them.

#include <bitgauge/matrix/trellis/trellis_scheme.hpp>
#include <bitgauge/model/budget/budget.hpp>
#include <bitgauge/model/budget/rate_curve.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace bitgauge::detail {

/// Formats as they are, and those of any rate in steps.
class tensor_options {
 public:
  static constexpr double step = 0.125;  ///< bits a weight, of the search; what it finds is refined

  explicit tensor_options(double weights) : weights_(weights) {}

  /// The format at a place among the tensor's candidates.
  void add(const budget_option& option, std::size_t format) {
    options_.push_back(option);
    places_.push_back({format, {}});
  }
  /// One of the rates at which a format of any rate is measured.
  void add_rate(trellis_scheme s, const budget_option& option, std::size_t format) {
    s.bits = 0;
    auto family =
        std::find_if(families_.begin(), families_.end(), [&](const auto& f) { return f.scheme == s; });
    if (family == families_.end()) family = families_.insert(family, {s, format, {}});
    family->measured.push_back({8 * static_cast<double>(option.bytes) / weights_, option.cost});
  }
  /// All has been added.
  void finish() {
    for (const rate_family& family : families_) {
      const rate_curve& curve = curves_.emplace_back(family.measured);
      for (double rate = curve.least_rate(); rate < curve.most_rate() + step; rate += step) {
        const double own = std::min(rate, curve.most_rate());
        options_.push_back({static_cast<std::uint64_t>(std::ceil(own * weights_ / 8)), curve.cost(own)});
        places_.push_back({family.format, curves_.size() - 1});
      }
    }
  }

  const std::vector<budget_option>& options() const noexcept { return options_; }
  /// Of an option, the place of its format; of one of any rate, that of the first rate that is measured.
  std::size_t format_of(std::size_t option) const { return places_[option].format; }
  /// Of an option of any rate; null for others.
  const rate_curve* curve_of(std::size_t option) const {
    return places_[option].curve ? &curves_[*places_[option].curve] : nullptr;
  }
  bool has_curves() const noexcept { return !curves_.empty(); }
  double weights() const noexcept { return weights_; }

  /// The least of cost + price * bytes, of formats as they are and of all rates.
  double lagrangian(double price) const {
    double least = std::numeric_limits<double>::infinity();
    for (const budget_option& each : options_)
      least = std::min(least, each.cost + price * static_cast<double>(each.bytes));
    for (const rate_curve& curve : curves_) {
      const double rate = curve.rate_at(std::max(price * weights_ / 8, 1e-300));
      least = std::min(least, curve.cost(rate) + price * rate * weights_ / 8);
    }
    return least;
  }

 private:
  struct rate_family {
    trellis_scheme scheme;
    std::size_t format;
    std::vector<rate_curve::point> measured;
  };
  struct place {
    std::size_t format;
    std::optional<std::size_t> curve;
  };

  double weights_;
  std::vector<budget_option> options_;
  std::vector<place> places_;
  std::vector<rate_family> families_;
  std::vector<rate_curve> curves_;
};

}  // namespace bitgauge::detail
