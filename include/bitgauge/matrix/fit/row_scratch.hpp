#pragma once

/// \file
/// What one thread needs to fit a row, and the parameters of the row's runs.

#include <bitgauge/base/aligned_buffer.hpp>
#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/matrix/answers/nonfinite.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bitgauge::detail {

struct row_scratch : finite_scratch {
  aligned_buffer<float> panel;
  std::vector<float> scale, inverse;
  std::vector<std::int32_t> zero_point;

  void set(std::size_t run, parameters p) {
    scale[run] = p.scale;
    inverse[run] = inverse_scale(p.scale);
    zero_point[run] = p.zero_point;
  }
};

}  // namespace bitgauge::detail
