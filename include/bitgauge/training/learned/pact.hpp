#pragma once

/// \file
/// PACT: quantization of activations whose clip is learned.

#include <bitgauge/error.hpp>
#include <bitgauge/training/numbers.hpp>

#include <algorithm>
#include <cmath>

namespace bitgauge {

/// The gradients of a learned clip.
template <class Matrix, class Scalar>
struct pact_gradients {
  Matrix x;          ///< of what forward() got
  Scalar alpha = 0;  ///< of the clip
};

/// y = round(clamp(x, 0, alpha) / s) s with s = alpha / (2^bits - 1): a ReLU that is clipped at alpha, which is
/// learned (Choi et al., PACT: Parameterized Clipping Activation, 2018, arXiv 1805.06085).
///
///     pact f{.bits = 4, .alpha = 6};
///     Eigen::MatrixXf Y = f.forward(X);
///     auto [dX, dalpha] = f.backward(X, dY);
///     f.alpha -= rate * (dalpha + decay * f.alpha);    // the paper regularises alpha
///
/// Straight through the rounding: dx = dy where 0 <= x < alpha, 0 elsewhere; dalpha = sum of dy where x >= alpha.
/// What activations are quantized to in the end: affine<bits>{} with fixed_range{{0, alpha}}. Throws
/// invalid_scheme for bits outside 1..8, data_error for an alpha that is not positive and finite and for an x or a
/// gradient that is not finite, shape_error for a gradient of another shape. The sum is in double. Cost: a few
/// operations an element.
template <training_scalar Scalar = float>
struct basic_pact {
  int bits = 4;
  Scalar alpha = 6;

  template <class X>
  detail::plain_like<Scalar, X> forward(const Eigen::DenseBase<X>& x) const {
    check();
    detail::plain_like<Scalar, X> y(x.rows(), x.cols());
    const Scalar step = alpha / static_cast<Scalar>((1 << bits) - 1);
    detail::with_numbers<Scalar>(x, [&](const auto& v) {
      detail::require_numbers("pact", "x", v);
      for (index_t c = 0; c < v.cols; ++c)
        for (index_t r = 0; r < v.rows; ++r)
          y(r, c) = std::nearbyint(std::clamp(v(r, c), Scalar(0), alpha) / step) * step;
    });
    return y;
  }

  /// From x, as forward() got it, and the gradient dy of what it returned.
  template <class X, class DY>
  pact_gradients<detail::plain_like<Scalar, X>, Scalar> backward(const Eigen::DenseBase<X>& x,
                                                                 const Eigen::DenseBase<DY>& dy) const {
    check();
    pact_gradients<detail::plain_like<Scalar, X>, Scalar> gradients{{x.rows(), x.cols()}, 0};
    double sum = 0;
    detail::with_numbers<Scalar>(x, [&](const auto& v) {
      detail::with_numbers<Scalar>(dy, [&](const auto& d) {
        detail::require_numbers("pact", "x", v);
        detail::require_gradient("pact", d, v.rows, v.cols);
        for (index_t c = 0; c < v.cols; ++c)
          for (index_t r = 0; r < v.rows; ++r) {
            const bool clipped = v(r, c) >= alpha;
            gradients.x(r, c) = v(r, c) >= 0 && !clipped ? d(r, c) : Scalar(0);
            if (clipped) sum += static_cast<double>(d(r, c));
          }
      });
    });
    gradients.alpha = static_cast<Scalar>(sum);
    return gradients;
  }

 private:
  void check() const {
    if (bits < 1 || bits > 8)
      detail::raise_message<invalid_scheme>({"pact: bits: expected 1 to 8, found ", bits});
    if (!detail::is_number(alpha) || !(alpha > 0))
      detail::raise_message<data_error>(
          {"pact: alpha: expected a positive number, found ", static_cast<double>(alpha)});
  }
};

using pact = basic_pact<float>;

}  // namespace bitgauge
