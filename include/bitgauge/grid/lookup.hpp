#pragma once

/// \file
/// Codes that look their number up in a table of their own row: the best one that a row can have.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/grid/codebook.hpp>
#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/grid/stored_levels.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bitgauge {
namespace detail {

/// Writes the levels of least squared error of some values, ascending, as they are stored: see lookup_grid.
BITGAUGE_DECLARE void fit_stored_levels(std::span<const float> values, std::span<const float> weights,
                                        level_type type, std::span<float> levels);

/// 2^bits numbers from -1 to 1, equally spaced: what codes stand for until a row has levels.
template <int = 0>
codebook_grid equally_spaced_levels(int bits) {
  if (bits < 1 || bits > 8) raise_message<invalid_scheme>({"lookup: bits: expected 1 to 8, found ", bits});
  std::vector<float> levels(std::size_t{1} << bits);
  for (std::size_t i = 0; i < levels.size(); ++i)
    levels[i] = static_cast<float>(2 * i) / static_cast<float>(levels.size() - 1) - 1;
  return codebook_grid(levels);
}

}  // namespace detail

/// A codebook for each row, fitted to it: the 2^bits levels of least error sum_j w_j s_j^2 (x_j / s_j - level)^2,
/// s_j the scale of an element's group and w_j its importance, if one is given: one-dimensional k-means, solved to
/// its global optimum (see fit_levels), then rounded to the stored type. Every element has the nearest of these
/// ("any4": Elhoushi, Johnson, "any4: Learned 4-bit Numeric Representation for LLMs", arXiv 2507.04610, which finds
/// a local optimum by Lloyd's iteration).
///
///     auto q = quantize(W, lookup<4>{});                                         // a scale and 16 f16 levels a row
///     auto p = quantize(W, lookup<3>{level_type::int8}, per_group{128}, f16_scales, importance(w));
///
/// real = scale * level, the scale by the range and granularity as of any grid whose largest level is 1: with
/// min-max the absmax of the group, so that no level leaves [-1, 1] and f16 and int8 levels overflow for no data.
/// Zero is a level only where the fit makes it one; a row of zeros is exact. NaN and infinity are treated as
/// everywhere. Rounding may be nearest or stochastic, no error feedback. Cost: some milliseconds for a row of 4096.
class lookup_grid {
 public:
  /// Throws invalid_scheme unless there are 1 to 8 bits.
  explicit lookup_grid(int bits, level_type levels = level_type::f16)
      : placeholder_(detail::equally_spaced_levels(bits)), levels_(levels) {}

  int bits() const noexcept { return placeholder_.bits(); }
  float level(int field) const noexcept { return placeholder_.level(field); }
  int nearest(float value) const noexcept { return placeholder_.nearest(value); }
  float scale_for(interval range) const noexcept { return range.magnitude(); }

  level_type row_levels() const noexcept { return levels_; }
  /// Writes the levels of a row, all 2^bits, the last ones repeated where fewer do. `values` are over their
  /// scales, `weights` as many or none.
  void fit_row(std::span<const float> values, std::span<const float> weights, std::span<float> levels) const {
    detail::fit_stored_levels(values, weights, levels_, levels);
  }

 private:
  codebook_grid placeholder_;
  level_type levels_;
};

/// The same of a width known at compile time.
template <int Bits>
requires(Bits >= 1 && Bits <= 8)
struct lookup : lookup_grid {
  explicit lookup(level_type levels = level_type::f16) : lookup_grid(Bits, levels) {}
};

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/grid/lookup_definitions.hpp>
#endif
