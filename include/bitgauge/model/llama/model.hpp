#pragma once

/// \file
/// A language model of the llama architecture.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/llama/attention/kv_cache.hpp>
#include <bitgauge/model/llama/attention/rope.hpp>
#include <bitgauge/model/llama/block.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/model/llama/embedding.hpp>
#include <bitgauge/model/llama/output_head.hpp>
#include <bitgauge/model/llama/projection.hpp>

#include <Eigen/Core>

#include <span>
#include <utility>
#include <vector>

namespace bitgauge::llama {

/// The weights of a llama.
struct weights {
  embedding tokens;
  std::vector<block> blocks;
  output_head output;
};

/// How tokens go through a model.
struct forward_options {
  input_observer
      observe{};           ///< sees the inputs of every matrix of the blocks; where it stops, no logits come
  bool last_only = false;  ///< the logits of the last token alone
  int threads = 0;         ///< at most; 0: as many as parallel_for likes
};

/// Predicts the token that comes next (Touvron et al., 2023): RMSNorm before each part, rotary positions, SwiGLU,
/// queries that share keys and values. Matrices are multiplied in whatever format they have.
///
///     const llama::model m = io::load_llama("model.gguf");        // <bitgauge/io/model/llama.hpp>
///     llama::kv_cache cache(m.settings(), 256);
///     const row_matrix logits = m.forward(tokens, cache);         // tokens x vocabulary
///
/// Several threads may use one model, each with a cache of its own.
class model {
 public:
  model(config c, weights w) : c_(std::move(c)), positions_(c_), w_(std::move(w)) {}

  const config& settings() const noexcept { return c_; }
  const llama::weights& parts() const noexcept { return w_; }

  /// The hidden states that tokens start from. Throws data_error for one that is not in the vocabulary.
  row_matrix embed(std::span<const token> tokens) const { return w_.tokens.embed(tokens); }

  /// The logits, tokens x vocabulary, of what follows each token, after those that the cache has seen; their keys
  /// and values go into the cache. Throws data_error as embed() does, shape_error where the cache has no room.
  row_matrix forward(std::span<const token> tokens, kv_cache& cache, const forward_options& o = {}) const {
    const auto count = static_cast<index_t>(tokens.size());
    if (cache.size() + count > cache.capacity())
      bitgauge::detail::raise_message<shape_error>({"llama: expected at most ",
                                                    cache.capacity() - cache.size(),
                                                    " tokens, for which the cache has room, found ", count});
    row_matrix x = embed(tokens);
    for (index_t l = 0; l < c_.layers; ++l)
      if (!llama::forward(w_.blocks[static_cast<std::size_t>(l)], c_, positions_, l, x, cache, o.observe,
                          o.threads))
        return row_matrix(0, c_.vocabulary);
    cache.advance(count);
    if (o.last_only && count > 1) x = row_matrix(x.bottomRows(1));
    return logits(x);
  }
  /// Of hidden states that have passed all blocks.
  row_matrix logits(const row_matrix& x) const { return w_.output.logits(x, c_.norm_epsilon); }

  /// What reading all weights for one token takes: all matrices but the embedding, of which a row is read.
  index_t bytes_per_token() const {
    index_t sum = w_.output.matrix.bytes();
    for (const block& each : w_.blocks)
      for (const projection& matrix : each.matrices) sum += matrix.bytes();
    return sum;
  }

 private:
  config c_;
  rope positions_;
  llama::weights w_;
};

}  // namespace bitgauge::llama
