#pragma once

/// \file
/// The matrix that every benchmark reads: 4096 x 4096 of standard normal values, the same in every run.

#include <Eigen/Core>

#include <random>

namespace bench {

using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using column_major = Eigen::MatrixXf;

inline constexpr Eigen::Index side = 4096;
inline constexpr double float_bytes = static_cast<double>(side) * side * sizeof(float);

template <class Matrix>
const Matrix& weights() {
  static const Matrix all = [] {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    Matrix w(side, side);
    for (Eigen::Index i = 0; i < w.size(); ++i) w.data()[i] = normal(random);
    return w;
  }();
  return all;
}

}  // namespace bench
