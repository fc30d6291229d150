#pragma once

/// \file
/// Root mean square normalization.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>

#include <Eigen/Core>

#include <cmath>

namespace bitgauge::llama {

/// y = x / sqrt(mean(x^2) + epsilon) * weight of each row (Zhang and Sennrich, NeurIPS 2019); the mean in double.
inline row_matrix rms_norm(const row_matrix& x, const Eigen::VectorXf& weight, float epsilon) {
  row_matrix y(x.rows(), x.cols());
  for (index_t r = 0; r < x.rows(); ++r) {
    const float* const from = x.data() + r * x.cols();
    float* const to = y.data() + r * x.cols();
    double squares = 0;
    for (index_t c = 0; c < x.cols(); ++c)
      squares += static_cast<double>(from[c]) * static_cast<double>(from[c]);
    const auto scale = static_cast<float>(
        1 / std::sqrt(squares / static_cast<double>(x.cols()) + static_cast<double>(epsilon)));
    for (index_t c = 0; c < x.cols(); ++c) to[c] = from[c] * scale * weight(c);
  }
  return y;
}

}  // namespace bitgauge::llama
