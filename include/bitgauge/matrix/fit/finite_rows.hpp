#pragma once

/// \file
/// Rows for error feedback, which has no use for NaN and infinity: there is no error to feed back.

#include <bitgauge/matrix/answers/nonfinite.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>

#include <algorithm>
#include <vector>

namespace bitgauge::detail {

/// Writes rows first .. first + count - 1 of a source, one after the other. Raises data_error for NaN and
/// infinity, whatever the policy.
inline void read_finite_rows(const row_source& source, index_t first, index_t count, bool is_column_vector,
                             float* out) {
  const index_t cols = source.cols();
  std::vector<float> scratch;
  finite_scratch s;
  const auto panel = source.read(first, count, scratch);
  for (index_t r = 0; r < count; ++r) {
    sanitize_row(panel.row(r), cols, cols, {first + r, 0, is_column_vector}, nonfinite::reject, s);
    std::copy_n(panel.row(r), cols, out + r * cols);
  }
}

}  // namespace bitgauge::detail
