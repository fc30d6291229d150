#pragma once

/// \file
/// A factor a channel: what SmoothQuant, AWQ and equalisation find.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/number_text.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <Eigen/Core>

#include <cstddef>
#include <span>
#include <utility>

namespace bitgauge {
namespace detail {

/// Raises data_error for a factor that is not positive and finite, or whose inverse is not finite. `whose` and
/// its number begin the message: "channel_scaling: factor of input".
inline void check_factors(const char* whose, std::span<const float> factors) {
  for (std::size_t j = 0; j < factors.size(); ++j) {
    const float s = factors[j];
    if (numeric::is_finite(s) && s > 0 && numeric::is_finite(1 / s)) continue;
    raise_message<data_error>({whose, " ", j, ": expected a positive number with a finite inverse, found ",
                               general_text(static_cast<double>(s), 6)});
  }
}

}  // namespace detail

/// T = diag(1 / s): inputs are divided by s, columns of W multiplied by it.
class channel_scaling {
 public:
  /// One factor an input. Throws data_error for one that is not positive and finite, or whose inverse is not
  /// finite.
  explicit channel_scaling(Eigen::VectorXf factors) : factors_(std::move(factors)) {
    detail::check_factors("channel_scaling: factor of input",
                          {factors_.data(), static_cast<std::size_t>(factors_.size())});
  }

  index_t inputs() const noexcept { return factors_.size(); }
  const Eigen::VectorXf& factors() const noexcept { return factors_; }

  template <class Scalar>
  void change_input(std::span<Scalar> x) const noexcept {
    for (std::size_t j = 0; j < x.size(); ++j) x[j] /= static_cast<Scalar>(factor(j));
  }
  template <class Scalar>
  void change_weights(std::span<Scalar> w) const noexcept {
    for (std::size_t j = 0; j < w.size(); ++j) w[j] *= static_cast<Scalar>(factor(j));
  }
  template <class Scalar>
  void restore_weights(std::span<Scalar> w) const noexcept {
    change_input(w);
  }

 private:
  float factor(std::size_t j) const noexcept { return factors_(static_cast<index_t>(j)); }

  Eigen::VectorXf factors_;
};

}  // namespace bitgauge
