#pragma once

/// \file
/// What the groups of a quantized matrix share, apart from its codes.

#include <bitgauge/grid/stored_levels.hpp>
#include <bitgauge/scale/storage.hpp>

#include <cstdint>
#include <vector>

namespace bitgauge {

/// The parameters of all groups of a matrix: its scales, and its zero points packed at the codes' width
/// (empty where all groups share one). All as in quantized_matrix.
struct matrix_parameters {
  scale_array scales;
  std::vector<std::uint8_t> zero_points;
  std::vector<float> row_levels{};             ///< where every row has its own, row after row; else empty
  level_type stored_levels = level_type::f32;  ///< the type of these
};

}  // namespace bitgauge
