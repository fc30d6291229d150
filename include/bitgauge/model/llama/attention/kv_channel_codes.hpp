#pragma once

/// \file
/// Keys in 8 or 4 bits, a scale for every channel of a block of tokens.

#include <bitgauge/base/config.hpp>
#include <bitgauge/model/llama/attention/kv_codes.hpp>
#include <bitgauge/model/llama/config.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace bitgauge::llama {

/// Heads of tokens, a scale for each of their elements over 32 tokens. Keys have channels that are large in every
/// token, which a scale of a token would be wasted on (Liu et al., ICML 2024, "KIVI"); the tokens of a block that is
/// not full yet stay floats.
///
/// A token at a time, the last ones are exact; of many at once only those of the last block are. What comes out
/// depends on that a little.
class kv_channel_codes {
 public:
  static constexpr index_t block = 32;  ///< tokens that share scales

  kv_channel_codes(const config& c, index_t capacity, kv_format format)
      : heads_(c.key_heads),
        size_(c.head_size),
        full_(capacity / block * heads_ * size_, block, format),
        latest_(static_cast<std::size_t>(std::min(block, capacity) * heads_ * size_)) {}

  index_t bytes() const noexcept {
    return full_.bytes() + static_cast<index_t>(sizeof(float) * latest_.size());
  }

  /// Tokens have to come in their order.
  void write(index_t position, index_t head, const float* x) {
    std::copy_n(x, size_, latest_.data() + place(position % block, head));
    if (position % block != block - 1) return;
    std::array<float, static_cast<std::size_t>(block)> channel;
    for (index_t i = 0; i < size_; ++i) {
      for (index_t t = 0; t < block; ++t) channel[static_cast<std::size_t>(t)] = latest_[at(t, head, i)];
      full_.write(run(position / block, head, i), channel.data());
    }
  }

  /// Of the first `tokens` tokens, which are all: element i of token t goes to
  /// out[t * token_step + i * element_step].
  void read(index_t head, index_t tokens, float* out, index_t token_step, index_t element_step) const {
    const index_t blocks = tokens / block;
    for (index_t b = 0; b < blocks; ++b)
      for (index_t i = 0; i < size_; ++i)
        full_.read(run(b, head, i), out + b * block * token_step + i * element_step, token_step);
    for (index_t t = blocks * block; t < tokens; ++t)
      for (index_t i = 0; i < size_; ++i)
        out[t * token_step + i * element_step] = latest_[at(t % block, head, i)];
  }

 private:
  index_t run(index_t b, index_t head, index_t element) const {
    return (b * heads_ + head) * size_ + element;
  }
  std::size_t place(index_t position, index_t head) const {
    return static_cast<std::size_t>((position * heads_ + head) * size_);
  }
  std::size_t at(index_t position, index_t head, index_t element) const {
    return place(position, head) + static_cast<std::size_t>(element);
  }

  index_t heads_, size_;
  detail::kv_runs full_;       // of each block, head and element, its tokens
  std::vector<float> latest_;  // tokens of the block that is not full yet
};

}  // namespace bitgauge::llama
