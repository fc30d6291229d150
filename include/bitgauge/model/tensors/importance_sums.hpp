#pragma once

/// \file
/// What the importance of a tensor's columns is computed from.

#include <bitgauge/base/config.hpp>

#include <Eigen/Core>

#include <string>

namespace bitgauge {

/// Sums over inputs x of a tensor: squares(j) = sum of x_j^2. The importance of column j is squares(j) / count.
struct importance_sums {
  std::string name;         ///< of the tensor
  Eigen::VectorXd squares;  ///< one a column
  index_t count = 0;        ///< of inputs
};

}  // namespace bitgauge
