#pragma once

/// \file
/// About how much memory the work on one tensor of a plan takes.

#include <bitgauge/base/config.hpp>
#include <bitgauge/model/plan/plan.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace bitgauge::detail {

/// An upper estimate, in bytes, of what is held at once beside what the source has mapped: rows of some 16 MB
/// of floats with their codes, what all groups share, the values where they are not read in place, and with
/// error feedback the result, the panels of 16 threads, the Hessian (double, with its factor and a copy) and
/// the samples.
inline std::uint64_t working_memory(const planned_tensor& t, bool lies_as_rows,
                                    std::optional<index_t> has_samples) {
  const auto size = [](index_t n) { return static_cast<std::uint64_t>(std::max<index_t>(n, 0)); };
  const std::uint64_t elements = size(t.rows) * size(t.cols);
  const std::uint64_t part =
      std::min<std::uint64_t>(elements, std::max(std::uint64_t{1} << 22, size(t.cols)));
  std::uint64_t bytes = part * (sizeof(float) + 2);
  if (t.entry)
    bytes += size(t.entry->layout.scale_bytes()) + size(t.entry->layout.zero_point_bytes()) +
             size(t.entry->layout.level_bytes());
  if (!lies_as_rows) bytes += elements * sizeof(float);
  if (has_samples || t.to.feeds_back()) bytes += 3 * size(t.cols) * size(t.cols) * sizeof(double);
  if (t.to.feeds_back()) {
    constexpr std::uint64_t panel_rows = 16 * 128, arrays = 6;
    bytes += t.bytes_after + elements;  // packed, and a byte a code before that
    bytes += std::min(panel_rows, size(t.rows)) * size(t.cols) * sizeof(double) * arrays;
  }
  return bytes;
}

}  // namespace bitgauge::detail
