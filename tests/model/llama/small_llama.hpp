#pragma once

/// \file
/// A llama of random weights, and what it computes by its definition.

#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/io/gguf/writer.hpp>
#include <bitgauge/io/safetensors/writer.hpp>
#include <bitgauge/model/llama/config.hpp>

#include <Eigen/Core>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace test {

using bitgauge::index_t;
using rows_of_floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Two layers, four heads that share two of keys and values; names are those of GGUF.
struct small_llama {
  bitgauge::llama::config sizes;
  std::map<std::string, rows_of_floats> tensors;

  small_llama() {
    sizes.vocabulary = 11;
    sizes.width = 32;
    sizes.layers = 2;
    sizes.heads = 4;
    sizes.key_heads = 2;
    sizes.head_size = sizes.rope_size = 8;
    sizes.feed_forward = 64;
    sizes.context = 16;
    sizes.rope_base = 500;
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    const auto add = [&](const std::string& name, index_t rows, index_t cols, float scale, float mean = 0) {
      rows_of_floats& m = tensors[name] = rows_of_floats(rows, cols);
      for (index_t i = 0; i < m.size(); ++i) m.data()[i] = mean + scale * normal(random);
    };
    add("token_embd.weight", 11, 32, 1);
    add("output_norm.weight", 1, 32, 0.1f, 1);
    add("output.weight", 11, 32, 0.3f);
    for (const std::string block : {"blk.0.", "blk.1."}) {
      add(block + "attn_norm.weight", 1, 32, 0.1f, 1);
      add(block + "ffn_norm.weight", 1, 32, 0.1f, 1);
      add(block + "attn_q.weight", 32, 32, 0.3f);
      add(block + "attn_k.weight", 16, 32, 0.3f);
      add(block + "attn_v.weight", 16, 32, 0.3f);
      add(block + "attn_output.weight", 32, 32, 0.2f);
      add(block + "ffn_gate.weight", 64, 32, 0.2f);
      add(block + "ffn_up.weight", 64, 32, 0.2f);
      add(block + "ffn_down.weight", 32, 64, 0.2f);
    }
  }

