#pragma once

/// \file
/// One block of a llama: attention, then the feed-forward network.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/llama/attention/kv_cache.hpp>
#include <bitgauge/model/llama/attention/rope.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/model/llama/projection.hpp>
#include <bitgauge/model/llama/tensor_names.hpp>

#include <Eigen/Core>

#include <array>
#include <cstddef>
#include <functional>

namespace bitgauge::llama {

/// Sees the inputs of a matrix, tokens x inputs, before they are multiplied. Where it returns false the tokens go no
/// further.
using input_observer = std::function<bool(index_t layer, matrix_of which, const row_matrix& inputs)>;

/// x += Wo attend(Wq n(x), Wk n(x), Wv n(x)); x += Wdown (silu(Wgate n(x)) * Wup n(x)), with n the norms.
struct block {
  Eigen::VectorXf attention_norm, feed_forward_norm;
  std::array<projection, std::size(block_matrices)> matrices;

  const projection& operator[](matrix_of which) const { return matrices[static_cast<std::size_t>(which)]; }
};

/// Hidden states `x` of the tokens that follow those of the cache, whose keys and values it gets, through the first
/// half of block `layer` of the cache. `observe` may be empty; where it stops the work, false is returned and x is
/// as before.
BITGAUGE_DECLARE bool forward_attention(const block& b, const config& c, const rope& positions, index_t layer,
                                        row_matrix& x, kv_cache& cache, const input_observer& observe,
                                        int threads);
/// The same through the second half.
BITGAUGE_DECLARE bool forward_network(const block& b, const config& c, index_t layer, row_matrix& x,
                                      const input_observer& observe);

/// Both halves; where `observe` stops the work, x is not what comes out of the block.
inline bool forward(const block& b, const config& c, const rope& positions, index_t layer, row_matrix& x,
                    kv_cache& cache, const input_observer& observe, int threads) {
  return forward_attention(b, c, positions, layer, x, cache, observe, threads) &&
         forward_network(b, c, layer, x, observe);
}
/// The same for tokens that none precede and whose keys and values nobody needs afterwards.
inline bool forward_alone(const block& b, const config& c, const rope& positions, row_matrix& x,
                          const input_observer& observe, int threads) {
  kv_cache cache(c, x.rows(), {}, 1);
  return forward(b, c, positions, 0, x, cache, observe, threads);
}

}  // namespace bitgauge::llama

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/model/llama/block_definitions.hpp>
#endif
