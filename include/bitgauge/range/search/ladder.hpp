#pragma once

/// \file
/// Which scales a search tries first.

#include <bitgauge/numeric/uncontracted.hpp>

#include <algorithm>
#include <cmath>

namespace bitgauge::detail {

/// Scales from the largest worth trying to the smallest, as inverses. At the smallest, clipping alone costs
/// as much as rounding does: c^2 = n s^2 / 12 for the c that are cut off the largest element. Steps grow
/// along the way where the ends are far apart.
class trial_ladder {
 public:
  /// \param count   scales
  /// \param unit    1 / scale of one level; `levels` of them cover the group
  /// \param clipped levels by which the largest element may lie outside at the smallest scale
  trial_ladder(int count, double unit, double levels, double clipped) : stride_(1.0 / (count - 1)) {
    const double most = levels + clipped;
    const double least = std::min(std::max(levels - 0.8, 0.6 * levels), most / 1.1);
    first_ = numeric::uncontracted(least * unit);
    length_ = (most - least) * unit;
    bend_ = std::clamp(1 - 2 * least / most, 0.0, 1.0);
  }

  /// 1 / scale of trial i.
  double inverse(int i) const {
    const double t = i * stride_;
    return first_ + numeric::uncontracted(length_ * t * (1 - bend_ + numeric::uncontracted(bend_ * t)));
  }

 private:
  double stride_, first_, length_, bend_;
};

/// `count` scales around 1 / `center`, the outermost a factor of `spacing` apart.
class trial_neighbourhood {
 public:
  trial_neighbourhood(int count, double center, double spacing)
      : first_(center / std::sqrt(spacing)),
        step_((numeric::uncontracted(center * std::sqrt(spacing)) - first_) / (count - 1)) {}
  double inverse(int i) const { return first_ + numeric::uncontracted(step_ * i); }
  /// The ratio of a trial's two neighbours.
  double spacing() const { return 1 + 2 * step_ / first_; }

 private:
  double first_, step_;
};

}  // namespace bitgauge::detail
