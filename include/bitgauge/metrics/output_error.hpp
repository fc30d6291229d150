#pragma once

/// \file
/// How far a layer's outputs are from the original's.

#include <bitgauge/matrix/row_source.hpp>
#include <bitgauge/metrics/error.hpp>
#include <bitgauge/parallel.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace bitgauge {

/// Energies of outputs over the samples of a Hessian.
struct output_error {
  double error = 0;   ///< ||(W - Q) X||^2
  double energy = 0;  ///< ||W X||^2

  /// error / energy; 0 where there is no error.
  double relative() const noexcept { return error > 0 ? error / energy : 0; }
};

/// ||(W - Q) X||^2 = tr((W - Q) H (W - Q)^T) and ||W X||^2, H the Hessian of the samples X, in double. `q` is
/// any quantized matrix: it has rows(), cols() and dequantize_row(). Throws shape_error where shapes
/// disagree. Cost: 4 m n^2 operations for W of m x n, and memory for a few rows.
template <class Derived, class Quantized>
output_error measure_output_error(const Eigen::DenseBase<Derived>& original, const Quantized& q,
                                  const hessian& h, int threads = 0) {
  detail::require_same_shape("measure_output_error", original.rows(), original.cols(), q.rows(), q.cols());
  if (h.inputs() != q.cols())
    raise(shape_error("measure_output_error: expected a Hessian of " + std::to_string(q.cols()) +
                      " inputs, found " + std::to_string(h.inputs())));
  return detail::with_rows(original, [&](const detail::row_source& source) {
    constexpr index height = 64;
    const index rows = source.rows(), cols = source.cols();
    std::vector<output_error> parts(static_cast<std::size_t>((rows + height - 1) / height));
    parallel_for(static_cast<index>(parts.size()), threads, [&](index p) {
      using panel_matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
      const index first = p * height, count = std::min(height, rows - first);
      std::vector<float> scratch, decoded(static_cast<std::size_t>(cols));
      const auto panel = source.read(first, count, scratch);
      panel_matrix w(count, cols), d(count, cols);
      for (index r = 0; r < count; ++r) {
        q.dequantize_row(first + r, decoded.data());
        w.row(r) = Eigen::Map<const Eigen::RowVectorXf>(panel.row(r), cols).cast<double>();
        d.row(r) = w.row(r) - Eigen::Map<const Eigen::RowVectorXf>(decoded.data(), cols).cast<double>();
      }
      const panel_matrix wh = w * h.matrix(), dh = d * h.matrix();
      parts[static_cast<std::size_t>(p)] = {dh.cwiseProduct(d).sum(), wh.cwiseProduct(w).sum()};
    });
    output_error all;
    for (const output_error& part : parts) {
      all.error += part.error;
      all.energy += part.energy;
    }
    return all;
  });
}

}  // namespace bitgauge
