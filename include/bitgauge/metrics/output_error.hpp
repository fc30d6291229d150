#pragma once

/// \file
/// How far a layer's outputs are from the original's.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/metrics/error_sums.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/samples.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace bitgauge {

/// Energies of outputs over the samples of a Hessian.
struct output_error {
  double error = 0;   ///< ||(W - Q) X||^2
  double energy = 0;  ///< ||W X||^2

  /// Adds those of other rows.
  void merge(const output_error& other) noexcept {
    error += other.error;
    energy += other.energy;
  }
  /// error / energy: 0 only where there is no error, infinity where there is one and no energy. NaN where
  /// either is, which only a matrix that itself holds NaN or infinity brings about.
  double relative() const noexcept {
    if (!numeric::binary64::is_finite(error) || !numeric::binary64::is_finite(energy))
      return std::numeric_limits<double>::quiet_NaN();
    if (!(error > 0)) return 0;
    return energy > 0 ? error / energy : std::numeric_limits<double>::infinity();
  }
};

namespace detail {

using double_panel = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Sums what `error_of` says of some rows of the original and of the quantized matrix at a time, in the order
/// of the rows.
template <row_readable Matrix, class Quantized, class Error>
output_error sum_output_errors(const Matrix& original, const Quantized& q, int threads,
                               const Error& error_of) {
  return with_rows(original, [&](const row_source& source) {
    constexpr index_t height = 64;
    const index_t rows = source.rows(), cols = source.cols();
    if (rows == 0 || cols == 0) return output_error{};
    std::vector<output_error> parts(static_cast<std::size_t>((rows + height - 1) / height));
    parallel_for(static_cast<index_t>(parts.size()), threads, [&](index_t p) {
      const index_t first = p * height, count = std::min(height, rows - first);
      std::vector<float> scratch, decoded(static_cast<std::size_t>(cols));
      const auto panel = source.read(first, count, scratch);
      double_panel w(count, cols), approximate(count, cols);
      for (index_t r = 0; r < count; ++r) {
        q.dequantize_row(first + r, decoded.data());
        w.row(r) = Eigen::Map<const Eigen::RowVectorXf>(panel.row(r), cols).cast<double>();
        approximate.row(r) = Eigen::Map<const Eigen::RowVectorXf>(decoded.data(), cols).cast<double>();
      }
      parts[static_cast<std::size_t>(p)] = error_of(w, approximate);
    });
    output_error all;
    for (const output_error& part : parts) all.merge(part);
    return all;
  });
}

/// Rows of floats as rows that decode themselves.
class float_rows {
 public:
  explicit float_rows(const row_source& rows) : rows_(&rows) {}
  index_t rows() const noexcept { return rows_->rows(); }
  index_t cols() const noexcept { return rows_->cols(); }
  void dequantize_row(index_t row, float* out) const {
    std::vector<float> scratch;
    const float* values = rows_->read(row, 1, scratch).row(0);
    std::copy(values, values + cols(), out);
  }

 private:
  const row_source* rows_;
};

}  // namespace detail

/// ||(W - Q) X||^2 = tr((W - Q) H (W - Q)^T) and ||W X||^2, H the Hessian of the samples X, in double. `q` is
/// any quantized matrix: it has rows(), cols() and dequantize_row(). Throws shape_error where shapes
/// disagree. Cost: 4 m n^2 operations for W of m x n, and memory for a few rows.
template <row_readable Matrix, class Quantized>
output_error measure_output_error(const Matrix& original, const Quantized& q, const hessian& h,
                                  int threads = 0) {
  detail::require_same_shape("measure_output_error", original.rows(), original.cols(), q.rows(), q.cols());
  if (h.inputs() != q.cols())
    raise(shape_error("measure_output_error: expected a Hessian of " + std::to_string(q.cols()) +
                      " inputs, found " + std::to_string(h.inputs())));
  return detail::sum_output_errors(
      original, q, threads, [&](const detail::double_panel& w, const detail::double_panel& approximate) {
        const detail::double_panel d = w - approximate, wh = w * h.matrix(), dh = d * h.matrix();
        return output_error{dh.cwiseProduct(d).sum(), wh.cwiseProduct(w).sum()};
      });
}
/// The same where what stands for W is floats: pruned weights, or q.dequantize().
template <row_readable Matrix, row_readable Approximation>
output_error measure_output_error(const Matrix& original, const Approximation& approximation,
                                  const hessian& h, int threads = 0) {
  return detail::with_rows(approximation, [&](const row_source& rows) {
    return measure_output_error(original, detail::float_rows(rows), h, threads);
  });
}

/// ||W X - Q A||^2 and ||W X||^2 for samples X and the activations A that stand for them, both samples x in
/// and A anything with dequantize_row(): the error of a layer whose inputs are quantized too, in double.
/// Throws shape_error where shapes disagree, data_error for samples that hessian::accumulate refuses. Cost: 4
/// m n s operations for s samples, and memory for the samples twice in double.
template <row_readable Matrix, class Quantized, class Samples, class Activations>
output_error measure_output_error(const Matrix& original, const Quantized& q,
                                  const Eigen::DenseBase<Samples>& samples, const Activations& activations,
                                  int threads = 0) {
  detail::require_same_shape("measure_output_error", original.rows(), original.cols(), q.rows(), q.cols());
  detail::require_same_shape("measure_output_error: activations", samples.rows(), samples.cols(),
                             activations.rows(), activations.cols());
  if (samples.cols() != q.cols())
    raise(shape_error("measure_output_error: expected samples of " + std::to_string(q.cols()) +
                      " inputs, found " + std::to_string(samples.cols())));
  const Eigen::MatrixXd x = samples.derived().matrix().template cast<double>().transpose();
  detail::check_samples("measure_output_error: ", x.transpose());
  Eigen::MatrixXd a(x.rows(), x.cols());
  std::vector<float> row(static_cast<std::size_t>(activations.cols()));
  for (index_t s = 0; s < activations.rows(); ++s) {
    activations.dequantize_row(s, row.data());
    a.col(s) = Eigen::Map<const Eigen::VectorXf>(row.data(), activations.cols()).template cast<double>();
  }
  return detail::sum_output_errors(
      original, q, threads, [&](const detail::double_panel& w, const detail::double_panel& approximate) {
        const detail::double_panel y = w * x, d = y - approximate * a;
        return output_error{d.squaredNorm(), y.squaredNorm()};
      });
}

}  // namespace bitgauge
