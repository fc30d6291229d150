#pragma once

/// \file
/// What the matrices of a llama see while it is quantized, block after block.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/model/calibration_source.hpp>
#include <bitgauge/model/llama/block.hpp>
#include <bitgauge/model/llama/kv_cache.hpp>
#include <bitgauge/model/llama/model.hpp>
#include <bitgauge/model/llama/tensor_names.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/transform/transform.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bitgauge::llama {

/// Hessians of the inputs of a llama's matrices, gathered from tokens that go through it in windows; the inputs of
/// a matrix come from those before it as they are by then, quantized ones included:
///
///     llama::calibration seen(model, names, tokens, {.context = 256});
///     for (const std::string& name : seen.order()) {
///       const hessian h = *seen.hessian_of(name);
///       seen.replace(name, quantize(W, q4_k{}, gptq{h}).dequantize());
///     }
///
/// Matrices have to be asked for in order(), block after block: once a block is left it is not returned to.
/// Memory: the hidden states of all tokens, and the Hessian of one matrix. Cost: each block is read up to each of
/// its matrices, 3 times as much as all tokens going through the model once.
class calibration final : public calibration_source {
 public:
  struct options {
    index_t context = 256;  ///< tokens of a window
    index_t windows = 0;    ///< at most; 0: all that the tokens have
    int threads = 0;
  };

  /// The model is changed by replace(), and must live as long as this. Raises shape_error where there is no window,
  /// data_error for a token outside of the vocabulary.
  calibration(model& m, tensor_names names, std::span<const token> tokens, const options& o)
      : model_(m), names_(names), options_(o), name_("calibration tokens") {
    const auto count = static_cast<index_t>(tokens.size());
    index_t windows = o.context > 0 ? count / o.context : 0;
    if (o.windows > 0) windows = std::min(windows, o.windows);
    if (windows < 1)
      bitgauge::detail::raise_message<shape_error>(
          {"calibration: expected at least ", o.context, " tokens, those of a window, found ", count});
    for (index_t w = 0; w < windows; ++w)
      states_.push_back(m.embed(
          tokens.subspan(static_cast<std::size_t>(w * o.context), static_cast<std::size_t>(o.context))));
    for (index_t l = 0; l < m.settings().layers; ++l)
      for (std::size_t i = 0; i < std::size(block_matrices); ++i)
        add(names.matrix(l, static_cast<matrix_of>(i)), l, static_cast<matrix_of>(i));
    add(names.output(), m.settings().layers, matrix_of::output);
  }

  /// The names of all matrices in the order in which inputs reach them; the last is the output.
  const std::vector<std::string>& order() const noexcept { return order_; }

  /// Puts the weights that a matrix has got into its place.
  void replace(const std::string& name, row_matrix weights) {
    const auto [layer, which] = places_.at(name);
    projection& p = layer == model_.settings().layers ? model_.parts().output : at(layer, which);
    p = p.with_weights(std::move(weights), options_.threads);
  }

  // --- calibration_source ---

  const std::string& source_name() const override { return name_; }
  std::optional<index_t> columns(const std::string& tensor) const override {
    const auto place = places_.find(tensor);
    if (place == places_.end()) return std::nullopt;
    const auto [layer, which] = place->second;
    return layer == model_.settings().layers
               ? model_.settings().width
               : model_.parts().blocks[static_cast<std::size_t>(layer)][which].inputs();
  }
  std::optional<row_matrix> samples(const std::string&) const override { return std::nullopt; }
  std::optional<hessian> hessian_of(const std::string& tensor, int) const override {
    const auto place = places_.find(tensor);
    if (place == places_.end()) return std::nullopt;
    const auto [layer, which] = place->second;
    if (layer < layer_)
      bitgauge::detail::raise_message<data_error>(
          {"calibration: ", tensor, ": expected matrices in the order of the model, found one that is past"});
    while (layer_ < layer) pass_block();
    const matrix_of first = first_of_inputs(which);
    if (!latest_ || latest_layer_ != layer || latest_first_ != first) gather(layer, first);
    return latest_;
  }

 private:
  void add(const std::string& name, index_t layer, matrix_of which) {
    order_.push_back(name);
    places_.emplace(name, std::pair(layer, which));
  }
  projection& at(index_t layer, matrix_of which) {
    return model_.parts().blocks[static_cast<std::size_t>(layer)].matrices[static_cast<std::size_t>(which)];
  }
  /// The first of the matrices that have the same inputs.
  static matrix_of first_of_inputs(matrix_of which) {
    if (which == matrix_of::key || which == matrix_of::value) return matrix_of::query;
    return which == matrix_of::up ? matrix_of::gate : which;
  }

  /// All hidden states go through the block that they are at.
  void pass_block() const {
    each_window([&](row_matrix& x) { forward_block(x, {}); });
    ++layer_;
  }
  bool forward_block(row_matrix& x, const input_observer& observe) const {
    kv_cache cache(model_.settings(), x.rows(), 1);
    return forward(model_.parts().blocks[static_cast<std::size_t>(layer_)], model_.settings(),
                   model_.positions(), 0, x, cache, observe, options_.threads);
  }
  template <class Action>
  void each_window(const Action& action) const {
    for (row_matrix& x : states_) action(x);
  }

  void gather(index_t layer, matrix_of first) const {
    const bool is_output = layer == model_.settings().layers;
    hessian h(is_output ? model_.settings().width
                        : model_.parts().blocks[static_cast<std::size_t>(layer)][first].inputs());
    each_window([&](const row_matrix& x) {
      if (is_output) return h.accumulate(model_.normalized(x), {}, options_.threads);
      row_matrix hidden = x;
      forward_block(hidden, [&](index_t, matrix_of which, const row_matrix& inputs) {
        if (which != first) return true;
        h.accumulate(inputs, {}, options_.threads);
        return false;
      });
    });
    latest_ = std::move(h);
    latest_layer_ = layer;
    latest_first_ = first;
  }

  model& model_;
  tensor_names names_;
  options options_;
  std::string name_;
  std::vector<std::string> order_;
  std::unordered_map<std::string, std::pair<index_t, matrix_of>> places_;
  // what is known depends on what was asked for
  mutable std::vector<row_matrix> states_;  // of each window, before block layer_
  mutable index_t layer_ = 0;
  mutable std::optional<hessian> latest_;
  mutable index_t latest_layer_ = -1;
  mutable matrix_of latest_first_ = matrix_of::query;
};

}  // namespace bitgauge::llama
