#pragma once

/// \file
/// The one place where NaN and infinity are met: every row passes here before anything is computed from it.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/answers/recipe.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/simd/row.hpp>

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// Buffers of one thread.
struct finite_scratch {
  std::vector<float> low, high;  ///< extents of the runs of the row last examined
  std::vector<float> for_range, for_codes;
};

/// A row, finite: what ranges see (0 in place of NaN and infinity) and what codes are chosen for (infinities
/// at the far ends).
struct finite_row {
  const float* for_range;
  const float* for_codes;
  float greatest;  ///< the largest magnitude of what ranges see
};

/// Where a row's first element lies in the matrix. A column vector is stored as one row; the user sees one
/// column.
struct row_start {
  index_t row, col;
  bool is_column_vector = false;
};

[[noreturn]] inline void reject_nonfinite(float x, row_start start, index_t j) {
  index_t row = start.row, col = start.col + j;
  if (start.is_column_vector) std::swap(row, col);
  raise_message<data_error>({"row ", row, ", column ", col, " is ",
                             numeric::is_nan(x)        ? "NaN"
                             : numeric::is_negative(x) ? "-infinity"
                                                       : "infinity",
                             ": expected finite values (or ask for nonfinite::saturate)"});
}

/// Finds the extents of the runs of `count` elements from `start` on, and applies the policy. Costs
/// one pass.
inline finite_row sanitize_row(const float* x, index_t count, index_t run, row_start start, nonfinite policy,
                               finite_scratch& s) {
  const auto runs = static_cast<std::size_t>((count + run - 1) / run);
  s.low.resize(runs);
  s.high.resize(runs);
  std::uint32_t greatest = simd::extents(x, count, run, s.low.data(), s.high.data());
  if (greatest < numeric::infinity_bits) return {x, x, std::bit_cast<float>(greatest)};
  s.for_range.assign(x, x + count);
  s.for_codes.assign(x, x + count);
  for (index_t j = 0; j < count; ++j) {
    if (numeric::is_finite(x[j])) continue;
    if (policy == nonfinite::reject) reject_nonfinite(x[j], start, j);
    constexpr float largest = std::numeric_limits<float>::max();
    s.for_range[static_cast<std::size_t>(j)] = 0;
    s.for_codes[static_cast<std::size_t>(j)] = numeric::is_nan(x[j])        ? 0
                                               : numeric::is_negative(x[j]) ? -largest
                                                                            : largest;
  }
  greatest = simd::extents(s.for_range.data(), count, run, s.low.data(), s.high.data());
  return {s.for_range.data(), s.for_codes.data(), std::bit_cast<float>(greatest)};
}

}  // namespace bitgauge::detail
