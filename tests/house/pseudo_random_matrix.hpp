#pragma once

/// \file
/// A matrix that is the same, to the bit, on every machine: made of integers and powers of two.

#include <Eigen/Core>

#include <cmath>
#include <cstdint>

namespace house {

/// Elements in [-8, 8) from a 64-bit linear congruential generator (Knuth, TAOCP vol. 2, 3.3.4: MMIX), every
/// 97th 16 times as large. In every third row they are rounded to halves and lie between the ends -127 and
/// 127 of each group of 32, so that the scale of 8 symmetric bits is 1 and half of them are ties.
inline Eigen::MatrixXf pseudo_random_matrix(Eigen::Index rows, Eigen::Index cols) {
  Eigen::MatrixXf matrix(rows, cols);
  std::uint64_t state = 1;
  for (Eigen::Index i = 0; i < matrix.size(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto step = static_cast<std::int32_t>(state >> 40) - (1 << 23);  // 24 bits: exact as float
    matrix(i) = static_cast<float>(step) * (i % 97 == 0 ? 0x1p-16f : 0x1p-20f);
  }
  for (Eigen::Index row = 0; row < rows; row += 3)
    for (Eigen::Index col = 0; col < cols; ++col)
      matrix(row, col) = col % 32 == 0   ? -127
                         : col % 32 == 1 ? 127
                                         : std::floor(std::fmod(matrix(row, col) * 16, 254.0f)) / 2;
  return matrix;
}

}  // namespace house
