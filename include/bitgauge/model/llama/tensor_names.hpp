#pragma once

/// \file
/// What files call the tensors of a llama.

#include <bitgauge/base/config.hpp>

#include <string>

namespace bitgauge::llama {

/// The matrices of a block, in the order in which inputs reach them.
inline constexpr struct {
  const char *gguf, *hugging_face;
} block_matrices[] = {{"attn_q", "self_attn.q_proj"}, {"attn_k", "self_attn.k_proj"},
                      {"attn_v", "self_attn.v_proj"}, {"attn_output", "self_attn.o_proj"},
                      {"ffn_gate", "mlp.gate_proj"},  {"ffn_up", "mlp.up_proj"},
                      {"ffn_down", "mlp.down_proj"}};
/// Places in block_matrices.
enum class matrix_of : std::uint8_t { query, key, value, output, gate, up, down };

/// The names of one convention.
class tensor_names {
 public:
  enum class convention : std::uint8_t { gguf, hugging_face };
  explicit tensor_names(convention c) : gguf_(c == convention::gguf) {}
  bool is_gguf() const noexcept { return gguf_; }

  std::string embedding() const { return gguf_ ? "token_embd.weight" : "model.embed_tokens.weight"; }
  std::string output_norm() const { return gguf_ ? "output_norm.weight" : "model.norm.weight"; }
  /// Missing where the embedding serves as the output, too.
  std::string output() const { return gguf_ ? "output.weight" : "lm_head.weight"; }
  /// Of GGUF alone: factors by which frequencies are divided; may be missing.
  std::string rope_factors() const { return "rope_freqs.weight"; }

  std::string attention_norm(index_t layer) const {
    return in_block(layer) + (gguf_ ? "attn_norm.weight" : "input_layernorm.weight");
  }
  std::string feed_forward_norm(index_t layer) const {
    return in_block(layer) + (gguf_ ? "ffn_norm.weight" : "post_attention_layernorm.weight");
  }
  std::string matrix(index_t layer, matrix_of which) const { return stem(layer, which) + ".weight"; }
  /// May be missing.
  std::string bias(index_t layer, matrix_of which) const { return stem(layer, which) + ".bias"; }

 private:
  std::string in_block(index_t layer) const {
    return (gguf_ ? "blk." : "model.layers.") + std::to_string(layer) + ".";
  }
  std::string stem(index_t layer, matrix_of which) const {
    const auto& names = block_matrices[static_cast<std::size_t>(which)];
    return in_block(layer) + (gguf_ ? names.gguf : names.hugging_face);
  }

  bool gguf_;
};

}  // namespace bitgauge::llama
