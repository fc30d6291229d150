#pragma once

/// \file
/// What straight_through.hpp declares.

#include <bitgauge/training/straight_through.hpp>

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace bitgauge::detail {

BITGAUGE_DEFINE void representable_row(const float* x, index_t row, const quantized_matrix& q,
                                       const representable_numbers& numbers, std::uint8_t* passes) {
  const grouping& groups = q.groups();
  const index_t cols = groups.cols(), run = groups.run();
  for (index_t begin = 0, i = 0; begin < cols; begin += run, ++i) {
    const index_t group = groups.group_of_run(row, i), end = std::min(cols, begin + run);
    const float scale = q.scale(group);
    if (numbers.integers) {
      const int zero_point = q.zero_point(group);
      const float inverse = inverse_scale(scale);
      const auto low = static_cast<float>(numbers.lowest - zero_point),
                 high = static_cast<float>(numbers.highest - zero_point);
      for (index_t c = begin; c < end; ++c) {
        const float steps = std::nearbyint(x[c] * inverse);
        passes[c] = steps >= low && steps <= high ? 1 : 0;
      }
    } else {
      // the scale is the quotient of an extent and a level, rounded: the extent itself is in
      constexpr double last_bit = 1 + static_cast<double>(FLT_EPSILON);
      const double low = numbers.lowest * static_cast<double>(scale) * last_bit,
                   high = numbers.highest * static_cast<double>(scale) * last_bit;
      for (index_t c = begin; c < end; ++c) {
        const auto value = static_cast<double>(x[c]);
        passes[c] = value >= low && value <= high ? 1 : 0;
      }
    }
  }
}

}  // namespace bitgauge::detail
