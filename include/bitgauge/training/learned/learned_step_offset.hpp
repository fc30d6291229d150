#pragma once

/// \file
/// LSQ+: quantization whose step and offset are learned.

#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/grid/integer.hpp>
#include <bitgauge/training/learned/learned_groups.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace bitgauge {

/// The gradients of a quantization whose step and offset are learned.
template <class Matrix, class Scalar>
struct learned_step_offset_gradients {
  Matrix x;                                               ///< of what forward() got
  Eigen::Matrix<Scalar, Eigen::Dynamic, 1> step, offset;  ///< one a group, summed over its elements
};

/// y = s round(clamp(v, -Q_N, Q_P)) + b with v = (x - b) / s: the step s and the offset b are learned, for
/// activations that are not symmetric and have no natural zero, such as those behind Swish (Bhalgat et al., LSQ+,
/// CVPR workshops 2020, arXiv 2004.09576).
///
///     learned_step_offset f(affine<4>{}, per_tensor{}, X);   // starts with the extent of X
///     Eigen::MatrixXf Xhat = f.forward(X);
///     auto [dX, dstep, doffset] = f.backward(X, dXhat);
///     f.step -= rate * dstep;  f.offset -= rate * doffset;
///
/// With what is inside being -Q_N <= v <= Q_P, the bounds included:
///
///     dx = dy inside, 0 outside
///     dstep = sum over the N elements that share it of dy (round(v) - v inside, -Q_N below, Q_P above) / sqrt(N Q_P)
///     doffset = sum of dy (0 inside, 1 outside) / sqrt(N Q_P)
///
/// The offset is no multiple of the step, so that zero need not be represented and no quantized_matrix holds the
/// result; learned_affine learns a zero point. Rounding, sums and errors as of learned_step; offsets must be
/// finite.
template <training_scalar Scalar = float>
class learned_step_offset {
 public:
  using vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

  vector step, offset;  ///< one of each a group, in the order of `grouping`; yours to change

  /// Without parameters: assign them. Throws invalid_scheme for a grid of signs.
  explicit learned_step_offset(const integer_grid& grid, granularity groups = per_tensor{})
      : groups_(groups), bounds_(detail::learnable_bounds("learned_step_offset", grid)) {}
  /// With the parameters that start_from(x) finds.
  /// `detail::holds`: else clang++ 14 takes doubles for floats.
  template <class X, detail::holds<Scalar, X> = 0>
  learned_step_offset(const integer_grid& grid, granularity groups, const Eigen::DenseBase<X>& x)
      : learned_step_offset(grid, groups) {
    start_from(x);
  }

  /// The extent of each group from the lowest code to the highest: s = (max - min) / (Q_P + Q_N), b = min + Q_N s;
  /// s = 1 where all of it is one number. Throws data_error for an x that is not finite.
  template <class X>
  void start_from(const Eigen::DenseBase<X>& x) {
    detail::with_grouped<Scalar>(x, [&](const auto& v) {
      detail::require_numbers("learned_step_offset", "x", v);
      const grouping groups(groups_, v.rows, v.cols);
      vector low = vector::Constant(groups.count(), std::numeric_limits<Scalar>::max()), high = -low;
      detail::for_each_element(groups, v, [&](index_t r, index_t c, index_t g) {
        low(g) = std::min(low(g), v(r, c));
        high(g) = std::max(high(g), v(r, c));
      });
      step = (high - low) / static_cast<Scalar>(bounds_.highest - bounds_.lowest);
      for (Scalar& s : step)
        if (!(s > 0)) s = 1;
      offset = low - static_cast<Scalar>(bounds_.lowest) * step;
    });
  }

  template <class X>
  detail::plain_like<Scalar, X> forward(const Eigen::DenseBase<X>& x) const {
    detail::plain_like<Scalar, X> y(x.rows(), x.cols());
    const auto low = static_cast<Scalar>(bounds_.lowest), high = static_cast<Scalar>(bounds_.highest);
    detail::with_grouped<Scalar>(x, [&](const auto& v) {
      const grouping groups = checked(v);
      detail::for_each_element(groups, v, [&](index_t r, index_t c, index_t g) {
        const Scalar quotient = (v(r, c) - offset(g)) / step(g);
        detail::element_of<X>(y, r, c) =
            std::nearbyint(std::clamp(quotient, low, high)) * step(g) + offset(g);
      });
    });
    return y;
  }

  /// From x, as forward() got it, and the gradient dy of what it returned.
  template <class X, class DY>
  learned_step_offset_gradients<detail::plain_like<Scalar, X>, Scalar> backward(
      const Eigen::DenseBase<X>& x, const Eigen::DenseBase<DY>& dy) const {
    learned_step_offset_gradients<detail::plain_like<Scalar, X>, Scalar> gradients{
        {x.rows(), x.cols()}, {}, {}};
    const auto low = static_cast<Scalar>(bounds_.lowest), high = static_cast<Scalar>(bounds_.highest);
    detail::with_gradient<Scalar>("learned_step_offset", x, dy, [&](const auto& v, const auto& d) {
      const grouping groups = checked(v);
      std::vector<double> steps(detail::as_size(groups.count())), offsets(steps.size());
      detail::for_each_element(groups, v, [&](index_t r, index_t c, index_t g) {
        const Scalar quotient = (v(r, c) - offset(g)) / step(g);
        const bool inside = quotient >= low && quotient <= high;
        const Scalar slope = inside ? std::nearbyint(quotient) - quotient : quotient < low ? low : high;
        detail::element_of<X>(gradients.x, r, c) = inside ? d(r, c) : Scalar(0);
        steps[detail::as_size(g)] += static_cast<double>(d(r, c)) * static_cast<double>(slope);
        if (!inside) offsets[detail::as_size(g)] += static_cast<double>(d(r, c));
      });
      gradients.step = detail::balanced<Scalar>(groups, bounds_.highest, steps);
      gradients.offset = detail::balanced<Scalar>(groups, bounds_.highest, offsets);
    });
    return gradients;
  }

 private:
  template <class View>
  grouping checked(const View& v) const {
    detail::require_numbers("learned_step_offset", "x", v);
    const grouping groups(groups_, v.rows, v.cols);
    detail::require_parameters("learned_step_offset", "steps", groups, step, true);
    detail::require_parameters("learned_step_offset", "offsets", groups, offset, false);
    return groups;
  }

  granularity groups_;
  detail::code_bounds_from_zero bounds_;
};

template <class X>
learned_step_offset(const integer_grid&, granularity, const Eigen::DenseBase<X>&)
    -> learned_step_offset<detail::scalar_of<X>>;

}  // namespace bitgauge
