#pragma once

// What quantizing a model starts from: its tensors, and what is known of its activations and columns.

#include <bitgauge/io/model/calibration_file.hpp>
#include <bitgauge/io/model/importance_file.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/model/llama/calibration/calibration.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/model/llama/model.hpp>
#include <bitgauge/model/plan/rule.hpp>
#include <bitgauge/model/tensors/calibration_source.hpp>
#include <bitgauge/model/tensors/importance_source.hpp>

#include "commands.hpp"

#include <optional>
#include <vector>

namespace program {

/// The files that the options name, opened.
class model_inputs {
 public:
  explicit model_inputs(const quantize_options& options);
  model_inputs(const model_inputs&) = delete;
  model_inputs& operator=(const model_inputs&) = delete;

  const bitgauge::io::tensor_file& file() const noexcept { return file_; }
  /// Null where there is none.
  const bitgauge::importance_source* importance() const noexcept {
    return importance_ ? &*importance_ : nullptr;
  }
  const bitgauge::calibration_source* calibration() const noexcept;
  /// What a language model's matrices see, or null where no tokens are given.
  bitgauge::llama::calibration* seen() noexcept { return seen_ ? &*seen_ : nullptr; }
  const bitgauge::llama::config& sizes() const noexcept { return sizes_; }
  const std::vector<bitgauge::llama::token>& tokens() const noexcept { return tokens_; }
  /// Tokens of a window.
  bitgauge::index_t context() const noexcept { return context_; }

  /// Rules that count where the options say nothing: of language models, which are known by their tokens, the
  /// embedding and the output stay, since quality hangs most on them and they take little of the bytes.
  std::vector<bitgauge::rule> defaults() const;

 private:
  bitgauge::io::tensor_file file_;
  std::optional<bitgauge::io::importance_file> importance_;
  std::optional<bitgauge::io::calibration_file> samples_;
  bitgauge::llama::config sizes_;
  std::vector<bitgauge::llama::token> tokens_;
  bitgauge::index_t context_ = 0;
  std::optional<bitgauge::llama::calibration> seen_;
};

}  // namespace program
