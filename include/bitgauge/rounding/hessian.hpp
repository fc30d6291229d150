#pragma once

/// \file
/// What a layer's inputs say about its weights: the Hessian of the output error, gathered from a stream of
/// batches.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/base/reset_on_move.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/rounding/feedback/serial_products.hpp>
#include <bitgauge/rounding/samples.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge {

/// H = sum over samples of weight * x x^T, d x d, where y = W x is a layer with d inputs. Half of the second
/// derivative of ||(W - Q) X||^2 by a row of Q, so that the output error of any Q is trace((W-Q) H (W-Q)^T)
/// (Hassibi and Stork, NIPS 1992; Frantar and Alistarh, NeurIPS 2022, eq. 1). Factors common to all of H
/// (2 or 1 / samples) change nothing in what is computed from it.
///
///     hessian H(W.cols());
///     for (const auto& X : batches) H.accumulate(X);     // X: samples x inputs
///
/// Memory: d * d doubles; activations are never kept. Products of float activations are taken in float, 256
/// samples at a time, and added up in double; of double activations all is double. Columns are scaled by
/// powers of two before they are multiplied: no square of a float overflows or is lost, whatever its size.
class hessian {
 public:
  /// No samples yet. Throws shape_error unless inputs >= 1.
  explicit hessian(index_t inputs) {
    if (inputs < 1) raise(shape_error("hessian: expected at least 1 input, found " + std::to_string(inputs)));
    sum_.setZero(inputs, inputs);
  }

  /// A Hessian computed elsewhere or read from a file, d x d; `samples` is how many it stands for, 0 where
  /// that is not known. Throws shape_error unless it is square, data_error unless it is finite, symmetric to
  /// 1e-4 of its largest element, up to 1e160 and, on the diagonal, 0 or from 1e-160 up. It is made exactly
  /// symmetric: the mean of both halves.
  template <class Derived>
  static hessian from_matrix(const Eigen::MatrixBase<Derived>& matrix, index_t samples = 0) {
    if (matrix.rows() != matrix.cols())
      raise(shape_error("hessian: expected a square matrix, found " + std::to_string(matrix.rows()) + " x " +
                        std::to_string(matrix.cols())));
    hessian h(matrix.rows());
    h.sum_ = matrix.template cast<double>();
    h.samples_ = samples;
    h.make_symmetric();
    return h;
  }

  index_t inputs() const noexcept { return sum_.rows(); }
  /// Number of samples seen; those of weight 0 count too.
  index_t samples() const noexcept { return samples_; }
  /// The sum, both halves filled in.
  const Eigen::MatrixXd& matrix() const noexcept { return sum_; }
  /// sum of weight * x_j^2 of each input.
  Eigen::VectorXd diagonal() const { return sum_.diagonal(); }

  /// Adds a batch, samples x inputs, of float, double, half or bfloat16 in either storage order; an
  /// expression is evaluated once. `weights`: one per sample from 0 up, or none. Throws shape_error for a
  /// wrong number of columns or weights, data_error for NaN and infinity, for negative weights and for
  /// doubles whose squares cannot be summed (above 1e75, or an input that is below 1e-75 everywhere and not
  /// 0); H is then as before. Cost: samples * d^2 multiplications.
  template <class Derived>
  void accumulate(const Eigen::DenseBase<Derived>& batch, std::span<const float> weights = {},
                  int threads = 0) {
    using scalar = std::conditional_t<std::is_same_v<typename Derived::Scalar, double>, double, float>;
    if (batch.cols() != inputs())
      raise(shape_error("hessian: expected samples of " + std::to_string(inputs()) + " inputs, found " +
                        std::to_string(batch.cols()) + " columns"));
    const detail::serial_products serial;
    const auto& x = batch.derived().eval();
    check(x, weights);
    constexpr index_t chunk = 256;
    for (index_t begin = 0; begin < x.rows(); begin += chunk) {
      const index_t count = std::min(chunk, x.rows() - begin);
      const Eigen::MatrixXd part = x.middleRows(begin, count).matrix().template cast<double>();
      const detail::normalized_samples<scalar> plain(part);
      if (weights.empty()) {
        add(plain, plain, threads);
      } else {
        const auto w = Eigen::Map<const Eigen::VectorXf>(weights.data() + begin, count);
        add(plain, detail::normalized_samples<scalar>(w.template cast<double>().asDiagonal() * part),
            threads);
      }
    }
    samples_ += x.rows();
  }

