#pragma once

/// \file
/// Quantization whose scale and zero point are learned, as torch's learnable fake quantization has it.

#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/grid/integer.hpp>
#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/range/given.hpp>
#include <bitgauge/training/learned/learned_groups.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace bitgauge {

/// The gradients of a quantization whose scale and zero point are learned.
template <class Matrix, class Scalar>
struct learned_affine_gradients {
  Matrix x;                                                    ///< of what forward() got
  Eigen::Matrix<Scalar, Eigen::Dynamic, 1> scale, zero_point;  ///< one a group, summed over its elements
};

/// y = s (clamp(u, lowest, highest) - z) with u = round(x / s) + z and z the zero point, a real number that is
/// learned too, rounded to the nearest code (Jain et al., Trained Quantization Thresholds, MLSys 2020; the gradients
/// of torch's _fake_quantize_learnable_per_tensor_affine and its per-channel form, the latter's where they
/// disagree: a negative zero point is rounded to the nearest, not up).
///
///     learned_affine f(affine<8>{}, per_row{}, seen.finish(affine<8>{}));  // starts where an observer ended
///     Eigen::MatrixXf What = f.forward(W);
///     auto [dW, dscale, dzero] = f.backward(W, dWhat);
///     f.scale -= rate * dscale;  f.zero_point -= rate * dzero;
///     const auto q = quantize(W, affine<8>{}, per_row{}, f.range());       // dequantizes to forward(W)
///
/// With what is inside being lowest <= u <= highest, and `factor` what the caller wants (1 / sqrt(N Q_P) in LSQ):
///
///     dx = dy inside, 0 outside
///     dscale = factor * sum of dy ((y - x) / s inside, lowest - z below, highest - z above)
///     dzero_point = factor * sum of dy (0 inside, -s outside)
///
/// A symmetric grid has the zero point of its own: leave `zero_point` as it is. Rounding, sums and errors as of
/// learned_step.
template <training_scalar Scalar = float>
class learned_affine {
 public:
  using vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

  vector scale, zero_point;  ///< one of each a group, in the order of `grouping`; yours to change
  double factor = 1;         ///< of the gradients of both

  /// Without parameters: assign them. Throws invalid_scheme for a grid of signs.
  explicit learned_affine(const integer_grid& grid, granularity groups = per_tensor{})
      : groups_(groups), lowest_(grid.lowest), highest_(grid.highest) {
    detail::learnable_bounds("learned_affine", grid);
  }
  /// With the parameters of each group.
  learned_affine(const integer_grid& grid, granularity groups, std::span<const parameters> start)
      : learned_affine(grid, groups) {
    const auto count = static_cast<index_t>(start.size());
    scale.resize(count);
    zero_point.resize(count);
    for (index_t g = 0; g < count; ++g) {
      scale(g) = static_cast<Scalar>(start[detail::as_size(g)].scale);
      zero_point(g) = static_cast<Scalar>(start[detail::as_size(g)].zero_point);
    }
  }

  template <class X>
  detail::plain_like<Scalar, X> forward(const Eigen::DenseBase<X>& x) const {
    detail::plain_like<Scalar, X> y(x.rows(), x.cols());
    detail::with_grouped<Scalar>(x, [&](const auto& v) {
      const grouping groups = checked(v);
      const vector inverse = scale.cwiseInverse(), zero = rounded_zero_points();
      detail::for_each_element(groups, v, [&](index_t r, index_t c, index_t g) {
        const Scalar low = static_cast<Scalar>(lowest_) - zero(g),
                     high = static_cast<Scalar>(highest_) - zero(g);
        detail::element_of<X>(y, r, c) =
            std::clamp(std::nearbyint(v(r, c) * inverse(g)), low, high) * scale(g);
      });
    });
    return y;
  }

  /// From x, as forward() got it, and the gradient dy of what it returned.
  template <class X, class DY>
  learned_affine_gradients<detail::plain_like<Scalar, X>, Scalar> backward(
      const Eigen::DenseBase<X>& x, const Eigen::DenseBase<DY>& dy) const {
    learned_affine_gradients<detail::plain_like<Scalar, X>, Scalar> gradients{{x.rows(), x.cols()}, {}, {}};
    detail::with_gradient<Scalar>("learned_affine", x, dy, [&](const auto& v, const auto& d) {
      const grouping groups = checked(v);
      const vector inverse = scale.cwiseInverse(), zero = rounded_zero_points();
      std::vector<double> scales(detail::as_size(groups.count())), zeros(scales.size());
      detail::for_each_element(groups, v, [&](index_t r, index_t c, index_t g) {
        const Scalar low = static_cast<Scalar>(lowest_) - zero(g),
                     high = static_cast<Scalar>(highest_) - zero(g);
        const Scalar steps = std::nearbyint(v(r, c) * inverse(g));
        const bool inside = steps >= low && steps <= high;
        // in double: of two numbers that nearly cancel, the difference counts
        const double slope = static_cast<double>(inside        ? steps
                                                 : steps < low ? low
                                                               : high) -
                             (inside ? static_cast<double>(v(r, c)) / static_cast<double>(scale(g)) : 0.0);
        detail::element_of<X>(gradients.x, r, c) = inside ? d(r, c) : Scalar(0);
        scales[detail::as_size(g)] += static_cast<double>(d(r, c)) * slope;
        if (!inside)
          zeros[detail::as_size(g)] -= static_cast<double>(d(r, c)) * static_cast<double>(scale(g));
      });
      gradients.scale.resize(groups.count());
      gradients.zero_point.resize(groups.count());
      for (index_t g = 0; g < groups.count(); ++g) {
        gradients.scale(g) = static_cast<Scalar>(factor * scales[detail::as_size(g)]);
        gradients.zero_point(g) = static_cast<Scalar>(factor * zeros[detail::as_size(g)]);
      }
    });
    return gradients;
  }

  /// The parameters as a range of quantize(), on the grid given here.
  given_parameters range() const {
    const vector zero = rounded_zero_points();
    std::vector<parameters> all;
    for (index_t g = 0; g < scale.size(); ++g)
      all.push_back({static_cast<float>(scale(g)), static_cast<std::int32_t>(zero(g))});
    return given_parameters::of(all);
  }

 private:
  template <class View>
  grouping checked(const View& v) const {
    detail::require_numbers("learned_affine", "x", v);
    const grouping groups(groups_, v.rows, v.cols);
    detail::require_parameters("learned_affine", "scales", groups, scale, true);
    detail::require_parameters("learned_affine", "zero points", groups, zero_point, false);
    return groups;
  }
  vector rounded_zero_points() const {
    vector zero(zero_point.size());
    for (index_t g = 0; g < zero.size(); ++g)
      zero(g) = std::clamp(std::nearbyint(zero_point(g)), static_cast<Scalar>(lowest_),
                           static_cast<Scalar>(highest_));
    return zero;
  }

  granularity groups_;
  int lowest_ = 0, highest_ = 0;
};

}  // namespace bitgauge
