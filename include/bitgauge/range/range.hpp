#pragma once

/// \file
/// What a range must offer, the interface through which the library sees every range, and the two that need
/// no search.

#include <bitgauge/grid/grid.hpp>
#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/numeric/uncontracted.hpp>
#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/scale/codec.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <span>
#include <string>
#include <vector>

namespace bitgauge {

/// A user's own range: the interval that the codes of a group shall cover, from the group's values (finite,
/// at least one). The library widens it to include zero, and raises data_error where the ends are not finite or the
/// low one is above the high one.
template <class R>
concept interval_range = std::copy_constructible<R> && requires(const R& r, std::span<const float> values) {
  { r(values) } -> std::convertible_to<interval>;
};

/// The values of one group, row by row.
struct group_values {
  std::span<const float> values;   ///< all finite
  std::span<const float> weights;  ///< importance of each value, or empty where all weigh the same
  index_t group = 0;               ///< number of the group, see grouping
};

namespace detail {

class extent_model;

/// A range whose type is no longer known: called once a group.
class any_range {
 public:
  virtual ~any_range() = default;
  /// This, where the parameters depend on the group's smallest and largest value alone (min-max): they are
  /// then found in one pass over memory, without gathering the group. Else null.
  virtual const extent_model* as_extent() const { return nullptr; }
  /// The parameters of a group, the scale already as stored.
  virtual parameters fit(const group_values& group, const any_grid& grid,
                         const scale_codec& storage) const = 0;
};

}  // namespace detail

/// Anything that fits parameters to a group directly; the library's own searching ranges are of this kind.
template <class R>
concept fitting_range =
    std::copy_constructible<R> &&
    requires(const R& r, const group_values& group, const any_grid& grid, const scale_codec& storage) {
      { r.fit(group, grid, storage) } -> std::convertible_to<parameters>;
    };

/// Any answer to "how is the range chosen?".
template <class R>
concept range = interval_range<R> || fitting_range<R>;

/// [min(0, smallest), max(0, largest)]. On a symmetric grid this is absmax: the larger magnitude counts.
/// A one-bit symmetric grid gets the mean magnitude, which minimises the error of +-scale (Rastegari et al.,
/// XNOR-Net, ECCV 2016, eq. 6). Cost: one pass.
struct minmax_range {
  friend constexpr bool operator==(const minmax_range&, const minmax_range&) = default;
};

/// [-a, a] with a the largest magnitude. On an affine grid this puts the zero point in the middle.
struct absmax_range {
  friend constexpr bool operator==(const absmax_range&, const absmax_range&) = default;
};

/// The same interval for every group, chosen by the user: what lies outside is clipped.
struct fixed_range {
  interval bounds;
  interval operator()(std::span<const float>) const { return bounds; }
};

namespace detail {

constexpr interval including_zero(interval range) {
  return {std::min(range.low, 0.0f), std::max(range.high, 0.0f)};
}

/// Mean of |x|, summed in double in order: the scale of a one-bit symmetric grid.
inline double magnitude_sum(std::span<const float> values) {
  double sum = 0;
  for (const float x : values) sum += std::fabs(static_cast<double>(x));
  return sum;
}

inline interval symmetric_interval(float magnitude) {
  return {-magnitude, magnitude};
}

inline interval extent_of(std::span<const float> values) {
  interval range;
  for (const float x : values) {
    range.low = std::min(range.low, x);
    range.high = std::max(range.high, x);
  }
  return range;
}

/// Scales with a sign, by a range that finds those that are not negative: for the values and for the values
/// mirrored, whichever errs less.
template <class R>
parameters fit_either_sign(const R& r, const group_values& group, const any_grid& positive,
                           const scale_codec& storage) {
  parameters best;
  double least = 0;
  std::vector<float> values(group.values.begin(), group.values.end());
  for (const float sign : {1.0f, -1.0f}) {
    if (sign < 0)
      for (float& x : values) x = -x;
    const parameters p = r.fit({values, group.weights, group.group}, positive, storage);
    double error = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float level = positive.level(positive.nearest(values[i] * inverse_scale(p.scale), 0));
      const double off = static_cast<double>(values[i]) - static_cast<double>(p.scale * level);
      error += numeric::uncontracted(off * off *
                                     (group.weights.empty() ? 1.0 : static_cast<double>(group.weights[i])));
    }
    if (sign > 0 || error < least) {
      best = {sign * p.scale, p.zero_point};
      least = error;
    }
  }
  return best;
}

template <class R>
class any_range_of final : public any_range {
 public:
  explicit any_range_of(const R& r) : range_(r) {}
  parameters fit(const group_values& group, const any_grid& grid, const scale_codec& storage) const override {
    if constexpr (fitting_range<R>) {
      if (const any_grid* positive = grid.with_positive_scales())
        return fit_either_sign(range_, group, *positive, storage);
      return range_.fit(group, grid, storage);
    } else {
      const interval chosen = range_(group.values);
      if (!numeric::is_finite(chosen.low) || !numeric::is_finite(chosen.high))
        refuse(group, "finite ends", chosen);
      if (chosen.low > chosen.high) refuse(group, "a low end that is not above the high one", chosen);
      return parameters_for(including_zero(chosen), grid, storage);
    }
  }

 private:
  [[noreturn]] static void refuse(const group_values& group, const char* expected, interval found) {
    raise_message<data_error>({"range of group ", group.group, ": expected ", expected, ", found [",
                               found.low, ", ", found.high, "]"});
  }

  R range_;
};

/// Min-max and absmax, which the quantizer also computes without gathering a group.
class extent_model final : public any_range {
 public:
  explicit extent_model(bool symmetric) : symmetric_(symmetric) {}
  const extent_model* as_extent() const override { return this; }
  /// True where every interval is [-a, a], on affine grids too.
  bool is_symmetric() const { return symmetric_; }
  /// The interval from a group's extent.
  interval widen(interval extent) const {
    return symmetric_ ? symmetric_interval(extent.magnitude()) : extent;
  }
  parameters fit(const group_values& group, const any_grid& grid, const scale_codec& storage) const override {
    const integer_grid* integer = grid.integer();
    if (integer != nullptr && integer->is_sign_only()) {
      const auto count = static_cast<double>(group.values.size());
      return parameters_for(symmetric_interval(static_cast<float>(magnitude_sum(group.values) / count)), grid,
                            storage);
    }
    return parameters_for(widen(extent_of(group.values)), grid, storage);
  }

 private:
  bool symmetric_;
};

/// From the smallest value to the largest, on every grid: one-bit codes too.
class widest_range final : public any_range {
 public:
  parameters fit(const group_values& group, const any_grid& grid, const scale_codec& storage) const override {
    return parameters_for(extent_of(group.values), grid, storage);
  }
};

}  // namespace detail
}  // namespace bitgauge
