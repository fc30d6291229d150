#pragma once

/// \file
/// What transforms need to know of a layer's inputs, gathered from a stream of batches.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/reset_on_move.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/rounding/samples.hpp>

#include <Eigen/Core>

#include <cmath>

namespace bitgauge {

/// Of each input, over samples: extent, mean, mean magnitude and mean square. Activations are never kept.
///
///     activation_stats stats(W.cols());
///     for (const auto& X : batches) stats.observe(X);     // X: samples x inputs
///
/// Memory: five doubles an input. Sums are doubles, in the order of the samples. Transforms that search by the
/// layer's output error need a hessian besides.
class activation_stats {
 public:
  /// No samples yet. Throws shape_error unless inputs >= 1.
  explicit activation_stats(index_t inputs) {
    if (inputs < 1)
      detail::raise_message<shape_error>({"activation_stats: expected at least 1 input, found ", inputs});
    for (Eigen::VectorXd* const of_inputs : {&lowest_, &highest_, &magnitudes_, &sums_, &squares_})
      of_inputs->setZero(inputs);
  }

  index_t inputs() const noexcept { return sums_.size(); }
  index_t samples() const noexcept { return samples_; }

  /// Adds a batch, samples x inputs, of any real type and storage order; an expression is evaluated once.
  /// Throws shape_error for another number of columns, data_error as hessian::accumulate does for NaN and
  /// infinity; the statistics are then as before. Cost: two passes over the batch.
  template <class Derived>
  void observe(const Eigen::DenseBase<Derived>& batch) {
    if (batch.cols() != inputs())
      detail::raise_message<shape_error>(
          {"activation_stats: expected samples of ", inputs(), " inputs, found ", batch.cols(), " columns"});
    const auto& x = batch.derived().eval();
    detail::check_samples("activation_stats: ", x);
    if constexpr (Derived::IsRowMajor) {  // as the batch lies in memory
      for (index_t r = 0; r < x.rows(); ++r)
        for (index_t c = 0; c < inputs(); ++c) add(c, static_cast<double>(x.coeff(r, c)));
    } else {
      for (index_t c = 0; c < inputs(); ++c)
        for (index_t r = 0; r < x.rows(); ++r) add(c, static_cast<double>(x.coeff(r, c)));
    }
    samples_ += x.rows();
  }

  /// Adds what another thread, shard or rank has gathered. Throws shape_error for another number of inputs.
  void merge(const activation_stats& other) {
    if (other.inputs() != inputs())
      detail::raise_message<shape_error>(
          {"activation_stats: cannot merge ", other.inputs(), " inputs into ", inputs()});
    lowest_ = lowest_.cwiseMin(other.lowest_);
    highest_ = highest_.cwiseMax(other.highest_);
    magnitudes_ += other.magnitudes_;
    sums_ += other.sums_;
    squares_ += other.squares_;
    samples_ += other.samples_;
  }

  /// min(0, min x_j) over samples: ranges hold 0. This and those below throw data_error before the first
  /// sample.
  const Eigen::VectorXd& lowest() const { return require_samples(), lowest_; }
  /// max(0, max x_j) over samples.
  const Eigen::VectorXd& highest() const { return require_samples(), highest_; }
  /// max |x_j| over samples.
  Eigen::VectorXd absolute_maximum() const { return require_samples(), highest_.cwiseMax(-lowest_); }
  /// Mean of |x_j| over samples.
  Eigen::VectorXd mean_magnitude() const { return mean_of(magnitudes_); }
  /// Mean of x_j over samples.
  Eigen::VectorXd mean() const { return mean_of(sums_); }
  /// Mean of x_j^2 over samples: the Hessian's diagonal but for a factor.
  Eigen::VectorXd mean_square() const { return mean_of(squares_); }

 private:
  void add(index_t input, double value) noexcept {
    if (value < lowest_(input)) lowest_(input) = value;
    if (value > highest_(input)) highest_(input) = value;
    magnitudes_(input) += std::fabs(value);
    sums_(input) += value;
    squares_(input) += value * value;
  }

  void require_samples() const {
    if (samples_ == 0)
      raise(data_error("activation_stats: expected at least one sample, found none: observe a batch first"));
  }
  Eigen::VectorXd mean_of(const Eigen::VectorXd& sum) const {
    return require_samples(), sum / static_cast<double>(samples_);
  }

  Eigen::VectorXd lowest_, highest_, magnitudes_, sums_, squares_;
  detail::reset_on_move<index_t> samples_;
};

}  // namespace bitgauge
