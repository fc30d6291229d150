#pragma once

/// \file
/// A Hessian in units in which nothing computed from it overflows.

#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/samples.hpp>

#include <optional>

namespace bitgauge::detail {

/// A Hessian multiplied by a power of two, so that its largest diagonal element is about 1: what GPTQ chooses
/// does not depend on such a factor, but sums in float and squares would leave their range. Not copied where
/// it is within 2^20 of that already.
class normalized_hessian {
 public:
  /// Keeps a reference.
  explicit normalized_hessian(const hessian& h) : given_(h) {
    const double largest = h.diagonal().maxCoeff();
    if (!(largest > 0) || (largest > 0x1p-20 && largest < 0x1p20)) return;
    by_ = normalizer_of(largest);
    // as it is scaled, the smallest may be less than from_matrix takes: it then counts for nothing
    const auto scaled = (by_ * h.matrix()).eval();
    copy_ = hessian::from_matrix((scaled.array().abs() < 1e-150).select(0.0, scaled).eval(), h.samples());
  }
  normalized_hessian(const normalized_hessian&) = delete;
  normalized_hessian& operator=(const normalized_hessian&) = delete;

  const hessian& get() const noexcept { return copy_ ? *copy_ : given_; }
  /// The power of two.
  double by() const noexcept { return by_; }

 private:
  const hessian& given_;
  std::optional<hessian> copy_;
  double by_ = 1;
};

}  // namespace bitgauge::detail
