#pragma once

/// \file
/// What error_sums.hpp declares.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/metrics/error_sums.hpp>

#include <algorithm>
#include <vector>

namespace bitgauge::detail {

BITGAUGE_DEFINE error_sums compare_rows(const row_source& original, int threads,
                                        const decode_row_to& approximation) {
  constexpr index_t height = 32;  // always: the order of the sums shall not depend on how a matrix lies
  if (original.rows() == 0 || original.cols() == 0) return {};  // whatever the other extent is
  const index_t panels = (original.rows() + height - 1) / height, cols = original.cols();
  std::vector<error_sums> parts(static_cast<std::size_t>(panels));
  parallel_for(panels, threads, [&](index_t p) {
    std::vector<float> scratch, row(static_cast<std::size_t>(cols));
    const index_t first = p * height, count = std::min(height, original.rows() - first);
    const auto panel = original.read(first, count, scratch);
    for (index_t r = 0; r < count; ++r) {
      approximation(first + r, row.data());
      parts[static_cast<std::size_t>(p)].add(panel.row(r), row.data(), cols);
    }
  });
  error_sums all;
  for (const error_sums& part : parts) all.merge(part);
  return all;
}

}  // namespace bitgauge::detail
