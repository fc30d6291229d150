#pragma once

/// \file
/// The layers of the pruning vectors.

#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/pruning_pattern.hpp>

#include "support/eigen_vectors.hpp"

#include <Eigen/Core>

namespace test {

/// The weights, inputs and pattern of a case.
struct pruning_layer {
  row_major<float> w, x;
  bitgauge::hessian h;
  bitgauge::pruning_pattern pattern;

  explicit pruning_layer(const nlohmann::json& entry)
      : w(load_matrix<float>("pruning", entry["inputs"]["W"])),
        x(load_matrix<float>("pruning", entry["inputs"]["X"])),
        h(w.cols()) {
    h.accumulate(x);
    const auto& p = entry["params"];
    if (p["m"] == 0) {
      pattern = bitgauge::unstructured{p["sparsity"]};
    } else {
      pattern = bitgauge::n_of_m{p["n"], p["m"]};
    }
  }

  /// ||(W - Q) X^T||^2.
  double error_of(const Eigen::MatrixXf& q) const {
    return ((w.cast<double>() - q.cast<double>()) * x.cast<double>().transpose()).squaredNorm();
  }
};

}  // namespace test
