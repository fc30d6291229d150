#pragma once

/// \file
/// A Hessian in units in which nothing computed from it overflows.

#include <bitgauge/rounding/feedback/negligible.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/samples.hpp>

#include <Eigen/Core>

#include <cmath>
#include <optional>

namespace bitgauge::detail {

/// A Hessian multiplied by a power of four, so that its largest diagonal element is about 1: what GPTQ
/// chooses does not depend on such a factor, but sums in float and squares would leave their range. What is
/// negligible to sums of type Scalar is 0. Not copied where it is like that already, the diagonal within
/// 2^20.
template <class Scalar>
class normalized_hessian {
 public:
  /// Keeps a reference.
  explicit normalized_hessian(const hessian& h) : given_(h) {
    const double largest = h.diagonal().maxCoeff();
    if (!(largest > 0)) return;
    if (largest < 0x1p-20 || largest > 0x1p20) {
      const double root = normalizer_of(std::sqrt(largest));
      by_ = root * root;  // an even power, so that roots are scaled exactly as well
    }
    const Eigen::ArrayXd size = h.diagonal().array().sqrt();
    const auto small = [&](index_t r, index_t c) {
      const double x = std::fabs(h.matrix()(r, c));
      return x > 0 && x < static_cast<double>(negligible<Scalar>) * size(r) * size(c);
    };
    bool changes = by_ != 1;
    for (index_t c = 0; c < h.inputs() && !changes; ++c)
      for (index_t r = c + 1; r < h.inputs() && !changes; ++r) changes = small(r, c);
    if (!changes) return;
    Eigen::MatrixXd scaled(h.inputs(), h.inputs());
    for (index_t c = 0; c < h.inputs(); ++c)
      for (index_t r = 0; r < h.inputs(); ++r) scaled(r, c) = small(r, c) ? 0 : by_ * h.matrix()(r, c);
    // beside the largest these count for nothing, and less than from_matrix takes
    scaled = (scaled.array().abs() < 1e-150).select(0.0, scaled);
    copy_ = hessian::from_matrix(scaled, h.samples());
  }
  normalized_hessian(const normalized_hessian&) = delete;
  normalized_hessian& operator=(const normalized_hessian&) = delete;

  const hessian& get() const noexcept { return copy_ ? *copy_ : given_; }
  /// The power of four.
  double by() const noexcept { return by_; }

 private:
  const hessian& given_;
  std::optional<hessian> copy_;
  double by_ = 1;
};

}  // namespace bitgauge::detail
