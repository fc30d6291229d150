#pragma once

/// \file
/// What activations must be like so that their squares can be summed.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/number_text.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace bitgauge::detail {

/// Between these magnitudes, which hold every float, the squares of activations, their sums over samples and
/// columns, and their products with squares of float weights are normal doubles.
inline constexpr double least_activation = 1e-75, largest_activation = 1e75;

/// What check_samples has seen of one input.
class checked_input {
 public:
  checked_input(const std::string& what, index_t input) : what_(what), input_(input) {}

  void add(double value, index_t sample) {
    const double magnitude = std::fabs(value);
    if (!numeric::binary64::is_finite(value) || magnitude > largest_activation) raise_for(value, sample);
    largest_ = magnitude > largest_ ? magnitude : largest_;
  }
  void finish() const {
    if (largest_ > 0 && largest_ < least_activation)
      raise(data_error(what_ + "input " + std::to_string(input_) + ": expected magnitudes from " +
                       general_text(least_activation, 6) +
                       " up in some sample, whose squares can be summed, or all 0, found at most " +
                       general_text(largest_, 6)));
  }

 private:
  [[gnu::noinline]] void raise_for(double value, index_t sample) const {
    const bool finite = numeric::binary64::is_finite(value);
    const std::string expected =
        finite ? "a magnitude up to " + general_text(largest_activation, 6) + ", whose square can be summed"
               : "a finite value";
    raise(data_error(what_ + "sample " + std::to_string(sample) + ", input " + std::to_string(input_) +
                     ": expected " + expected + ", found " +
                     (finite ? general_text(value, 6) : "NaN or infinity")));
  }

  const std::string& what_;
  index_t input_;
  double largest_ = 0;
};

/// Raises data_error for an element that is NaN, infinite or above largest_activation, and for an input whose
/// values are not all 0 but below least_activation: its squares would be lost. Names the sample (row) and the
/// input (column). `what` begins the message.
template <class Matrix>
void check_samples(const std::string& what, const Matrix& x) {
  for (index_t c = 0; c < x.cols(); ++c) {
    checked_input input(what, c);
    for (index_t r = 0; r < x.rows(); ++r) input.add(static_cast<double>(x.coeff(r, c)), r);
    input.finish();
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
  std::vector<double> unit;  ///< of each column, by which values are multiplied to be as they were

  /// `x` holds finite doubles; those that come from Scalars, or are products of two floats that are rounded
  /// to float here, are rounded as without the powers of two.
  explicit normalized_samples(const Eigen::MatrixXd& x)
      : values(x.rows(), x.cols()), unit(static_cast<std::size_t>(x.cols())) {
    for (index_t c = 0; c < x.cols(); ++c) {
      double largest = 0;
      for (index_t r = 0; r < x.rows(); ++r) largest = std::max(largest, std::fabs(x(r, c)));
      const double by = normalizer_of(largest);
      for (index_t r = 0; r < x.rows(); ++r) values(r, c) = static_cast<Scalar>(x(r, c) * by);
      unit[static_cast<std::size_t>(c)] = 1 / by;
    }
  }
};

}  // namespace bitgauge::detail
