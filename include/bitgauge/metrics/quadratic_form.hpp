#pragma once

/// \file
/// d H d^T of many rows d: how much output error a row's difference makes.

#include <bitgauge/base/aligned_buffer.hpp>
#include <bitgauge/base/config.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace bitgauge::detail {

/// The form d H d^T of a Hessian or of a block on its diagonal, which is ||X d||^2 over the samples of that
/// block's inputs. Prepared once for many rows:
///
///     const quadratic_form form(H, first, count, magnitudes);
///     for (r ...) form.weigh(w + r * n, q + r * n, d + r * form.stride());
///     form.add_values(d, rows, sums);      // then sums[r] * form.unit()
///
/// Products are floats, of inputs that powers of two have made alike, so that none overflows or is lost
/// whatever the size of weights and activations; sums are of at most 256 products each, then double. They do
/// not depend on the instruction set. As H is symmetric only half of it is multiplied. Relative error of a
/// value about 1e-6 times its condition, sum |d_i H_ij d_j| / d H d^T, at worst; measured 1e-6.
///
/// Cost: n^2 (1 + 256 / n) operations a row, where a product in double takes 2 n^2; memory n^2 / 2 floats.
class quadratic_form {
 public:
  /// Rows of d are this many floats long, or a multiple.
  static constexpr index_t padding = 32;

  /// Of `count` inputs from `first` on. `magnitudes`: about the largest |d_j| to come of each of them; not
  /// less than 2^-20 times that. Throws data_error for a block that is no samples' own: one with an element
  /// above sqrt(H_ii H_jj).
  quadratic_form(const hessian& h, index_t first, index_t count, std::span<const float> magnitudes) {
    prepare(h, first, count, magnitudes);
  }

  index_t inputs() const noexcept { return static_cast<index_t>(factors_.size()); }
  index_t stride() const noexcept { return (inputs() + padding - 1) / padding * padding; }
  /// Writes w - q times the powers of two, and zeros up to stride().
  void weigh(const float* w, const float* q, float* d) const noexcept {
    for (index_t j = 0; j < inputs(); ++j)
      d[j] = static_cast<float>(factors_[static_cast<std::size_t>(j)] *
                                (static_cast<double>(w[j]) - static_cast<double>(q[j])));
    std::fill(d + inputs(), d + stride(), 0.0f);
  }
  /// What a value is multiplied by.
  double unit() const noexcept { return unit_; }

  /// sums[r] += d_r H d_r^T / unit() of `rows` rows, stride() floats apart.
  BITGAUGE_DECLARE void add_values(const float* d, index_t rows, double* sums) const;

 private:
  BITGAUGE_DECLARE void prepare(const hessian& h, index_t first, index_t count,
                                std::span<const float> magnitudes);

  static constexpr index_t depth =
      256;  ///< rows of H in a tile, and the width of the whole blocks on the diagonal

  std::vector<double> factors_;  ///< 0 for an input that was always zero
  double unit_ = 1;
  aligned_buffer<float>
      tiles_;  ///< for each `depth` rows: those times `padding` columns each, from the diagonal on
};

}  // namespace bitgauge::detail

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/metrics/quadratic_form_definitions.hpp>
#endif
