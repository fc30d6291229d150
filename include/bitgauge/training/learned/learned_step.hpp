#pragma once

/// \file
/// LSQ: quantization whose step is learned.

#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/grid/integer.hpp>
#include <bitgauge/range/given.hpp>
#include <bitgauge/training/learned/learned_groups.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <type_traits>
#include <vector>

namespace bitgauge {

/// The gradients of a quantization whose step is learned.
template <class Matrix, class Scalar>
struct learned_step_gradients {
  Matrix x;                                       ///< of what forward() got
  Eigen::Matrix<Scalar, Eigen::Dynamic, 1> step;  ///< one a group, summed over its elements
};

/// y = s round(clamp(x / s, -Q_N, Q_P)), the step s learned beside the weights (Esser et al., Learned Step Size
/// Quantization, ICLR 2020, arXiv 1902.08153). Q_P and -Q_N are the largest and smallest code of the grid, counted
/// from its code of zero.
///
///     learned_step s(symmetric<4>{{.full = true}}, per_row{}, W);    // steps start at 2 mean|w| / sqrt(Q_P)
///     Eigen::MatrixXf What = s.forward(W);
///     auto [dW, dstep] = s.backward(W, dWhat);
///     s.step -= rate * dstep;                                         // your optimiser
///     const auto q = quantize(W, symmetric<4>{{.full = true}}, per_row{}, s.range());  // dequantizes to forward(W)
///
/// Activations: `affine<B>{}` counts from 0 to 2^B - 1 here, as behind a ReLU. With v = x / s and what is inside
/// being -Q_N <= v <= Q_P, the bounds included:
///
///     dx = dy inside, 0 outside
///     dstep = sum over the N elements that share it of dy (round(v) - v inside, -Q_N below, Q_P above) / sqrt(N Q_P)
///
/// Rounding is to nearest, ties to even, of x times 1 / s as everywhere in this library. `Scalar`: what is computed
/// in, float or double; sums are in double. A column vector is grouped along its length. Throws shape_error for
/// another number of steps than groups and for a gradient of another shape, data_error for a step that is not
/// positive and finite, an x and a gradient that are not finite. Cost: a few operations an element.
template <training_scalar Scalar = float>
class learned_step {
 public:
  using vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

  vector step;  ///< one a group, in the order of `grouping`; yours to change

  /// Without steps: assign `step`. Throws invalid_scheme for a grid of signs.
  explicit learned_step(const integer_grid& grid, granularity groups = per_tensor{})
      : groups_(groups), bounds_(detail::learnable_bounds("learned_step", grid)) {}
  /// With the steps that initial_step(x) finds.
  /// `detail::holds`: else clang++ 14 takes doubles for floats.
  template <class X, detail::holds<Scalar, X> = 0>
  learned_step(const integer_grid& grid, granularity groups, const Eigen::DenseBase<X>& x)
      : learned_step(grid, groups) {
    step = initial_step(x);
  }

  /// 2 mean|x| / sqrt(Q_P) of each group; where all of it is zero, as if the mean were 1. Throws data_error for an
  /// x that is not finite.
  template <class X>
  vector initial_step(const Eigen::DenseBase<X>& x) const {
    return detail::with_grouped<Scalar>(x, [&](const auto& v) {
      detail::require_numbers("learned_step", "x", v);
      const grouping groups(groups_, v.rows, v.cols);
      std::vector<double> sums(detail::as_size(groups.count()));
      detail::for_each_element(groups, v, [&](index_t r, index_t c, index_t g) {
        sums[detail::as_size(g)] += std::fabs(static_cast<double>(v(r, c)));
      });
      const std::vector<index_t> sizes = detail::group_sizes(groups);
      vector start(groups.count());
      for (index_t g = 0; g < groups.count(); ++g) {
        const double mean = sums[detail::as_size(g)] / static_cast<double>(sizes[detail::as_size(g)]);
        start(g) =
            static_cast<Scalar>(2 * (mean > 0 ? mean : 1) / std::sqrt(static_cast<double>(bounds_.highest)));
      }
      return start;
    });
  }

  template <class X>
  detail::plain_like<Scalar, X> forward(const Eigen::DenseBase<X>& x) const {
    detail::plain_like<Scalar, X> y(x.rows(), x.cols());
    const auto low = static_cast<Scalar>(bounds_.lowest), high = static_cast<Scalar>(bounds_.highest);
    detail::with_grouped<Scalar>(x, [&](const auto& v) {
      const grouping groups = checked(v);
      const vector inverse = step.cwiseInverse();
      detail::for_each_element(groups, v, [&](index_t r, index_t c, index_t g) {
        detail::element_of<X>(y, r, c) =
            std::nearbyint(std::clamp(v(r, c) * inverse(g), low, high)) * step(g);
      });
    });
    return y;
  }

  /// From x, as forward() got it, and the gradient dy of what it returned.
  template <class X, class DY>
  learned_step_gradients<detail::plain_like<Scalar, X>, Scalar> backward(
      const Eigen::DenseBase<X>& x, const Eigen::DenseBase<DY>& dy) const {
    learned_step_gradients<detail::plain_like<Scalar, X>, Scalar> gradients{{x.rows(), x.cols()}, {}};
    const double low = bounds_.lowest, high = bounds_.highest;
    detail::with_gradient<Scalar>("learned_step", x, dy, [&](const auto& v, const auto& d) {
      const grouping groups = checked(v);
      const vector inverse = step.cwiseInverse();
      std::vector<double> sums(detail::as_size(groups.count()));
      detail::for_each_element(groups, v, [&](index_t r, index_t c, index_t g) {
        // in double: of two numbers that nearly cancel, the difference counts
        const double quotient = static_cast<double>(v(r, c)) / static_cast<double>(step(g));
        const bool inside = quotient >= low && quotient <= high;
        const double slope = inside ? static_cast<double>(std::nearbyint(v(r, c) * inverse(g))) - quotient
                             : quotient < low ? low
                                              : high;
        detail::element_of<X>(gradients.x, r, c) = inside ? d(r, c) : Scalar(0);
        sums[detail::as_size(g)] += static_cast<double>(d(r, c)) * slope;
      });
      gradients.step = detail::balanced<Scalar>(groups, bounds_.highest, sums);
    });
    return gradients;
  }

  /// The steps as a range of quantize(), on the grid given here; an affine one has zero points of 0 then.
  given_parameters range() const {
    const Eigen::VectorXf scales = step.template cast<float>();
    return given_parameters(std::vector<float>(scales.begin(), scales.end()));
  }

 private:
  template <class View>
  grouping checked(const View& v) const {
    detail::require_numbers("learned_step", "x", v);
    const grouping groups(groups_, v.rows, v.cols);
    detail::require_parameters("learned_step", "steps", groups, step, true);
    return groups;
  }
  granularity groups_;
  detail::code_bounds_from_zero bounds_;
};

template <class X>
learned_step(const integer_grid&, granularity, const Eigen::DenseBase<X>&)
    -> learned_step<detail::scalar_of<X>>;

}  // namespace bitgauge
