#pragma once

/// \file
/// How far a llama that is quantized up to some block is from the original.

#include <bitgauge/base/config.hpp>
#include <bitgauge/model/llama/attention/kv_cache.hpp>
#include <bitgauge/model/llama/attention/rope.hpp>
#include <bitgauge/model/llama/block.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/model/llama/load.hpp>
#include <bitgauge/model/llama/output_head.hpp>
#include <bitgauge/model/log_probabilities.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>
#include <bitgauge/transform/transform.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge::llama {
/// The divergence from the original of what hidden states lead to, the blocks before which they are being original:
///
///     llama::divergence d(source, config, seen.states_before(0), 4);
///     double bits = d.of(seen.states_before(3), 3);   // blocks 0, 1 and 2 have been replaced
///
/// Memory: the last hidden states of the windows, one block in floats, the output's matrix, and the logits of a few
/// tokens. Cost of of(): the windows through the blocks from `layer` on, each read from the source; over all blocks of
/// a model half as many passes as it has blocks, squared.
class divergence {
 public:
  /// Of the first `windows` of `states`, those before block 0 of the original. `source` must live as long as this.
  divergence(const tensor_source& source, const config& c, std::span<const row_matrix> states,
             index_t windows, int threads = 0)
      : source_(source), config_(c), positions_(config_), threads_(threads) {
    windows_ = std::min(windows, static_cast<index_t>(states.size()));
    expected_ = rest(states, 0);
  }

  index_t windows() const noexcept { return windows_; }

  /// KL(original || these) of the token that follows, in bits, its mean over the tokens of the windows; `states` are
  /// those before block `layer`.
  double of(std::span<const row_matrix> states, index_t layer) const {
    const std::vector<row_matrix> found = rest(states, layer);
    const output_head head = load_output(source_, config_, {.activations = {}, .threads = threads_});
    std::vector<double> original, changed;
    double sum = 0;
    index_t tokens = 0;
    constexpr index_t few = 16;  // logits of a large vocabulary are large
    for (std::size_t w = 0; w < found.size(); ++w)
      for (index_t t = 0; t < found[w].rows(); t += few) {
        const index_t count = std::min(few, found[w].rows() - t);
        const auto logits = [&](const row_matrix& x) {
          return head.logits(row_matrix(x.middleRows(t, count)), config_.norm_epsilon);
        };
        const row_matrix p = logits(expected_[w]), q = logits(found[w]);
        for (index_t i = 0; i < count; ++i) {
          bitgauge::detail::log_probabilities(p.data() + i * p.cols(), p.cols(), original);
          bitgauge::detail::log_probabilities(q.data() + i * q.cols(), q.cols(), changed);
          sum += bitgauge::detail::divergence_of(original, changed);
        }
        tokens += count;
      }
    return tokens > 0 ? sum / static_cast<double>(tokens) : 0;
  }

 private:
  /// Behind the last block.
  std::vector<row_matrix> rest(std::span<const row_matrix> states, index_t layer) const {
    std::vector<row_matrix> x(states.begin(), states.begin() + windows_);
    for (; layer < config_.layers; ++layer) {
      const block b = load_block(source_, config_, layer, {.activations = {}, .threads = threads_});
      for (row_matrix& window : x) forward_alone(b, config_, positions_, window, {}, threads_);
    }
    return x;
  }

  const tensor_source& source_;
  config config_;
  rope positions_;
  int threads_;
  index_t windows_ = 0;
  std::vector<row_matrix> expected_;  // behind the last block of the original
};

}  // namespace bitgauge::llama
