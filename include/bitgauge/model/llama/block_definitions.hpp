#pragma once

/// \file
/// What block.hpp and projection.hpp declare.

#include <bitgauge/base/config.hpp>
#include <bitgauge/model/llama/attention.hpp>
#include <bitgauge/model/llama/block.hpp>
#include <bitgauge/model/llama/projection.hpp>
#include <bitgauge/model/llama/rms_norm.hpp>

#include <cmath>
#include <variant>

namespace bitgauge::llama {
namespace detail {

BITGAUGE_DEFINE row_matrix project(const projection& p, const row_matrix& x) {
  row_matrix y = std::visit([&](const auto& l) -> row_matrix { return l(x); }, p.layer());
  if (p.bias().size() > 0) y.rowwise() += p.bias().transpose();
  return y;
}

}  // namespace detail

BITGAUGE_DEFINE void forward(const block& b, const config& c, const rope& positions, index_t layer,
                             row_matrix& x, kv_cache& cache, const input_observer& observe, int threads) {
  const auto project = [&](matrix_of which, const row_matrix& inputs) {
    if (observe) observe(layer, which, inputs);
    return b[which](inputs);
  };
  row_matrix inputs = rms_norm(x, b.attention_norm, c.norm_epsilon);
  row_matrix queries = project(matrix_of::query, inputs), keys = project(matrix_of::key, inputs);
  const row_matrix values = project(matrix_of::value, inputs);
  positions.apply(queries, cache.size());
  positions.apply(keys, cache.size());
  cache.append(layer, keys, values);
  x += project(matrix_of::output, attend(c, queries, cache, layer, cache.size(), threads));

  inputs = rms_norm(x, b.feed_forward_norm, c.norm_epsilon);
  row_matrix hidden = project(matrix_of::gate, inputs);
  const row_matrix up = project(matrix_of::up, inputs);
  for (index_t i = 0; i < hidden.size(); ++i) {  // SwiGLU (Shazeer, 2020)
    float& gate = hidden.data()[i];
    gate = gate / (1 + std::exp(-gate)) * up.data()[i];
  }
  x += project(matrix_of::down, hidden);
}

}  // namespace bitgauge::llama
