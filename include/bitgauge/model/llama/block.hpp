#pragma once

/// \file
/// One block of a llama: attention, then the feed-forward network.

#include <bitgauge/base/config.hpp>
#include <bitgauge/model/llama/attention.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/model/llama/kv_cache.hpp>
#include <bitgauge/model/llama/projection.hpp>
#include <bitgauge/model/llama/rms_norm.hpp>
#include <bitgauge/model/llama/rope.hpp>
#include <bitgauge/model/llama/tensor_names.hpp>
#include <bitgauge/transform/transform.hpp>

#include <Eigen/Core>

#include <array>
#include <cmath>
#include <cstddef>
#include <functional>

namespace bitgauge::llama {

/// Sees the inputs of a matrix, tokens x inputs, before they are multiplied.
using input_observer = std::function<void(index_t layer, matrix_of which, const row_matrix& inputs)>;

/// x += Wo attend(Wq n(x), Wk n(x), Wv n(x)); x += Wdown (silu(Wgate n(x)) * Wup n(x)), with n the norms.
struct block {
  Eigen::VectorXf attention_norm, feed_forward_norm;
  std::array<projection, std::size(block_matrices)> matrices;

  const projection& operator[](matrix_of which) const { return matrices[static_cast<std::size_t>(which)]; }

  /// `x`: hidden states of the tokens that follow those of the cache, whose keys and values it gets.
  void forward(const config& c, const rope& positions, index_t layer, row_matrix& x, kv_cache& cache,
               const input_observer& observe, int threads) const {
    const auto project = [&](matrix_of which, const row_matrix& inputs) {
      if (observe) observe(layer, which, inputs);
      return (*this)[which](inputs);
    };
    row_matrix inputs = rms_norm(x, attention_norm, c.norm_epsilon);
    row_matrix queries = project(matrix_of::query, inputs), keys = project(matrix_of::key, inputs);
    const row_matrix values = project(matrix_of::value, inputs);
    positions.apply(queries, cache.size());
    positions.apply(keys, cache.size());
    cache.append(layer, keys, values);
    x += project(matrix_of::output, attend(c, queries, cache, layer, cache.size(), threads));

    inputs = rms_norm(x, feed_forward_norm, c.norm_epsilon);
    row_matrix hidden = project(matrix_of::gate, inputs);
    const row_matrix up = project(matrix_of::up, inputs);
    for (index_t i = 0; i < hidden.size(); ++i) {  // SwiGLU (Shazeer, 2020)
      float& gate = hidden.data()[i];
      gate = gate / (1 + std::exp(-gate)) * up.data()[i];
    }
    x += project(matrix_of::down, hidden);
  }
};

}  // namespace bitgauge::llama
