#pragma once

/// \file
/// From hidden states to logits.

#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/llama/projection.hpp>
#include <bitgauge/model/llama/rms_norm.hpp>

#include <Eigen/Core>

namespace bitgauge::llama {

/// What follows the last block.
struct output_head {
  Eigen::VectorXf norm;
  projection matrix;

  /// The inputs of the matrix.
  row_matrix normalized(const row_matrix& x, float epsilon) const { return rms_norm(x, norm, epsilon); }
  /// Tokens x vocabulary.
  row_matrix logits(const row_matrix& x, float epsilon) const { return matrix(normalized(x, epsilon)); }
};

}  // namespace bitgauge::llama
