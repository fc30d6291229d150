#pragma once

/// \file
/// What one thread needs to fit a row, and the parameters of the row's runs.

#include <bitgauge/base/aligned_buffer.hpp>
#include <bitgauge/base/config.hpp>
#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/matrix/answers/nonfinite.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

namespace bitgauge::detail {

/// Some runs of some rows, `per_row` of each, that follow each other: their extents, which fitting may widen, and room
/// for their parameters.
struct run_span {
  std::span<float> low, high, scale, inverse;
  std::span<std::int32_t> zero_point;
  index_t per_row;

  index_t count() const noexcept { return std::ssize(scale); }
  void set(std::size_t run, parameters p) const {
    scale[run] = p.scale;
    inverse[run] = inverse_scale(p.scale);
    zero_point[run] = p.zero_point;
  }
};

struct row_scratch : finite_scratch {
  aligned_buffer<float> panel;
  std::vector<float> scale, inverse;
  std::vector<std::int32_t> zero_point;

  /// Room for the extents and parameters of `count` runs.
  void resize(std::size_t count) {
    low.resize(count);
    high.resize(count);
    scale.resize(count);
    inverse.resize(count);
    zero_point.resize(count);
  }
  /// All runs that there is room for.
  run_span runs(index_t per_row) { return {low, high, scale, inverse, zero_point, per_row}; }
};

}  // namespace bitgauge::detail
