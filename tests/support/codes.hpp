#pragma once

/// \file
/// The codes of a quantized matrix as Eigen integers, to compare with.

#include <bitgauge/matrix/quantized_matrix.hpp>

#include <Eigen/Core>

#include <vector>

namespace test {

inline Eigen::MatrixXi codes_of(const bitgauge::quantized_matrix& q) {
  return Eigen::MatrixXi::NullaryExpr(q.rows(), q.cols(),
                                      [&](Eigen::Index r, Eigen::Index c) { return q.code(r, c); });
}

/// Row after row, to compare with a list.
inline std::vector<int> code_list(const bitgauge::quantized_matrix& q) {
  std::vector<int> codes;
  for (Eigen::Index r = 0; r < q.rows(); ++r)
    for (Eigen::Index c = 0; c < q.cols(); ++c) codes.push_back(q.code(r, c));
  return codes;
}

}  // namespace test