  void write_gguf(const std::filesystem::path& path) const {
    bitgauge::io::gguf_writer writer(path);
    writer.set("general.architecture", std::string("llama"));
    const std::pair<const char*, index_t> numbers[] = {{"embedding_length", sizes.width},
                                                       {"block_count", sizes.layers},
                                                       {"feed_forward_length", sizes.feed_forward},
                                                       {"attention.head_count", sizes.heads},
                                                       {"attention.head_count_kv", sizes.key_heads},
                                                       {"context_length", sizes.context}};
    for (const auto& [name, value] : numbers)
      writer.set(std::string("llama.") + name, static_cast<std::uint32_t>(value));
    writer.set("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    writer.set("llama.rope.freq_base", static_cast<float>(sizes.rope_base));
    for (const auto& [name, m] : tensors) {
      const auto rows = static_cast<std::uint64_t>(m.rows()), cols = static_cast<std::uint64_t>(m.cols());
      writer.declare(
          name, bitgauge::gguf::tensor_type::f32,
          m.rows() == 1 ? std::vector<std::uint64_t>{cols} : std::vector<std::uint64_t>{cols, rows});
    }
    for (const auto& [name, m] : tensors) writer.write(name, m);
    writer.commit();
  }

  static void write_tensors(const std::map<std::string, rows_of_floats>& these,
                            const std::filesystem::path& path) {
    bitgauge::io::safetensors_writer writer(path);
    for (const auto& [name, m] : these) {
      const auto rows = static_cast<std::uint64_t>(m.rows()), cols = static_cast<std::uint64_t>(m.cols());
      writer.declare(
          name, bitgauge::io::dtype::f32,
          m.rows() == 1 ? std::vector<std::uint64_t>{cols} : std::vector<std::uint64_t>{rows, cols});
    }
    for (const auto& [name, m] : these) writer.write(name, m);
    writer.commit();
  }

  /// model.safetensors with Hugging Face's names, and rows of q and k in the order of its rotation: element i of a
  /// head's first half is 2 i here, that of its second half 2 i + 1. of_gguf.safetensors as a .gguf has them.
  void write_safetensors(const std::filesystem::path& folder) const {
    const std::map<std::string, std::string> names{{"token_embd", "model.embed_tokens"},
                                                   {"output_norm", "model.norm"},
                                                   {"output", "lm_head"},
                                                   {"attn_norm", "input_layernorm"},
                                                   {"ffn_norm", "post_attention_layernorm"},
                                                   {"attn_q", "self_attn.q_proj"},
                                                   {"attn_k", "self_attn.k_proj"},
                                                   {"attn_v", "self_attn.v_proj"},
                                                   {"attn_output", "self_attn.o_proj"},
                                                   {"ffn_gate", "mlp.gate_proj"},
                                                   {"ffn_up", "mlp.up_proj"},
                                                   {"ffn_down", "mlp.down_proj"}};
    std::map<std::string, rows_of_floats> all;
    for (const auto& [name, m] : tensors) {
      const bool in_block = name.starts_with("blk.");
      const std::string stem = name.substr(in_block ? 6 : 0, name.rfind('.') - (in_block ? 6 : 0));
      const std::string prefix = in_block ? "model.layers." + name.substr(4, 2) : "";
      rows_of_floats& to = all[prefix + names.at(stem) + ".weight"] = m;
      if (stem != "attn_q" && stem != "attn_k") continue;
      const index_t half = sizes.head_size / 2;
      for (index_t head = 0; head < m.rows(); head += sizes.head_size)
        for (index_t i = 0; i < half; ++i) {
          to.row(head + i) = m.row(head + 2 * i);
          to.row(head + half + i) = m.row(head + 2 * i + 1);
        }
    }
    write_tensors(all, folder / "model.safetensors");
    write_tensors(tensors, folder / "of_gguf.safetensors");
    std::ofstream(folder / "config.json")
        << R"({"model_type": "llama", "vocab_size": 11, "hidden_size": 32, "num_hidden_layers": 2,
               "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 64,
               "max_position_embeddings": 16, "rms_norm_eps": 1e-05, "rope_theta": 500.0})";
  }

  /// The logits of each token, all in double, one token and one head at a time.
  Eigen::MatrixXd logits(const std::vector<std::int32_t>& tokens) const {
    const auto at = [&](const std::string& name) -> Eigen::MatrixXd {
      return tensors.at(name).cast<double>();
    };
    const auto norm = [&](const Eigen::VectorXd& x, const std::string& name) -> Eigen::VectorXd {
      return (x / std::sqrt(x.squaredNorm() / static_cast<double>(x.size()) + 1e-5))
          .cwiseProduct(at(name).transpose());
    };
    const auto turned = [&](Eigen::VectorXd x, index_t position) {
      for (index_t head = 0; head < x.size(); head += sizes.head_size)
        for (index_t i = 0; i < sizes.head_size; i += 2) {
          const double angle =
              static_cast<double>(position) *
              std::pow(sizes.rope_base, -static_cast<double>(i) / static_cast<double>(sizes.head_size));
          const double a = x(head + i), b = x(head + i + 1);
          x(head + i) = a * std::cos(angle) - b * std::sin(angle);
          x(head + i + 1) = a * std::sin(angle) + b * std::cos(angle);
        }
      return x;
    };
    std::vector<Eigen::VectorXd> states;
    for (const auto t : tokens) states.emplace_back(at("token_embd.weight").row(t).transpose());
    for (const std::string block : {"blk.0.", "blk.1."}) {
      std::vector<Eigen::VectorXd> keys, values;
      for (std::size_t t = 0; t < states.size(); ++t) {
        const auto position = static_cast<index_t>(t);
        const Eigen::VectorXd x = norm(states[t], block + "attn_norm.weight");
        const Eigen::VectorXd q = turned(at(block + "attn_q.weight") * x, position);
        keys.push_back(turned(at(block + "attn_k.weight") * x, position));
        values.emplace_back(at(block + "attn_v.weight") * x);
        Eigen::VectorXd out(32);
        for (index_t head = 0; head < 4; ++head) {
          const index_t shared = head / 2 * 8;
          double sum = 0;
          Eigen::VectorXd mean = Eigen::VectorXd::Zero(8);
          for (std::size_t s = 0; s <= t; ++s) {
            const double p =
                std::exp(q.segment(head * 8, 8).dot(keys[s].segment(shared, 8)) / std::sqrt(8.0));
            sum += p;
            mean += p * values[s].segment(shared, 8);
          }
          out.segment(head * 8, 8) = mean / sum;
        }
        states[t] += at(block + "attn_output.weight") * out;
      }
      for (Eigen::VectorXd& state : states) {
        const Eigen::VectorXd x = norm(state, block + "ffn_norm.weight");
        Eigen::VectorXd hidden = at(block + "ffn_gate.weight") * x;
        const Eigen::VectorXd up = at(block + "ffn_up.weight") * x;
        for (index_t i = 0; i < hidden.size(); ++i)
          hidden(i) = hidden(i) / (1 + std::exp(-hidden(i))) * up(i);
        state += at(block + "ffn_down.weight") * hidden;
      }
    }
    Eigen::MatrixXd all(static_cast<index_t>(tokens.size()), 11);
    for (std::size_t t = 0; t < states.size(); ++t)
      all.row(static_cast<index_t>(t)) =
          (at("output.weight") * norm(states[t], "output_norm.weight")).transpose();
    return all;
  }
};

}  // namespace test
