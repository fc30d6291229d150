#pragma once

/// \file
/// A matrix as levels of a trellis, before they are stored.

#include <bitgauge/base/config.hpp>
#include <bitgauge/grid/trellis/trellis_code.hpp>

#include <Eigen/Core>

#include <cstdint>
#include <vector>

namespace bitgauge {

/// value(i, j) = k_ij * step(j), with step(j) = unit * 2^(step_exponents[j] / 8): steps that are a fraction of an
/// octave off cost next to nothing (0.005 dB at a spread of +-1/16), and an exponent is stored in three or four bits.
///
/// A path of the trellis runs down the rows of a column. It starts in state 0 at every tile of `tile_rows` rows,
/// so that a tile decodes alone.
///
/// The probabilities of the symbol of element (i, j) are those of class column_classes[j] + row_classes[i]: class c
/// stands for k of spread 2^(c / 4) (symbol_model.hpp). Rows have no scale of their own: equal errors everywhere cost
/// the least bits, and a row of larger weights has larger k. Of columns whose k are all 0 nothing is stored.
struct trellis_codes {
  int states = 8;  ///< of the trellis_code: 1, or 4 to 256
  index_t tile_rows = 256;
  float unit = 0;
  std::vector<std::int8_t> step_exponents;  ///< a column each, in eighths of an octave
  std::vector<std::int8_t> column_classes;  ///< a column each, in quarters of an octave
  std::vector<std::int8_t> row_classes;     ///< a row each, likewise
  Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> codes;  ///< k

  index_t rows() const noexcept { return codes.rows(); }
  index_t cols() const noexcept { return codes.cols(); }
  /// The distance between the levels of column j, the same float everywhere.
  float step(index_t j) const noexcept {
    return trellis_step(unit, step_exponents[static_cast<std::size_t>(j)]);
  }
  float value(index_t i, index_t j) const noexcept { return static_cast<float>(codes(i, j)) * step(j); }
};

}  // namespace bitgauge
