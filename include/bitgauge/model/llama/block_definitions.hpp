#pragma once

/// \file
/// What block.hpp declares.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/llama/attention/attention.hpp>
#include <bitgauge/model/llama/block.hpp>
#include <bitgauge/model/llama/projection.hpp>
#include <bitgauge/model/llama/rms_norm.hpp>

#include <utility>

namespace bitgauge::llama {

BITGAUGE_DEFINE bool forward_attention(const block& b, const config& c, const rope& positions, index_t layer,
                                       row_matrix& x, kv_cache& cache, const input_observer& observe,
                                       int threads) {
  row_matrix inputs = rms_norm(x, b.attention_norm, c.norm_epsilon);
  for (const matrix_of which : {matrix_of::query, matrix_of::key, matrix_of::value})
    if (observe && !observe(layer, which, inputs)) return false;
  row_matrix queries = b[matrix_of::query](inputs), keys = b[matrix_of::key](inputs);
  positions.apply(queries, cache.size());
  positions.apply(keys, cache.size());
  cache.append(layer, std::move(keys), b[matrix_of::value](inputs));
  inputs = attend(c, queries, cache, layer, cache.size(), threads);
  if (observe && !observe(layer, matrix_of::output, inputs)) return false;
  x += b[matrix_of::output](inputs);
  return true;
}

BITGAUGE_DEFINE bool forward_network(const block& b, const config& c, index_t layer, row_matrix& x,
                                     const input_observer& observe) {
  const row_matrix inputs = rms_norm(x, b.feed_forward_norm, c.norm_epsilon);
  for (const matrix_of which : {matrix_of::gate, matrix_of::up})
    if (observe && !observe(layer, which, inputs)) return false;
  row_matrix hidden = b[matrix_of::gate](inputs);
  hidden.array() *=
      b[matrix_of::up](inputs).array() / (1 + (-hidden.array()).exp());  // SwiGLU (Shazeer, 2020)
  if (observe && !observe(layer, matrix_of::down, hidden)) return false;
  x += b[matrix_of::down](hidden);
  return true;
}

}  // namespace bitgauge::llama
