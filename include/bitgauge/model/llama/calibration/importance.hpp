#pragma once

/// \file
/// How much the columns of a llama's matrices matter, from tokens.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/llama/attention/rope.hpp>
#include <bitgauge/model/llama/block.hpp>
#include <bitgauge/model/llama/calibration/calibration.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/model/llama/embedding.hpp>
#include <bitgauge/model/llama/load.hpp>
#include <bitgauge/model/llama/output_head.hpp>
#include <bitgauge/model/llama/tensor_names.hpp>
#include <bitgauge/model/tensors/importance_source.hpp>
#include <bitgauge/model/tensors/importance_sums.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>

#include <Eigen/Core>

#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bitgauge::llama {
namespace detail {

/// Sends tokens through the blocks one after the other and sums the squares of what their matrices see.
class importance_measure {
 public:
  importance_measure(const tensor_source& source, const config& sizes, std::span<const token> tokens,
                     const calibration_options& o)
      : source_(source), config_(complete(source, sizes)), names_(names_in(source)) {
    load_.threads = o.threads;
    const index_t windows = windows_of(static_cast<index_t>(tokens.size()), o);
    const embedding start = load_embedding(source, config_);
    for (index_t w = 0; w < windows; ++w) states_.push_back(start.embed(window(tokens, w, o)));
  }

  /// Of the matrices of all blocks.
  void pass_blocks(const std::function<void(index_t, index_t)>& advance) {
    const rope positions(config_);
    for (index_t l = 0; l < config_.layers; ++l) {
      const block b = load_block(source_, config_, l, load_);
      const std::size_t first = all_.size();
      for (std::size_t i = 0; i < std::size(block_matrices); ++i)
        all_.push_back({names_.matrix(l, static_cast<matrix_of>(i)), {}, 0});
      const auto observe = [&](index_t, matrix_of which, const row_matrix& inputs) {
        add(all_[first + static_cast<std::size_t>(which)], inputs);
        return true;
      };
      for (row_matrix& x : states_) forward_alone(b, config_, positions, x, observe, load_.threads);
      if (advance) advance(l + 1, config_.layers);
    }
  }
  /// Of the output, behind all blocks.
  void read_output() {
    for (std::size_t i = 0; i < source_.tensor_count(); ++i) {
      if (source_.info(i).name != names_.output()) continue;
      const output_head head = load_output(source_, config_, load_);
      all_.push_back({names_.output(), {}, 0});
      for (const row_matrix& x : states_) add(all_.back(), head.normalized(x, config_.norm_epsilon));
    }
  }
  const std::vector<importance_sums>& sums() const noexcept { return all_; }

 private:
  static void add(importance_sums& sums, const row_matrix& x) {
    if (sums.squares.size() == 0) sums.squares.setZero(x.cols());
    for (index_t t = 0; t < x.rows(); ++t) sums.squares += x.row(t).cast<double>().cwiseAbs2().transpose();
    sums.count += x.rows();
  }

  const tensor_source& source_;
  config config_;
  tensor_names names_;
  load_options load_{};
  std::vector<row_matrix> states_;
  std::vector<importance_sums> all_;
};

}  // namespace detail

/// The sums of x_j^2 over all tokens for every matrix of the blocks, and for the output where it is a tensor of its
/// own, in the order in which inputs reach them:
///
///     const auto sums = llama::measure_importance(file, io::llama_config(file), tokens);
///     io::save_importance("imatrix.gguf", sums);
///
/// `advance(block, blocks)`, where set, is called behind each block. Memory: the hidden states of all tokens and one
/// block in floats. Cost: tokens go through the model once. Raises what the constructor of calibration does.
inline std::vector<importance_sums> measure_importance(
    const tensor_source& source, const config& sizes, std::span<const token> tokens,
    const calibration_options& o = {}, const std::function<void(index_t, index_t)>& advance = {}) {
  detail::importance_measure measure(source, sizes, tokens, o);
  measure.pass_blocks(advance);
  measure.read_output();
  return measure.sums();
}

/// mean(x^2) of each column of the matrices of all blocks, with x the inputs that the model itself gives them: the
/// importance that llama.cpp gathers. The output and the embedding have none.
///
///     const llama::token_importance weights(file, io::llama_config(file), tokens);
///     const quantization_plan p = plan(file, parse_format("q4_k"), {.importance = &weights});
///
/// Cost, memory and errors as of measure_importance(). For inputs behind matrices that are quantized already, see
/// llama::calibration.
class token_importance final : public importance_source {
 public:
  token_importance(const tensor_source& source, const config& sizes, std::span<const token> tokens,
                   const calibration_options& o = {}) {
    detail::importance_measure measure(source, sizes, tokens, o);
    measure.pass_blocks({});
    for (const importance_sums& each : measure.sums()) {
      const Eigen::VectorXf squares = (each.squares / static_cast<double>(each.count)).cast<float>();
      weights_[each.name].assign(squares.begin(), squares.end());
    }
  }

  const std::string& source_name() const override { return name_; }
  std::optional<std::vector<float>> weights(const std::string& tensor, index_t) const override {
    const auto found = weights_.find(tensor);
    return found == weights_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::string name_ = "calibration tokens";
  std::map<std::string, std::vector<float>> weights_;
};

}  // namespace bitgauge::llama
