#pragma once

/// \file
/// The scale and zero point of each row of weights, where a row has one.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>

#include <cstdint>
#include <vector>

namespace bitgauge::detail {

struct row_scales {
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
};

inline const char* granularity_name(granularity::kind what) {
  switch (what) {
    case granularity::kind::tensor:
      return "per_tensor";
    case granularity::kind::row:
      return "per_row";
    case granularity::kind::column:
      return "per_column";
    case granularity::kind::group:
      break;
  }
  return "per_group";
}

/// Throws invalid_scheme where a row has several, and for weights that are no integers.
inline row_scales row_scales_of(const quantized_matrix& w, const char* who) {
  if (w.encoding().has_levels())
    raise_message<invalid_scheme>({who, ": expected weights on an integer grid, found a codebook"});
  if (w.is_column_vector())
    raise_message<invalid_scheme>(
        {who, ": expected weights out x in, found a column vector: quantize a matrix of one column"});
  if (w.groups().runs_per_row() > 1)
    raise_message<invalid_scheme>({who, ": expected one scale a row or for all weights, found ",
                                   granularity_name(w.groups().granularity().what), ": ",
                                   w.groups().runs_per_row(), " scales a row"});
  row_scales all;
  for (index_t r = 0; r < w.rows(); ++r) {
    const bool has_any = w.cols() > 0;
    const index_t group = w.groups().group_of(r, 0);
    all.scales.push_back(has_any ? w.scale(group) : 0.0f);
    all.zero_points.push_back(has_any ? w.zero_point(group) : 0);
  }
  return all;
}

}  // namespace bitgauge::detail
