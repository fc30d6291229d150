#pragma once

/// \file
/// What prune.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/pruned/prune.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace bitgauge::detail {

BITGAUGE_DEFINE pruning_mask mask_of(const char* what, const row_source& rows,
                                     std::span<const double> factors, const pruning_pattern& pattern,
                                     bool by_row) {
  const index_t cols = rows.cols(), across = pattern.is_unstructured() ? cols : pattern.of();
  std::vector<double> costs(static_cast<std::size_t>(rows.rows() * cols));
  std::vector<std::uint8_t> pruned(costs.size());
  std::vector<float> scratch;
  for (index_t r = 0; r < rows.rows(); ++r) {
    const float* values = rows.read(r, 1, scratch).row(0);
    for (index_t c = 0; c < cols; ++c) {
      if (!numeric::is_finite(values[c]))
        raise_message<data_error>({what, ": row ", r, ", column ", c, ": expected a finite value, found ",
                                   numeric::is_nan(values[c]) ? "NaN" : "infinity"});
      const double factor = factors.empty() ? 1 : factors[static_cast<std::size_t>(c)];
      costs[static_cast<std::size_t>(r * cols + c)] = std::fabs(static_cast<double>(values[c])) * factor;
    }
  }
  if (pattern.is_unstructured() && !by_row) {
    if (pattern.share() > 0 && !costs.empty()) {
      std::vector<double> sorted = costs;
      const auto nth =
          sorted.begin() + static_cast<index_t>(static_cast<double>(costs.size()) * pattern.share());
      std::nth_element(sorted.begin(), nth, sorted.end());
      for (std::size_t i = 0; i < costs.size(); ++i) pruned[i] = costs[i] <= *nth;
    }
    return pruning_mask::from_flags(pattern, rows.rows(), cols, pruned);
  }
  std::vector<index_t> order;
  for (index_t r = 0; r < rows.rows(); ++r)
    for (index_t begin = 0; begin < cols; begin += across) {
      const index_t width = std::min(across, cols - begin);
      const index_t count = pattern.is_unstructured()
                                ? static_cast<index_t>(static_cast<double>(cols) * pattern.share())
                                : pattern.pruned_of(width);
      const double* own = costs.data() + r * cols + begin;
      order.resize(static_cast<std::size_t>(width));
      std::iota(order.begin(), order.end(), index_t{0});
      std::nth_element(order.begin(), order.begin() + count, order.end(), [&](index_t a, index_t b) {
        return own[a] < own[b] || (!(own[b] < own[a]) && a < b);
      });
      for (index_t i = 0; i < count; ++i)
        pruned[static_cast<std::size_t>(r * cols + begin + order[static_cast<std::size_t>(i)])] = 1;
    }
  return pruning_mask::from_flags(pattern, rows.rows(), cols, pruned);
}

}  // namespace bitgauge::detail
