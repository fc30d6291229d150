#pragma once

/// \file
/// The best scale where storage holds few: every stored value that can win is tried.

#include <bitgauge/grid/grid.hpp>
#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/range/search/integer_codes.hpp>
#include <bitgauge/range/search/level_codes.hpp>
#include <bitgauge/scale/codec.hpp>

#include <algorithm>
#include <array>
#include <cfloat>
#include <cmath>
#include <limits>

namespace bitgauge::detail {

/// True where neighbouring stored scales lie more than 1/64 apart, as those of E8M0 and E4M3 do: then there
/// are few enough to try them all, and rounding the best real scale would miss the best stored one.
inline bool is_coarse(const scale_codec& storage, float scale) {
  const auto below = storage.around(static_cast<double>(std::nextafter(scale, 0.0f))).below;
  return scale - below > scale / 64;
}

/// The stored scale of least squared error for nearest codes; `Codes` is integer_codes or level_codes.
/// Exact: from a start it walks down until what is clipped alone costs as much as the best scale found, and
/// up until what falls to zero alone does; both only grow from there. Equal errors go to the scale met first.
/// Cost: one (E8M0) to three (E4M3) evaluations of eight scales at once.
template <class Codes>
class stored_scale_search {
 public:
  /// Scales above `largest` are not considered.
  stored_scale_search(const search_group& group, const Codes& codes, code_window window,
                      const scale_codec& storage, float largest)
      : group_(group), codes_(codes), window_(window), storage_(storage), largest_(largest) {}

  /// The best scale, starting from `scale` > 0.
  float run(float scale) {
    below_ = above_ = scale;
    add(scale);
    do {
      const std::size_t room = simd::code_sum_lanes - count_;
      if (down_) step(false, up_ ? (room + 1) / 2 : room, below_, down_);
      if (up_) step(true, simd::code_sum_lanes - count_, above_, up_);
      evaluate();
      down_ = down_ && clipped() < error_;
      up_ = up_ && zeroed() < error_;
    } while (down_ || up_);
    return best_;
  }

 private:
  void add(float scale) {
    trials_.add(1 / static_cast<double>(scale), window_);
    scales_[count_++] = scale;
  }
  /// Tries up to `wanted` scales beyond the outermost one; `more` tells whether there may be others.
  void step(bool up, std::size_t wanted, float& outermost, bool& more) {
    std::array<float, simd::code_sum_lanes> next;
    const std::size_t found = storage_.following(outermost, up, {next.data(), wanted});
    std::size_t added = 0;
    for (; added < found && next[added] <= largest_; ++added) add(outermost = next[added]);
    more = added == wanted;
  }

  void evaluate() {
    if (count_ == 0) return;
    codes_.evaluate(trials_);
    for (std::size_t i = 0; i < count_; ++i) {
      const double error = group_.error(trials_[i].sums, static_cast<double>(scales_[i]));
      if (error < error_ - group_.tolerance()) {
        error_ = error;
        best_ = scales_[i];
      }
    }
    trials_.clear();
    count_ = 0;
  }

  /// The error of what lies outside of the levels at the smallest scale tried.
  double clipped() const { return codes_.clipping_error(window_, static_cast<double>(below_)); }
  /// The error of what is nearest to zero at the largest scale tried.
  double zeroed() const {
    const double reach = codes_.zero_reach() * static_cast<double>(above_);
    double sum = 0;
    for (index_t i = 0; i < group_.count; ++i) {
      const double x = group_.x[i], magnitude = std::fabs(x);
      sum += numeric::uncontracted(magnitude <= reach ? group_.weight(i) * x * x : 0);
    }
    return sum;
  }

  const search_group& group_;
  const Codes& codes_;
  code_window window_;
  const scale_codec& storage_;
  float largest_;
  trial_batch trials_;
  std::array<float, simd::code_sum_lanes> scales_{};  ///< those of trials_
  std::size_t count_ = 0;
  float below_ = 0, above_ = 0;  ///< the outermost tried
  bool down_ = true, up_ = true;
  float best_ = 0;
  double error_ = std::numeric_limits<double>::infinity();
};

/// The best stored scale of a group for a grid without zero points, starting from `scale` > 0.
inline float best_stored_scale(const search_group& group, const any_grid& grid, const scale_codec& storage,
                               float scale) {
  const bool may_overflow = group.absmax() >= static_cast<double>(near_overflow);
  const float largest =
      may_overflow ? largest_finite_scale(grid.reach(grid.constant_zero_point()), storage) : FLT_MAX;
  if (const integer_grid* integer = grid.integer()) {
    const integer_codes codes(group);
    const code_window window{static_cast<double>(integer->lowest - integer->center),
                             static_cast<double>(integer->highest - integer->center)};
    return stored_scale_search(group, codes, window, storage, largest).run(scale);
  }
  const level_codes codes(group, grid.levels());
  return stored_scale_search(group, codes, {}, storage, largest).run(scale);
}

}  // namespace bitgauge::detail
