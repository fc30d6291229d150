#pragma once

/// \file
/// The levels of a grid in ascending order, as searches for a scale need them: prepared once a matrix.

#include <bitgauge/simd/level_buckets.hpp>
#include <bitgauge/simd/sums/level_sums.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace bitgauge::detail {

/// Distinct levels with the exact midpoints of neighbours.
class level_table {
 public:
  /// At least one level, all finite, in any order.
  template <int = 0>
  explicit level_table(std::vector<float> levels) {
    std::sort(levels.begin(), levels.end());
    levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
    levels_.assign(levels.begin(), levels.end());
    bounds_.fill(FLT_MAX);
    for (std::size_t i = 0; i + 1 < levels_.size(); ++i) {
      midpoints_.push_back((levels_[i] + levels_[i + 1]) / 2);
      bounds_[i] = static_cast<float>(midpoints_.back());
    }
    if (fits_lanes()) {
      std::copy(levels_.begin(), levels_.end(), lanes_.levels.begin());
      std::copy(midpoints_.begin(), midpoints_.end(), lanes_.midpoints.begin());
    }
    buckets_ = {bounds_, midpoints_.size()};
    for (const double level : levels_) {
      if (level != 0) zero_reach_ = std::min(zero_reach_, std::fabs(level) / 2);
      has_zero_ = has_zero_ || level == 0;
    }
  }

  std::span<const double> levels() const { return levels_; }
  std::span<const double> midpoints() const { return midpoints_; }

  /// The number of the level nearest to `value`, the lower one where it lies on a midpoint.
  std::size_t nearest(double value) const {
    std::size_t rank = buckets_.rank(static_cast<float>(value), bounds_);
    while (rank < midpoints_.size() && midpoints_[rank] < value) ++rank;  // the float may lie on the other
    while (rank > 0 && midpoints_[rank - 1] >= value) --rank;             // side of a midpoint
    return rank;
  }

  /// Values of up to this magnitude have no level nearer than 0, or 0 where 0 is no level.
  double zero_reach() const { return has_zero_ ? zero_reach_ : 0; }

  /// True where there are few enough levels for simd::level_sums, by lanes().
  bool fits_lanes() const { return levels_.size() <= lanes_.levels.size(); }
  const simd::level_lanes& lanes() const { return lanes_; }

 private:
  std::vector<double> levels_, midpoints_;
  std::array<float, simd::level_buckets::capacity> bounds_{};
  simd::level_buckets buckets_;
  simd::level_lanes lanes_;
  double zero_reach_ = FLT_MAX;
  bool has_zero_ = false;
};

}  // namespace bitgauge::detail
