#pragma once

/// \file
/// Rows of floats that own their memory: what weights are restored to, and what transforms change.

#include <Eigen/Core>

namespace bitgauge {

/// A matrix of floats, each row after the one before.
using row_matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace bitgauge
