#pragma once

/// \file
/// A Hessian in units in which nothing computed from it overflows.

#include <bitgauge/rounding/feedback/negligible.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/samples.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

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
    const index_t n = h.inputs();
    double largest = 0;
    std::vector<double> size(static_cast<std::size_t>(n));
    for (index_t c = 0; c < n; ++c) {
      largest = std::max(largest, h.matrix()(c, c));
      size[static_cast<std::size_t>(c)] = std::sqrt(h.matrix()(c, c));
    }
    if (!(largest > 0)) return;
    if (largest < 0x1p-20 || largest > 0x1p20) {
      const double root = normalizer_of(std::sqrt(largest));
      by_ = root * root;  // an even power, so that roots are scaled exactly as well
    }
    const auto small = [&](index_t r, index_t c) {
      const double x = std::fabs(h.matrix()(r, c));
      return x > 0 && x < static_cast<double>(negligible<Scalar>) * size[static_cast<std::size_t>(r)] *
                              size[static_cast<std::size_t>(c)];
    };
    bool changes = by_ != 1;
    for (index_t c = 0; c < n && !changes; ++c)
      for (index_t r = c + 1; r < n && !changes; ++r) changes = small(r, c);
    if (!changes) return;
    Eigen::MatrixXd scaled(n, n);
    for (index_t c = 0; c < n; ++c)
      for (index_t r = 0; r < n; ++r) {
        const double x = small(r, c) ? 0 : by_ * h.matrix()(r, c);
        // beside the largest these count for nothing, and less than from_matrix takes
        scaled(r, c) = std::fabs(x) < 1e-150 ? 0 : x;
      }
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
