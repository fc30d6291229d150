#pragma once

/// \file
/// Errors of weights whose columns do not count alike.

#include <bitgauge/base/config.hpp>

#include <cstddef>
#include <span>

namespace bitgauge::detail {

/// Over rows w and what stands for them, q, with the importance v of columns.
struct weighted_sums {
  double error = 0;   ///< sum of v_j (w_j - q_j)^2
  double energy = 0;  ///< sum of v_j w_j^2

  void add(std::span<const float> v, const float* original, const float* restored) {
    for (std::size_t c = 0; c < v.size(); ++c) {
      const auto w = static_cast<double>(original[c]), e = w - static_cast<double>(restored[c]);
      const auto weight = static_cast<double>(v[c]);
      error += weight * e * e;
      energy += weight * w * w;
    }
  }
  void merge(const weighted_sums& other) {
    error += other.error;
    energy += other.energy;
  }
  double relative() const noexcept { return energy > 0 ? error / energy : 0; }
};

}  // namespace bitgauge::detail
