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

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge::llama {
namespace detail {

/// exp(scale x_i) / sum of exp(scale x_j) over the first `count` elements; 0 behind them.
inline void softmax(float* x, index_t count, index_t size, float scale) {
  Eigen::Map<Eigen::ArrayXf> seen(x, count);
  seen = (scale * (seen - seen.maxCoeff())).exp();
  seen /= seen.sum();
  std::fill(x + count, x + size, 0.0f);
}

}  // namespace detail

/// softmax(K q / sqrt(head size)) V of each query, which sees the tokens up to its own; heads / key_heads heads of
/// queries share one of keys and values (Ainslie et al., 2023). `queries`: rows are the tokens from `first` on,
/// whose keys and values the cache has got. The same bits for any number of threads.
inline row_matrix attend(const config& c, row_matrix queries, const kv_cache& cache, index_t layer,
                         index_t first, int threads) {
  const index_t tokens = queries.rows(), size = c.head_size;
  row_matrix out(tokens, c.query_width());
  const float scale = 1 / std::sqrt(static_cast<float>(size));
  const rotation* const rotated = cache.rotated();
  const auto each_token = [&](row_matrix& x, index_t head, const auto& change) {
    for (index_t t = 0; t < tokens; ++t)
      change(std::span(x.data() + t * x.cols() + head * size, static_cast<std::size_t>(size)));
  };
  const bitgauge::detail::serial_products serial;
  constexpr index_t tile = 64;  // of queries: what lies behind the last of them is not computed
  parallel_for(c.heads, threads, [&](index_t head) {
    const index_t shared = head / (c.heads / c.key_heads);
    if (rotated != nullptr) each_token(queries, head, [&](std::span<float> q) { rotated->change_input(q); });
    std::vector<float> weights, key_scratch, value_scratch;
    const auto keys = cache.keys(layer, shared, first + tokens, key_scratch);
    const auto values = cache.values(layer, shared, first + tokens, value_scratch);
    for (index_t begin = 0; begin < tokens; begin += tile) {
      const index_t count = std::min(tile, tokens - begin), seen = first + begin + count;
      weights.resize(static_cast<std::size_t>(seen * count));
      numeric::multiply<float>(
          {weights.data(), seen, count, seen}, keys.block(0, 0, size, seen),
          {queries.data() + begin * queries.cols() + head * size, size, count, queries.cols()});
      for (index_t t = 0; t < count; ++t)
        detail::softmax(weights.data() + t * seen, first + begin + t + 1, seen, scale);
      numeric::multiply<float>({out.data() + begin * out.cols() + head * size, size, count, out.cols()},
                               values.block(0, 0, seen, size), {weights.data(), seen, count, seen});
    }
    if (rotated != nullptr) each_token(out, head, [&](std::span<float> o) { rotated->restore_weights(o); });
  });
  return out;
}

}  // namespace bitgauge::llama
