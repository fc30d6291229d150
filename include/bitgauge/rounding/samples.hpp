#pragma once

/// \file
/// What activations must be like so that their squares can be summed.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <Eigen/Core>

#include <cmath>
#include <cstdio>
#include <string>
#include <type_traits>

namespace bitgauge::detail {

/// A number in an error message, to six digits, whatever its size.
inline std::string short_number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", x);
  return text;
}

/// Between these magnitudes, which hold every float, the squares of activations, their sums over samples and
/// columns, and their products with squares of float weights are normal doubles.
inline constexpr double least_activation = 1e-75, largest_activation = 1e75;

/// Raises data_error for an element that is NaN, infinite or above largest_activation, and for an input whose
/// values are not all 0 but below least_activation: its squares would be lost. Names the sample (row) and the
/// input (column). `what` begins the message.
template <class Matrix>
void check_samples(const std::string& what, const Matrix& x) {
  for (index_t c = 0; c < x.cols(); ++c) {
    double largest = 0;
    for (index_t r = 0; r < x.rows(); ++r) {
      const auto value = static_cast<double>(x.coeff(r, c));
      const auto found = [&](const std::string& expected, const std::string& value_found) {
        raise(data_error(what + "sample " + std::to_string(r) + ", input " + std::to_string(c) +
                         ": expected " + expected + ", found " + value_found));
      };
      if (!numeric::binary64::is_finite(value)) found("a finite value", "NaN or infinity");
      if (std::fabs(value) > largest_activation)
        found("a magnitude up to " + short_number(largest_activation) + ", whose square can be summed",
              short_number(value));
      largest = std::fabs(value) > largest ? std::fabs(value) : largest;
    }
    if (largest > 0 && largest < least_activation)
      raise(data_error(what + "input " + std::to_string(c) + ": expected magnitudes from " +
                       short_number(least_activation) +
                       " up in some sample, whose squares can be summed, or all 0, found at most " +
                       short_number(largest)));
  }
}

/// The power of two that makes a magnitude at least 1/2 and below 1 when multiplied; 1 for 0.
inline double normalizer_of(double magnitude) noexcept {
  if (!(magnitude > 0)) return 1;
  int exponent = 0;
  (void)std::frexp(magnitude, &exponent);
  return std::ldexp(1.0, -exponent);
}

/// Samples whose every column was multiplied by a power of two, which is exact, so that its largest magnitude
/// is at least 1/2 and below 1: products of such columns neither overflow nor lose what counts, also in
/// float.
template <class Scalar>
struct normalized_samples {
  Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> values;
  Eigen::VectorXd unit;  ///< of each column, by which values are multiplied to be as they were

  /// `x` holds finite doubles; those that come from Scalars, or are products of two floats that are rounded
  /// to float here, are rounded as without the powers of two.
  explicit normalized_samples(Eigen::MatrixXd x) : unit(x.cols()) {
    for (index_t c = 0; c < x.cols(); ++c) {
      const double by = normalizer_of(x.rows() > 0 ? x.col(c).cwiseAbs().maxCoeff() : 0);
      x.col(c) *= by;
      unit(c) = 1 / by;
    }
    values = x.template cast<Scalar>();
  }
};

}  // namespace bitgauge::detail
