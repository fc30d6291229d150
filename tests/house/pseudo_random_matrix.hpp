#pragma once

/// \file
/// A matrix that is the same, to the bit, on every machine: made of integers and powers of two.

#include <Eigen/Core>

#include <cstdint>

namespace house {

/// Elements in [-8, 8) from a 64-bit linear congruential generator (Knuth, TAOCP vol. 2, 3.3.4: MMIX), every
/// 97th 16 times as large.
inline Eigen::MatrixXf pseudo_random_matrix(Eigen::Index rows, Eigen::Index cols) {
  Eigen::MatrixXf matrix(rows, cols);
  std::uint64_t state = 1;
  for (Eigen::Index i = 0; i < matrix.size(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto step = static_cast<std::int32_t>(state >> 40) - (1 << 23);  // 24 bits: exact as float
    matrix(i) = static_cast<float>(step) * (i % 97 == 0 ? 0x1p-16f : 0x1p-20f);
  }
  return matrix;
}

}  // namespace house
