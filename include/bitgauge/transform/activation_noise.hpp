#pragma once

/// \file
/// What will it cost to quantize a layer's inputs? An estimate from streamed statistics.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/grid/integer.hpp>
#include <bitgauge/transform/activation_stats.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>

namespace bitgauge {

/// How a layer's inputs are going to be quantized, and the noise that this adds to them. By default as
/// activation_quantizer::dynamic() does it.
///
///     const Eigen::VectorXd n = activation_noise{.groups = per_tensor{}}.variances(stats, factors);
///
/// Rounding to a step is noise of variance step^2 / 12, independent of the input, and at most what the input
/// itself has: n_j = min(step^2 / 12, E[x_j^2] / s_j^2). A layer's outputs then lose sum_j n_j ||Q_j||^2 a
/// sample besides what its weights Q lose, Q_j the columns.
///
/// The step follows from the range. per_tensor: that of all samples seen, which the statistics hold exactly;
/// an upper bound where each batch has its own. per_row (a scale a token): its square is that of per_tensor
/// times E[M^2] / max M^2, M = max_j |x_j| / s_j of a token. E[M^2] is that of independent normal inputs with
/// the mean squares seen, kept within what holds of every distribution:
/// max_j E[x_j^2] / s_j^2 <= E[M^2] <= min(sum_j E[x_j^2] / s_j^2, max_j max x_j^2 / s_j^2).
/// With one sample both ends meet and the estimate is exact.
struct activation_noise {
  granularity groups = per_row{};  ///< per_row: a scale a token; per_tensor: one for all
  integer_grid grid = make_affine(8);

  /// n_j of inputs x_j / factors_j. Throws shape_error for another number of factors, invalid_scheme for
  /// other groups, data_error before the first sample. Cost: 64 error functions an input at most.
  template <class Derived>
  Eigen::VectorXd variances(const activation_stats& stats, const Eigen::DenseBase<Derived>& factors) const {
    if (factors.size() != stats.inputs())
      detail::raise_message<shape_error>({"activation_noise: expected a factor for each of ", stats.inputs(),
                                          " inputs, found ", factors.size()});
    return variances_of(stats, factors.derived().reshaped().matrix().template cast<double>());
  }

 private:
  Eigen::VectorXd variances_of(const activation_stats& stats, const Eigen::VectorXd& factors) const {
    const bool is_per_token = groups.what == granularity::kind::row;
    if (!is_per_token && groups.what != granularity::kind::tensor)
      raise(invalid_scheme("activation_noise: expected per_row, a scale a token, or per_tensor"));
    const Eigen::VectorXd squares = stats.mean_square().cwiseQuotient(factors.cwiseAbs2());
    const double low = stats.lowest().cwiseQuotient(factors).minCoeff(),
                 high = stats.highest().cwiseQuotient(factors).maxCoeff(), largest = std::max(high, -low);
    const double step = (grid.has_zero_point ? high - low : largest) / static_cast<double>(grid.steps);
    double share = 1;
    if (is_per_token && largest > 0) share = expected_squared_maximum(squares, largest) / (largest * largest);
    return squares.cwiseMin(share * step * step / 12);
  }

  /// E[max_j z_j^2], z_j normal of mean 0 and variance squares_j: the integral over t >= 0 of
  /// 2 t (1 - prod_j P(|z_j| < t)), by the midpoint rule.
  static double expected_squared_maximum(const Eigen::VectorXd& squares, double largest) {
    const double least = squares.maxCoeff(), most = std::min(squares.sum(), largest * largest);
    if (!(least < most)) return most;
    constexpr int nodes = 64;
    constexpr double reach = 8;  // deviations: beyond, P(|z_j| < t) is 1 for a billion of inputs
    const Eigen::VectorXd inverses = (2 * squares).cwiseSqrt().cwiseInverse();
    const double width = reach * std::sqrt(least) / nodes;
    double sum = 0;
    for (int i = 0; i < nodes; ++i) {
      const double t = (i + 0.5) * width;
      double below = 1;
      for (index_t j = 0; j < squares.size() && below > 1e-12; ++j)
        if (t * inverses(j) < reach) below *= std::erf(t * inverses(j));
      sum += 2 * t * (1 - below) * width;
    }
    return std::clamp(sum, least, most);
  }
};

}  // namespace bitgauge
