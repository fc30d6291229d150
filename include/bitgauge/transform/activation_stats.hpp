#pragma once

/// \file
/// What transforms need to know of a layer's inputs, gathered from a stream of batches.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/rounding/samples.hpp>

#include <Eigen/Core>

#include <cmath>

namespace bitgauge {

/// Of each input: the largest magnitude, the mean magnitude and the mean. Activations are never kept.
///
///     activation_stats stats(W.cols());
///     for (const auto& X : batches) stats.observe(X);     // X: samples x inputs
///
/// Memory: three doubles an input. Sums are doubles, in the order of the samples. Transforms that search by the
/// layer's output error need a hessian besides.
class activation_stats {
 public:
  /// No samples yet. Throws shape_error unless inputs >= 1.
  explicit activation_stats(index_t inputs) {
    if (inputs < 1)
      detail::raise_message<shape_error>({"activation_stats: expected at least 1 input, found ", inputs});
    largest_.setZero(inputs);
    magnitudes_.setZero(inputs);
    sums_.setZero(inputs);
  }

  index_t inputs() const noexcept { return sums_.size(); }
  index_t samples() const noexcept { return samples_; }

  /// Adds a batch, samples x inputs, of any real type and storage order; an expression is evaluated once.
  /// Throws shape_error for another number of columns, data_error as hessian::accumulate does for NaN and
  /// infinity; the statistics are then as before.
  template <class Derived>
  void observe(const Eigen::DenseBase<Derived>& batch) {
    if (batch.cols() != inputs())
      detail::raise_message<shape_error>(
          {"activation_stats: expected samples of ", inputs(), " inputs, found ", batch.cols(), " columns"});
    const auto& x = batch.derived().eval();
    detail::check_samples("activation_stats: ", x);
    for (index_t c = 0; c < inputs(); ++c)
      for (index_t r = 0; r < x.rows(); ++r) {
        const double value = static_cast<double>(x.coeff(r, c)), magnitude = std::fabs(value);
        if (magnitude > largest_(c)) largest_(c) = magnitude;
        magnitudes_(c) += magnitude;
        sums_(c) += value;
      }
    samples_ += x.rows();
  }

  /// Adds what another thread, shard or rank has gathered. Throws shape_error for another number of inputs.
  void merge(const activation_stats& other) {
    if (other.inputs() != inputs())
      detail::raise_message<shape_error>(
          {"activation_stats: cannot merge ", other.inputs(), " inputs into ", inputs()});
    largest_ = largest_.cwiseMax(other.largest_);
    magnitudes_ += other.magnitudes_;
    sums_ += other.sums_;
    samples_ += other.samples_;
  }

  /// max |x_j| over samples. These throw data_error before the first sample.
  const Eigen::VectorXd& absolute_maximum() const { return require_samples(), largest_; }
  /// Mean of |x_j| over samples.
  Eigen::VectorXd mean_magnitude() const {
    return require_samples(), magnitudes_ / static_cast<double>(samples_);
  }
  /// Mean of x_j over samples.
  Eigen::VectorXd mean() const { return require_samples(), sums_ / static_cast<double>(samples_); }

 private:
  void require_samples() const {
    if (samples_ == 0)
      raise(data_error("activation_stats: expected at least one sample, found none: observe a batch first"));
  }

  Eigen::VectorXd largest_, magnitudes_, sums_;
  index_t samples_ = 0;
};

}  // namespace bitgauge
