#pragma once

/// \file
/// Causal attention of grouped queries.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/matrix/row_matrix.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/model/llama/kv_cache.hpp>
#include <bitgauge/numeric/dense/product.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/rounding/feedback/serial_products.hpp>
#include <bitgauge/transform/rotation.hpp>
#include <bitgauge/transform/transform.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge::llama {
namespace detail {

/// exp(x_i) / sum of exp(x_j) over the first `count` elements; 0 behind them.
inline void softmax(float* x, index_t count, index_t size) {
  const float largest = *std::max_element(x, x + count);
  float sum = 0;
  for (index_t i = 0; i < count; ++i) sum += x[i] = std::exp(x[i] - largest);
  for (index_t i = 0; i < count; ++i) x[i] /= sum;
  std::fill(x + count, x + size, 0.0f);
}

}  // namespace detail

/// softmax(K q / sqrt(head size)) V of each query, which sees the tokens up to its own; heads / key_heads heads of
/// queries share one of keys and values (Ainslie et al., 2023). `queries`: rows are the tokens from `first` on,
/// whose keys and values the cache has got. The same bits for any number of threads.
inline row_matrix attend(const config& c, row_matrix queries, const kv_cache& cache, index_t layer,
                         index_t first, int threads) {
  const index_t tokens = queries.rows(), seen = first + tokens, size = c.head_size;
  row_matrix out(tokens, c.query_width());
  const float scale = 1 / std::sqrt(static_cast<float>(size));
  const rotation* const rotated = cache.rotated();
  const auto each_token = [&](row_matrix& x, index_t head, const auto& change) {
    for (index_t t = 0; t < tokens; ++t)
      change(std::span(x.data() + t * x.cols() + head * size, static_cast<std::size_t>(size)));
  };
  const bitgauge::detail::serial_products serial;
  parallel_for(c.heads, threads, [&](index_t head) {
    const index_t shared = head / (c.heads / c.key_heads);
    if (rotated != nullptr) each_token(queries, head, [&](std::span<float> q) { rotated->change_input(q); });
    std::vector<float> weights(static_cast<std::size_t>(seen * tokens)), scratch;
    numeric::multiply<float>({weights.data(), seen, tokens, seen}, cache.keys(layer, shared, seen, scratch),
                             {queries.data() + head * size, size, tokens, queries.cols()});
    for (index_t t = 0; t < tokens; ++t) {
      float* const column = weights.data() + t * seen;
      for (index_t i = 0; i <= first + t; ++i) column[i] *= scale;
      detail::softmax(column, first + t + 1, seen);
    }
    numeric::multiply<float>({out.data() + head * size, size, tokens, out.cols()},
                             cache.values(layer, shared, seen, scratch),
                             {weights.data(), seen, tokens, seen});
    if (rotated != nullptr) each_token(out, head, [&](std::span<float> o) { rotated->restore_weights(o); });
  });
  return out;
}

}  // namespace bitgauge::llama
