#pragma once

/// \file
/// How far a matrix is from its original.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_decodable.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace bitgauge {

/// Sums over pairs (x, y) of original and approximation, in double. Adding rows and merging sums in a fixed
/// order gives the same result for any number of threads. NaN and infinity in the data are in every figure:
/// mse, nmse, sqnr_db, cosine and max_abs_error of such data are NaN or infinite.
struct error_sums {
  double count = 0, error_energy = 0, energy = 0, approximation_energy = 0, product = 0, largest_error = 0;

  void add(const float* x, const float* y, index_t n) noexcept {
    double e = 0, xx = 0, yy = 0, xy = 0, largest = 0;
    for (index_t i = 0; i < n; ++i) {
      const double a = x[i], b = y[i], d = a - b;
      e += d * d;
      xx += a * a;
      yy += b * b;
      xy += a * b;
      largest = std::max(largest, std::fabs(d));
    }
    if (!numeric::binary64::is_finite(e)) {  // the maximum above passes over NaN
      for (index_t i = 0; i < n; ++i)
        largest = larger(largest, static_cast<double>(x[i]) - static_cast<double>(y[i]));
    }
    merge({static_cast<double>(n), e, xx, yy, xy, largest});
  }
  void merge(const error_sums& other) noexcept {
    count += other.count;
    error_energy += other.error_energy;
    energy += other.energy;
    approximation_energy += other.approximation_energy;
    product += other.product;
    largest_error = larger(largest_error, other.largest_error);
  }

  /// True where every pair is equal, number by number: NaN is equal to nothing.
  bool is_zero() const noexcept { return numeric::binary64::is_zero(error_energy); }
  /// sum (x-y)^2 / n; 0 for no elements.
  double mse() const noexcept { return count > 0 ? error_energy / count : 0; }
  /// sum (x-y)^2 / sum x^2; 0 for no error.
  double nmse() const noexcept {
    return numeric::binary64::is_zero(error_energy) ? 0 : error_energy / energy;
  }
  /// 10 log10(sum x^2 / sum (x-y)^2) in dB; infinity for no error.
  double sqnr_db() const noexcept {
    return numeric::binary64::is_zero(error_energy) ? std::numeric_limits<double>::infinity()
                                                    : 10 * std::log10(energy / error_energy);
  }
  /// sum xy / sqrt(sum x^2 * sum y^2); 1 where both are zero, 0 where one is.
  double cosine() const noexcept {
    if (numeric::binary64::is_zero(energy) && numeric::binary64::is_zero(approximation_energy)) return 1;
    const double norms = std::sqrt(energy) * std::sqrt(approximation_energy);
    return numeric::binary64::is_zero(norms) ? 0 : product / norms;
  }
  double max_abs_error() const noexcept { return largest_error; }
  /// 6.0206 * bits_per_weight - SQNR in dB: the distance to the rate-distortion bound of Gaussian data, D =
  /// 2^(-2R) (Cover and Thomas, Elements of Information Theory, 10.3.2). 0 cannot be beaten on such data.
  double gap_db(double bits_per_weight) const noexcept {
    return 20 * std::log10(2.0) * bits_per_weight - sqnr_db();
  }

 private:
  /// The larger magnitude, NaN above infinity.
  static double larger(double a, double b) noexcept {
    return std::fabs(numeric::binary64::magnitude_bits(a) < numeric::binary64::magnitude_bits(b) ? b : a);
  }
};

namespace detail {

/// Writes the floats of a row.
using decode_row_to = std::function<void(index_t row, float* out)>;
/// Sums over rows that `approximation` writes.
BITGAUGE_DECLARE error_sums compare_rows(const row_source& original, int threads,
                                         const decode_row_to& approximation);

inline void require_same_shape(const char* what, index_t rows, index_t cols, index_t other_rows,
                               index_t other_cols) {
  if (rows == other_rows && cols == other_cols) return;
  raise_message<shape_error>(
      {what, ": expected ", rows, " x ", cols, ", found ", other_rows, " x ", other_cols});
}

/// A copy whose type says that it is a column vector: vectors are read along their length.
template <class Derived>
Eigen::Matrix<typename Derived::Scalar, Eigen::Dynamic, 1> first_column(const Eigen::DenseBase<Derived>& x) {
  return x.derived().col(0).matrix();
}

}  // namespace detail

/// The error of one matrix against another. Throws shape_error for different shapes.
template <class Derived, class Other>
error_sums measure_error(const Eigen::DenseBase<Derived>& original,
                         const Eigen::DenseBase<Other>& approximation, int threads = 0) {
  detail::require_same_shape("measure_error", original.rows(), original.cols(), approximation.rows(),
                             approximation.cols());
  if constexpr (detail::is_column_vector<Derived> && !detail::is_column_vector<Other>) {
    return measure_error(original, detail::first_column(approximation), threads);
  } else if constexpr (!detail::is_column_vector<Derived> && detail::is_column_vector<Other>) {
    if (original.cols() == 1) return measure_error(detail::first_column(original), approximation, threads);
  }
  return detail::with_rows(original, [&](const row_source& rows) {
    return detail::with_rows(approximation, [&](const row_source& others) {
      return detail::compare_rows(rows, threads, [&](index_t r, float* out) {
        std::vector<float> scratch;
        std::copy_n(others.read(r, 1, scratch).row(0), others.cols(), out);
      });
    });
  });
}

/// The error of a quantized matrix against its original. Throws shape_error for different shapes. One pass,
/// no copy of the matrix.
template <row_readable Matrix, row_decodable Quantized>
error_sums measure_error(const Matrix& original, const Quantized& q, int threads = 0) {
  detail::require_same_shape("measure_error", original.rows(), original.cols(), q.rows(), q.cols());
  [[maybe_unused]] bool lies_as_row = false;
  if constexpr (requires { q.is_column_vector(); }) lies_as_row = q.is_column_vector();
  Eigen::MatrixXf column;  // where one lies as a row, the other stands
  if constexpr (!std::same_as<Matrix, row_source>)
    if (lies_as_row != detail::is_column_vector<Matrix>) column = q.dequantize(threads);
  return detail::with_rows(original, [&](const row_source& rows) {
    return detail::compare_rows(rows, threads, [&](index_t r, float* out) {
      if (column.size() == 0) return q.dequantize_row(r, out);
      std::copy_n(column.data() + r * rows.cols(), rows.cols(), out);
    });
  });
}

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/metrics/error_sums_definitions.hpp>
#endif
