#pragma once

/// \file
/// What a search for a scale must know of its values first, in one pass.

#include <bitgauge/base/config.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace bitgauge::simd {

/// Sums of x^2 and |x| in double, and the extent with zero. Element i adds to lane i % 8 and the lanes are
/// added up in their order, so that all versions give the same bits.
struct value_sums {
  double energy = 0;
  double magnitude = 0;
  float low = 0;
  float high = 0;
};

/// Eight sums side by side: the additions of one do not wait for each other, and their order is fixed.
class striped_sum {
 public:
  void add(std::size_t i, double term) { lanes_[i % 8] += term; }
  double total() const {
    double sum = 0;
    for (const double lane : lanes_) sum += lane;
    return sum;
  }
  double* lanes() { return lanes_; }

 private:
  alignas(64) double lanes_[8] = {};
};

namespace portable {

inline value_sums sum_values(const float* x, index_t count) {
  value_sums found;
  striped_sum energy, magnitude;
  for (index_t i = 0; i < count; ++i) {
    const double value = x[i];
    energy.add(static_cast<std::size_t>(i), value * value);  // exact, fused or not
    magnitude.add(static_cast<std::size_t>(i), std::fabs(value));
    found.low = std::min(found.low, x[i]);
    found.high = std::max(found.high, x[i]);
  }
  found.energy = energy.total();
  found.magnitude = magnitude.total();
  return found;
}

}  // namespace portable

struct value_sum_operations {
  decltype(portable::sum_values)* sum_values = portable::sum_values;
};

}  // namespace bitgauge::simd
