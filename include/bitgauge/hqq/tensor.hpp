#pragma once

/// \file
/// Weights on HQQ's own terms: each group with a zero point that is no integer.

#include <bitgauge/base/config.hpp>
#include <bitgauge/packing/grouped_codes.hpp>

#include <vector>

namespace bitgauge {

/// A weight of rows x cols in groups: w = (code - zeros[g]) * scales[g]. Read row by row, it is a matrix of groups x
/// group size, a group a run of neighbours (axis 1), or of group size x groups, group g being elements g, g + groups,
/// g + 2 groups, ... (axis 0). hqq_quantize makes one, packing::pack_hqq packs its codes, io::read_hqq and
/// io::write_hqq keep it in files. Source: HQQ, core/quantize.py.
struct hqq_tensor {
  int bits = 4;                          ///< 1 to 8; files hold 1 to 6, or 8
  index_t rows = 0, cols = 0;            ///< of the weight
  index_t group_size = 64;               ///< a divisor of rows * cols; in files 1 to 255
  int axis = 1;                          ///< along which groups lie: 1 along rows, 0 down columns
  packing::code_matrix codes{};          ///< groups x group size, with axis 0 group size x groups
  std::vector<float> scales{}, zeros{};  ///< one a group

  /// The weight, rows x cols; each operation is rounded in binary32.
  packing::float_matrix dequantize() const {
    packing::float_matrix weight(rows, cols);
    for (index_t i = 0; i < codes.size(); ++i) {
      const index_t line = i / codes.cols(), column = i % codes.cols();
      const auto group = static_cast<std::size_t>(axis == 1 ? line : column);
      weight.data()[i] = (static_cast<float>(codes.data()[i]) - zeros[group]) * scales[group];
    }
    return weight;
  }

  friend bool operator==(const hqq_tensor&, const hqq_tensor&) = default;
};

}  // namespace bitgauge
