#pragma once

/// \file
/// The sizes and constants of a model of the llama architecture.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace bitgauge::llama {

/// Which two elements of a head a rotation turns together.
enum class rope_pairs : std::uint8_t {
  neighbours,  ///< 2i and 2i + 1, as in GGUF files of the llama architecture
  halves       ///< i and i + size / 2, as in Hugging Face's Llama
};

/// What a model is made of, beside its weights.
struct config {
  index_t vocabulary = 0;    ///< tokens that there are
  index_t width = 0;         ///< of the hidden states
  index_t layers = 0;        ///< blocks of attention and feed-forward
  index_t heads = 0;         ///< of queries
  index_t key_heads = 0;     ///< of keys and values; divides `heads`
  index_t head_size = 0;     ///< elements of a head
  index_t feed_forward = 0;  ///< of the hidden layer between
  index_t context = 0;       ///< tokens that the model was made for
  float norm_epsilon = 1e-5f;

  rope_pairs rotated = rope_pairs::neighbours;
  index_t rope_size = 0;  ///< elements of a head that are rotated
  double rope_base = 10000;
  double rope_scale = 1;              ///< positions are divided by it (linear scaling)
  std::vector<float> rope_factors{};  ///< of each pair, by which its frequency is divided; none: 1

  index_t query_width() const noexcept { return heads * head_size; }
  index_t key_width() const noexcept { return key_heads * head_size; }
};

/// Raises data_error for sizes that cannot be. `where` begins the message.
inline void check(const config& c, const std::string& where) {
  const auto require = [&](bool good, const char* name, const char* expected, index_t found) {
    if (!good)
      bitgauge::detail::raise_message<data_error>(
          {where, ": ", name, ": expected ", expected, ", found ", found});
  };
  const std::pair<const char*, index_t> sizes[] = {{"vocabulary", c.vocabulary},
                                                   {"width", c.width},
                                                   {"layers", c.layers},
                                                   {"heads", c.heads},
                                                   {"key heads", c.key_heads},
                                                   {"head size", c.head_size},
                                                   {"feed-forward", c.feed_forward},
                                                   {"context", c.context}};
  constexpr index_t most = index_t{1} << 31;
  for (const auto& [name, size] : sizes) require(size >= 1 && size <= most, name, "1 to 2^31", size);
  require(c.heads % c.key_heads == 0, "key heads", "a divisor of the heads", c.key_heads);
  require(c.rope_size >= 0 && c.rope_size <= c.head_size && c.rope_size % 2 == 0, "rope size",
          "an even number up to the head size", c.rope_size);
  require(c.rope_factors.empty() || static_cast<index_t>(c.rope_factors.size()) == c.rope_size / 2,
          "rope factors", "one for each rotated pair, or none", static_cast<index_t>(c.rope_factors.size()));
}

}  // namespace bitgauge::llama
