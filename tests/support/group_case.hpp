#pragma once

/// \file
/// A group of one row to decode, and what any choice for it costs, by definition.

#include <bitgauge/rounding/search/group_system.hpp>

#include "support/layer.hpp"

#include <cstdint>
#include <vector>

namespace test {

/// Columns of correlated inputs, the values that would be best for them, and their cost in double.
struct group_case {
  bitgauge::detail::group_system<double> system;
  std::vector<float> values;

  group_case(Eigen::Index width, unsigned seed) : system(make_system(width, seed)) {
    const Eigen::MatrixXf drawn = normal_matrix(1, width, seed + 1000);
    values.assign(drawn.data(), drawn.data() + width);
  }

  /// ||(values - real) R||^2.
  template <class Real>
  double cost(const Real& real) const {
    Eigen::RowVectorXd difference(system.width());
    for (Eigen::Index i = 0; i < difference.size(); ++i)
      difference(i) = static_cast<double>(values[static_cast<std::size_t>(i)]) - static_cast<double>(real(i));
    return (difference * system.upper).squaredNorm();
  }

 private:
  static bitgauge::detail::group_system<double> make_system(Eigen::Index width, unsigned seed) {
    const Eigen::MatrixXd x = correlated_inputs(4 * width, width, 0.8f, seed).cast<double>();
    const Eigen::MatrixXd h = x.transpose() * x;
    return {h, Eigen::VectorXd::Constant(width, 0.01 * h.diagonal().mean()), 0, width};
  }
};

/// The levels 0 .. count - 1, or as many that are not evenly spaced.
inline std::vector<bitgauge::feedback_target::level> levels(int count, bool even) {
  std::vector<bitgauge::feedback_target::level> all;
  for (int i = 0; i < count; ++i) {
    const auto x = static_cast<float>(i);
    all.push_back({even ? x : x * x * 0.3f - 1, static_cast<std::uint8_t>(i)});
  }
  return all;
}

}  // namespace test
