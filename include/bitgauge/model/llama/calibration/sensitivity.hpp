#pragma once

/// \file
/// What each matrix of a llama costs in each format: how far its predictions are from the float model's where that
/// one matrix is replaced.

#include <bitgauge/base/config.hpp>
#include <bitgauge/model/budget/candidates.hpp>
#include <bitgauge/model/llama/attention/rope.hpp>
#include <bitgauge/model/llama/block.hpp>
#include <bitgauge/model/llama/calibration/calibration.hpp>
#include <bitgauge/model/llama/output_head.hpp>
#include <bitgauge/model/llama/tensor_names.hpp>
#include <bitgauge/model/plan/model_options.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>

#include <span>
#include <string>
#include <vector>

namespace bitgauge::llama {

/// Tokens that divergences are measured over.
struct divergence_options {
  index_t context = 256;  ///< tokens of a window, each from an empty cache
  index_t windows = 8;    ///< at most, spread over the tokens; 0: all that they have
  int threads = 0;
};

/// KL(model || model with one other matrix), in bits a token. Tensors have to be asked for in the order in which
/// inputs reach them, the embedding first. Memory: the model in floats, hidden states and logits of all windows.
class single_replacement {
 public:
  /// Raises shape_error where there is no window, else what load() raises and data_error for a token outside of the
  /// vocabulary.
  BITGAUGE_DECLARE single_replacement(const tensor_source& source, const config& c,
                                      std::span<const token> tokens, const divergence_options& o = {});

  /// With other weights of a tensor; 0 for one that is no part of the model.
  BITGAUGE_DECLARE double divergence(const std::string& tensor, row_matrix weights);

 private:
  /// A matrix of the model or null; hidden states are then those before its block.
  BITGAUGE_DECLARE projection* find(const std::string& tensor);
  BITGAUGE_DECLARE void reach(index_t layer);
  BITGAUGE_DECLARE void pass(index_t layer, row_matrix& x) const;
  /// The logits of hidden states before a block.
  BITGAUGE_DECLARE row_matrix finish(index_t layer, row_matrix& x) const;

  template <class States>
  double mean(const States& states, index_t layer) const;

  config config_;
  rope positions_;
  tensor_names names_;
  divergence_options options_;
  std::vector<block> blocks_;
  output_head output_;
  bool is_tied_ = false;
  std::vector<std::span<const token>> tokens_;  // of each window
  std::vector<row_matrix> states_, logits_;     // of each window: before block layer_, and at the end
  index_t layer_ = 0;
};

/// Puts tensors in the order in which inputs reach them; those that calibration does not know come first.
BITGAUGE_DECLARE void put_in_order(model_candidates& all, const calibration& seen);

/// Measures what every candidate costs: the divergence from the model as it is, KL(model || model with that one tensor
/// quantized), in bits a token over some windows of `tokens`. Costs of several tensors add up to that of all together
/// as far as errors are small and independent (Malinovskii et al. 2024), which no error of weights or outputs alone
/// tells. Hessians for rounding=gptq come from `seen`, of inputs in floats.
///
///     llama::calibration seen(file, sizes, tokens);
///     model_candidates all = candidates(file, rules, formats, {.calibration = &seen});
///     llama::measure_divergence(file, sizes, tokens, seen, all);
///     const budget_plan best = plan_within(all, bit_budget(3.5));
///
/// Puts the tensors of `all` in order. `seen` must be at its start, and is at its end then. Cost: for each tensor and
/// format, quantizing it and a pass of the windows from its block on. Memory: that of single_replacement and of `seen`.
/// Raises what those raise, and quantize_model().
BITGAUGE_DECLARE void measure_divergence(const tensor_source& source, const config& c,
                                         std::span<const token> tokens, const calibration& seen,
                                         model_candidates& all, const divergence_options& d = {},
                                         const model_options& o = {});

}  // namespace bitgauge::llama

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/model/llama/calibration/sensitivity_definitions.hpp>
#endif
