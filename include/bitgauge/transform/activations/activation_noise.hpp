#pragma once

/// \file
/// What will it cost to quantize a layer's inputs? An estimate from streamed statistics.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/grid/integer.hpp>
#include <bitgauge/transform/activations/activation_stats.hpp>

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
/// an upper bound where each batch has its own. per_row (a scale a token): a token's values reach M to one side
/// and m <= M to the other, so its step is M / steps of a symmetric grid and (M + m) / steps of an affine one.
/// Root mean squares stand for both, those of independent normal values with the mean squares seen, inputs
/// that were never negative (positive) having one side only:
///
///     P(M < t) = prod_j P(|z_j| < t),   P(m < t) = prod_j P(z_j < t) + prod_j P(-z_j < t) - P(M < t)
///
/// kept within what holds of every distribution: max_j E[z_j^2] <= E[M^2] <= min(sum_j E[z_j^2], max z^2).
/// With one sample both ends meet, and a symmetric grid's step is exact.
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
    double low = stats.lowest().cwiseQuotient(factors).minCoeff(),
           high = stats.highest().cwiseQuotient(factors).maxCoeff();
    if (is_per_token && low < high) {
      const token_range token = range_of_token(stats, squares, std::max(high, -low), std::min(high, -low));
      high = std::sqrt(token.greater);
      low = -std::sqrt(token.lesser);
    }
    const double step =
        (grid.has_zero_point ? high - low : std::max(high, -low)) / static_cast<double>(grid.steps);
    return squares.cwiseMin(step * step / 12);
  }

  /// E[M^2] and E[m^2].
  struct token_range {
    double greater = 0, lesser = 0;
  };
  /// The integrals over t >= 0 of 2 t (1 - P(. < t)), by the midpoint rule; `farther` and `nearer` are
  /// what all samples reach to either side.
  static token_range range_of_token(const activation_stats& stats, const Eigen::VectorXd& squares,
                                    double farther, double nearer) {
    constexpr int nodes = 64;
    constexpr double reach = 5.8;  // times sqrt(2) deviations: erf is 1 there
    const Eigen::VectorXd &lowest = stats.lowest(), &highest = stats.highest();
    const Eigen::VectorXd inverses = (2 * squares).cwiseSqrt().cwiseInverse();
    const double least = squares.maxCoeff(), width = reach * std::sqrt(2 * least) / nodes;
    token_range sum;
    for (int i = 0; i < nodes; ++i) {
      const double t = (i + 0.5) * width;
      double both = 1, above = 1, below = 1;  // P(|z| < t), P(z < t), P(-z < t) of all inputs so far
      for (index_t j = 0; j < squares.size() && above + below > 1e-12; ++j) {
        if (!(squares(j) > 0) || t * inverses(j) >= reach) continue;
        const double inside = std::erf(t * inverses(j)), half = (1 + inside) / 2;
        const bool is_negative = lowest(j) < 0;
        const bool is_positive = highest(j) > 0;
        both *= inside;
        if (is_positive) above *= is_negative ? half : inside;
        if (is_negative) below *= is_positive ? half : inside;
      }
      sum.greater += 2 * t * width * (1 - both);
      sum.lesser += 2 * t * width * (1 - std::min(1.0, above + below - both));
    }
    sum.greater = std::min(std::max(sum.greater, least), std::min(squares.sum(), farther * farther));
    sum.lesser = std::min({sum.lesser, sum.greater, nearer * nearer});
    return sum;
  }
};

}  // namespace bitgauge