  /// Adds what another thread, shard or rank has gathered. Throws shape_error for another number of inputs.
  void merge(const hessian& other) {
    if (other.inputs() != inputs())
      raise(shape_error("hessian: cannot merge " + std::to_string(other.inputs()) + " inputs into " +
                        std::to_string(inputs())));
    sum_ += other.sum_;
    samples_ += other.samples_;
  }

 private:
  template <class Matrix>
  static void check(const Matrix& x, std::span<const float> weights) {
    if (!weights.empty() && static_cast<index_t>(weights.size()) != x.rows())
      raise(shape_error("hessian: expected one weight for each of " + std::to_string(x.rows()) +
                        " samples, found " + std::to_string(weights.size())));
    for (std::size_t i = 0; i < weights.size(); ++i)
      if (!numeric::binary64::is_finite(static_cast<double>(weights[i])) || weights[i] < 0)
        raise(data_error("hessian: weight of sample " + std::to_string(i) +
                         ": expected a finite value from 0 up, found " + std::to_string(weights[i])));
    detail::check_samples("hessian: ", x);
  }

  /// H += left^T right, tile by tile of the lower half, each mirrored into the upper.
  template <class Scalar>
  void add(const detail::normalized_samples<Scalar>& left, const detail::normalized_samples<Scalar>& right,
           int threads) {
    constexpr index_t width = 256;
    const index_t tiles = (inputs() + width - 1) / width;
    parallel_for(tiles * (tiles + 1) / 2, threads, [&](index_t tile) {
      index_t i = 0;
      while (tile > i) tile -= ++i;  // row i of the triangle holds i + 1 tiles
      const index_t row = i * width, col = tile * width;
      const index_t height = std::min(width, inputs() - row), across = std::min(width, inputs() - col);
      const Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> normalized =
          left.values.middleCols(row, height).transpose() * right.values.middleCols(col, across);
      const Eigen::MatrixXd product = left.unit.segment(row, height).asDiagonal() *
                                      normalized.template cast<double>() *
                                      right.unit.segment(col, across).asDiagonal();
      if (row == col) {
        for (index_t c = 0; c < across; ++c)
          for (index_t r = c; r < height; ++r) sum_(row + r, col + c) += product(r, c);
        sum_.block(row, col, height, across).template triangularView<Eigen::StrictlyUpper>() =
            sum_.block(row, col, height, across).transpose();
      } else {
        sum_.block(row, col, height, across) += product;
        sum_.block(col, row, across, height) = sum_.block(row, col, height, across).transpose();
      }
    });
  }

  void make_symmetric() {
    const double largest = sum_.cwiseAbs().maxCoeff();
    for (index_t c = 0; c < inputs(); ++c) {
      for (index_t r = c; r < inputs(); ++r) {
        double &lower = sum_(r, c), &upper = sum_(c, r);
        if (!numeric::binary64::is_finite(lower) || !numeric::binary64::is_finite(upper))
          raise(data_error("hessian: element (" + std::to_string(r) + ", " + std::to_string(c) +
                           "): expected a finite value, found NaN or infinity"));
        if (std::fabs(lower) > most || std::fabs(upper) > most)
          raise(data_error("hessian: element (" + std::to_string(r) + ", " + std::to_string(c) +
                           "): expected a magnitude up to " + detail::short_number(most) + ", found " +
                           detail::short_number(std::fabs(lower) > most ? lower : upper)));
        if (std::fabs(lower - upper) > 1e-4 * largest)
          raise(data_error("hessian: expected a symmetric matrix, found " + std::to_string(lower) + " at (" +
                           std::to_string(r) + ", " + std::to_string(c) + ") and " + std::to_string(upper) +
                           " across"));
        lower = upper = lower / 2 + upper / 2;
      }
      const double x = sum_(c, c);
      if (x < 0)
        raise(data_error("hessian: expected a diagonal from 0 up, found " + std::to_string(x) + " at " +
                         std::to_string(c)));
      if (x != 0 && x < least)
        raise(data_error("hessian: expected a diagonal of 0 or from " + detail::short_number(least) +
                         " up, found " + detail::short_number(x) + " at " + std::to_string(c)));
    }
  }

  static constexpr double least = 1e-160, most = 1e160;  ///< sums of squares of activations

  Eigen::MatrixXd sum_;
  detail::reset_on_move<index_t> samples_;
};

}  // namespace bitgauge
