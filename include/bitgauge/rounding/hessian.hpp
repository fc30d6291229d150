#pragma once

/// \file
/// What a layer's inputs say about its weights: the Hessian of the output error, gathered from a stream of
/// batches.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/number_text.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/base/reset_on_move.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/numeric/dense/product.hpp>
#include <bitgauge/numeric/dense/view.hpp>
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
    check(x.rows(), weights);
    detail::check_samples("hessian: ", x);
    constexpr index_t chunk = 256;
    for (index_t begin = 0; begin < x.rows(); begin += chunk) {
      const index_t count = std::min(chunk, x.rows() - begin);
      Eigen::MatrixXd part(count, inputs());
      for (index_t c = 0; c < inputs(); ++c)
        for (index_t r = 0; r < count; ++r) part(r, c) = static_cast<double>(x.coeff(begin + r, c));
      const auto own = static_cast<std::size_t>(begin);
      add<scalar>(part, weights.empty() ? weights : weights.subspan(own, static_cast<std::size_t>(count)),
                  threads);
    }
    samples_ += x.rows();
  }

  /// Adds what another thread, shard or rank has gathered. Throws shape_error for another number of inputs.
  void merge(const hessian& other) {
    if (other.inputs() != inputs())
      raise(shape_error("hessian: cannot merge " + std::to_string(other.inputs()) + " inputs into " +
                        std::to_string(inputs())));
    for (index_t c = 0; c < inputs(); ++c)
      for (index_t r = 0; r < inputs(); ++r) sum_(r, c) += other.sum_(r, c);
    samples_ += other.samples_;
  }

 private:
  static void check(index_t samples, std::span<const float> weights) {
    if (!weights.empty() && static_cast<index_t>(weights.size()) != samples)
      raise(shape_error("hessian: expected one weight for each of " + std::to_string(samples) +
                        " samples, found " + std::to_string(weights.size())));
    for (std::size_t i = 0; i < weights.size(); ++i)
      if (!numeric::binary64::is_finite(static_cast<double>(weights[i])) || weights[i] < 0)
        raise(data_error("hessian: weight of sample " + std::to_string(i) +
                         ": expected a finite value from 0 up, found " + std::to_string(weights[i])));
  }

  /// Adds some samples; products are of type Scalar.
  template <class Scalar>
  [[gnu::noinline]] void add(Eigen::MatrixXd& part, std::span<const float> weights, int threads) {
    const detail::normalized_samples<Scalar> plain(part);
    if (weights.empty()) return add(plain, plain, threads);
    for (index_t c = 0; c < part.cols(); ++c)
      for (index_t r = 0; r < part.rows(); ++r)
        part(r, c) *= static_cast<double>(weights[static_cast<std::size_t>(r)]);
    add(plain, detail::normalized_samples<Scalar>(part), threads);
  }

  /// H += left^T right, tile by tile of the lower half, each mirrored into the upper.
  template <class Scalar>
  void add(const detail::normalized_samples<Scalar>& left, const detail::normalized_samples<Scalar>& right,
           int threads) {
    constexpr index_t width = 256;
    const index_t tiles = (inputs() + width - 1) / width, samples = left.values.rows();
    const auto left_view = numeric::view_of(left.values), right_view = numeric::view_of(right.values);
    parallel_for(tiles * (tiles + 1) / 2, threads, [&](index_t tile) {
      index_t i = 0;
      while (tile > i) tile -= ++i;  // row i of the triangle holds i + 1 tiles
      const index_t row = i * width, col = tile * width;
      const index_t height = std::min(width, inputs() - row), across = std::min(width, inputs() - col);
      std::vector<Scalar> product(static_cast<std::size_t>(height * across));
      const numeric::matrix_view<Scalar> negative{product.data(), height, across, height};
      numeric::subtract_product(negative, left_view.block(0, row, samples, height),
                                right_view.block(0, col, samples, across));
      for (index_t c = 0; c < across; ++c)
        for (index_t r = row == col ? c : 0; r < height; ++r) {
          sum_(row + r, col + c) -= left.unit[static_cast<std::size_t>(row + r)] *
                                    static_cast<double>(negative(r, c)) *
                                    right.unit[static_cast<std::size_t>(col + c)];
          sum_(col + c, row + r) = sum_(row + r, col + c);
        }
    });
  }

  void make_symmetric() {
    double largest = 0;
    for (index_t c = 0; c < inputs(); ++c)
      for (index_t r = 0; r < inputs(); ++r) largest = std::max(largest, std::fabs(sum_(r, c)));
    for (index_t c = 0; c < inputs(); ++c)
      for (index_t r = c; r < inputs(); ++r) {
        double &lower = sum_(r, c), &upper = sum_(c, r);
        if (!is_usable(lower) || !is_usable(upper) || std::fabs(lower - upper) > 1e-4 * largest) refuse(r, c);
        lower = upper = lower / 2 + upper / 2;
        if (r == c && (lower < 0 || (lower != 0 && lower < least))) refuse(r, c);
      }
  }
  static bool is_usable(double x) noexcept { return numeric::binary64::is_finite(x) && std::fabs(x) <= most; }

  /// Says what is wrong with an element and the one across.
  [[gnu::noinline]] void refuse(index_t r, index_t c) const {
    const double lower = sum_(r, c), upper = sum_(c, r);
    const auto place = [](index_t row, index_t col) {
      return "(" + std::to_string(row) + ", " + std::to_string(col) + ")";
    };
    const std::string element = "hessian: element " + place(r, c) + ": expected ";
    if (!numeric::binary64::is_finite(lower) || !numeric::binary64::is_finite(upper))
      raise(data_error(element + "a finite value, found NaN or infinity"));
    if (!is_usable(lower) || !is_usable(upper))
      raise(data_error(element + "a magnitude up to " + detail::general_text(most, 6) + ", found " +
                       detail::general_text(std::fabs(lower) > most ? lower : upper, 6)));
    if (r != c)
      raise(data_error("hessian: expected a symmetric matrix, found " + std::to_string(lower) + " at " +
                       place(r, c) + " and " + std::to_string(upper) + " across"));
    const std::string diagonal = "hessian: expected a diagonal ";
    if (lower < 0)
      raise(data_error(diagonal + "from 0 up, found " + std::to_string(lower) + " at " + std::to_string(c)));
    raise(data_error(diagonal + "of 0 or from " + detail::general_text(least, 6) + " up, found " +
                     detail::general_text(lower, 6) + " at " + std::to_string(c)));
  }

  static constexpr double least = 1e-160, most = 1e160;  ///< sums of squares of activations

  Eigen::MatrixXd sum_;
  detail::reset_on_move<index_t> samples_;
};

}  // namespace bitgauge
