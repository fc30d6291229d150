#pragma once

/// \file
/// Steps of columns: bits where errors count.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/power.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace bitgauge::detail {

/// The steps that spend bits best on independent columns of spread s_j whose squared errors count D_j: reverse
/// water-filling (Cover and Thomas, Elements of Information Theory, 10.3.3). Far above the water level the weighted
/// errors D_j step_j^2 are equal; near it a column has smaller steps than that, because few of its levels are not 0
/// and these would otherwise lie too far out.
class water_fill {
 public:
  /// `states`: of the trellis_code.
  explicit water_fill(int states) : scalar_(states == 1) {}

  /// The exponent, in eighths of an octave, of a column's step beside the unit of the water level.
  /// `root`: sqrt(D_j), `spread`: of the column's values, in the same units.
  int step_exponent(double root, double spread, double unit) const {
    const double ratio = spread * root / unit * (scalar_ ? 2 : 1);
    const double exponent = -8 * numeric::portable_log2(root) + narrowing(ratio);
    return static_cast<int>(std::clamp(std::floor(exponent + 0.5), -127.0, 127.0));
  }

  /// The worth of a bit in squared steps, for a column whose D_j step_j^2 is `weighted` squared units: the slope of
  /// the distortion of the code, 2 log(2) D, where no level is 0 but for chance.
  float lambda(double weighted) const { return static_cast<float>((scalar_ ? 0.115 : 0.364) / weighted); }

 private:
  /// Eighths of an octave at a ratio of spread to step, so that levels are the centroids of what is rounded to
  /// them; measured on normal values with 8 states.
  static double narrowing(double ratio) {
    struct point {
      double ratio, eighths;
    };
    constexpr std::array<point, 8> points{
        {{0.25, -10}, {0.4, -8}, {0.6, -6}, {0.8, -4.1}, {1.0, -2.6}, {1.5, -0.6}, {2.0, -0.2}, {3.0, 0}}};
    if (ratio <= points.front().ratio) return points.front().eighths;
    for (std::size_t i = 1; i < points.size(); ++i)
      if (ratio <= points[i].ratio) {
        const point &a = points[i - 1], &b = points[i];
        const double part = (ratio - a.ratio) / (b.ratio - a.ratio);
        return a.eighths + numeric::uncontracted(part * (b.eighths - a.eighths));
      }
    return 0;
  }

  bool scalar_;
};

}  // namespace bitgauge::detail
