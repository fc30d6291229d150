#pragma once

/// \file
/// How much the columns of a llama's matrices matter, from tokens.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/model/importance_source.hpp>
#include <bitgauge/model/llama/calibration.hpp>
#include <bitgauge/model/llama/kv_cache.hpp>
#include <bitgauge/model/llama/model.hpp>
#include <bitgauge/model/llama/tensor_names.hpp>
#include <bitgauge/transform/activation_stats.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bitgauge::llama {

/// mean(x^2) of each column of the matrices of all blocks, with x the inputs that the model itself gives them: the
/// importance that llama.cpp gathers. The output and the embedding have none.
///
///     const llama::token_importance weights(m, llama::names_in(file), tokens);
///     const quantization_plan p = plan(file, parse_format("q4_k"), {.importance = &weights});
///
/// Cost: the tokens go through the model once. For inputs behind matrices that are quantized already, see
/// llama::calibration.
class token_importance final : public importance_source {
 public:
  /// Raises shape_error where there is no window, data_error for a token outside of the vocabulary.
  token_importance(const model& m, const tensor_names& names, std::span<const token> tokens,
                   const calibration_options& o = {}) {
    const index_t count = windows_of(static_cast<index_t>(tokens.size()), o);
    std::map<std::string, activation_stats> found;
    forward_options how;
    how.last_only = true;
    how.threads = o.threads;
    how.observe = [&](index_t layer, matrix_of which, const row_matrix& inputs) {
      found.try_emplace(names.matrix(layer, which), inputs.cols()).first->second.observe(inputs);
      return true;
    };
    kv_cache cache(m.settings(), o.context);
    for (index_t w = 0; w < count; ++w) {
      cache.clear();
      static_cast<void>(m.forward(window(tokens, w, o), cache, how));
    }
    for (const auto& [name, stats] : found) {
      const Eigen::VectorXf squares = stats.mean_square().cast<float>();
      weights_[name].assign(squares.begin(), squares.end());
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
