#pragma once

/// \file
/// What the matrices of a llama see while it is quantized, block after block.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/fingerprint.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/llama/attention/kv_cache.hpp>
#include <bitgauge/model/llama/attention/rope.hpp>
#include <bitgauge/model/llama/block.hpp>
#include <bitgauge/model/llama/load.hpp>
#include <bitgauge/model/llama/output_head.hpp>
#include <bitgauge/model/llama/tensor_names.hpp>
#include <bitgauge/model/tensors/calibration_source.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>
#include <bitgauge/rounding/hessian.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bitgauge::llama {

/// Tokens that calibration is gathered from.
struct calibration_options {
  index_t context = 256;  ///< tokens of a window, each from an empty cache
  index_t windows = 0;    ///< at most; 0: all that the tokens have
  int threads = 0;
};

/// The windows that so many tokens have. Raises shape_error where there is none.
inline index_t windows_of(index_t tokens, const calibration_options& o) {
  const index_t all = o.context > 0 ? tokens / o.context : 0;
  if (all < 1)
    bitgauge::detail::raise_message<shape_error>(
        {"calibration: expected at least ", o.context, " tokens, those of a window, found ", tokens});
  return o.windows > 0 ? std::min(o.windows, all) : all;
}
/// The tokens of one of them.
inline std::span<const token> window(std::span<const token> tokens, index_t w, const calibration_options& o) {
  return tokens.subspan(static_cast<std::size_t>(w * o.context), static_cast<std::size_t>(o.context));
}

/// Hessians of the inputs of a llama's matrices, from tokens that go through it in windows. The inputs of a matrix
/// come from the matrices before it as they are by then, those that have been replaced by quantized ones included:
///
///     llama::calibration seen(source, config, tokens);
///     for (const std::string& name : seen.order()) {
///       const hessian h = *seen.hessian_of(name, 0);
///       seen.replace(name, quantize(W, gguf::q4_k{}, gptq{h}).dequantize<row_matrix>());
///     }
///
/// Matrices have to be asked for in order(), half a block after the other (attention, the network): a half that is
/// left is not returned to. Memory: the hidden states of all tokens, the inputs of some windows, one block in floats,
/// and one Hessian. Cost: tokens go through half a block up to each of its matrices, which is some 2 times as much
/// as through the model once.
class calibration final : public calibration_source {
 public:
  /// `source` must live as long as this. Raises shape_error where there is no window, data_error for a token outside
  /// of the vocabulary, else what load_embedding() does.
  calibration(const tensor_source& source, const config& c, std::span<const token> tokens,
              const calibration_options& o = {})
      : source_(source),
        config_(complete(source, c)),
        positions_(config_),
        options_(o),
        names_(names_in(source)),
        name_("calibration tokens") {
    const index_t count = windows_of(static_cast<index_t>(tokens.size()), o);
    fingerprint_ = fingerprint_of(tokens.first(static_cast<std::size_t>(count * o.context)));
    const embedding start = load_embedding(source, config_);
    for (index_t w = 0; w < count; ++w) states_.push_back(start.embed(window(tokens, w, o)));
    for (index_t l = 0; l < config_.layers; ++l)
      for (std::size_t i = 0; i < std::size(block_matrices); ++i)
        add(names_.matrix(l, static_cast<matrix_of>(i)), l, static_cast<matrix_of>(i));
    add(names_.output(), config_.layers, matrix_of::output);
  }

  /// The names of all matrices in the order in which inputs reach them; the last is that of the output.
  const std::vector<std::string>& order() const noexcept { return order_; }
  /// The place of a tensor in order(), or none.
  std::optional<std::size_t> place_of(const std::string& tensor) const {
    const auto found = std::find(order_.begin(), order_.end(), tensor);
    return found == order_.end() ? std::nullopt : std::optional<std::size_t>(found - order_.begin());
  }

  /// Puts the weights that a matrix has got into its place; other tensors change nothing.
  void replace(const std::string& tensor, const row_matrix& weights) {
    const auto found = places_.find(tensor);
    if (found == places_.end() || found->second.layer == config_.layers) return;
    reach(tensor, found->second);
    projection& matrix = block_->matrices[static_cast<std::size_t>(found->second.which)];
    matrix = matrix.with_weights(weights, options_.threads);
  }

  /// The block of a tensor; none for the output and for what is no matrix of a block.
  std::optional<index_t> block_of(const std::string& tensor) const {
    const auto found = places_.find(tensor);
    if (found == places_.end() || found->second.layer == config_.layers) return std::nullopt;
    return found->second.layer;
  }
  /// The hidden states of the windows before block `layer`, for which blocks before it are left; of all layers
  /// those after the last.
  const std::vector<row_matrix>& states_before(index_t layer) {
    pass_up_to(2 * layer);
    return states_;
  }
  const config& settings() const noexcept { return config_; }

  // --- calibration_source ---

  const std::string& source_name() const override { return name_; }
  std::optional<index_t> columns(const std::string& tensor) const override {
    const auto found = places_.find(tensor);
    if (found == places_.end()) return std::nullopt;
    if (found->second.layer == config_.layers || found->second.which == matrix_of::query)
      return config_.width;
    if (found->second.which == matrix_of::output) return config_.query_width();
    return found->second.which == matrix_of::down ? config_.feed_forward : config_.width;
  }
  /// None: they are not kept.
  std::optional<row_matrix> samples(const std::string&) const override { return std::nullopt; }
  std::optional<hessian> hessian_of(const std::string& tensor, int) const override {
    const seen* inputs = inputs_of(tensor);
    return inputs == nullptr ? std::nullopt : std::optional(inputs->h);
  }
  std::optional<activation_stats> stats_of(const std::string& tensor) const override {
    const seen* inputs = inputs_of(tensor);
    return inputs == nullptr ? std::nullopt : std::optional(inputs->stats);
  }
  /// Of the tokens, the length of windows, and the sizes and constants of the model.
  std::uint64_t fingerprint() const override { return fingerprint_; }

 private:
  struct place {
    index_t layer;
    matrix_of which;
    bool operator==(const place&) const = default;
  };
  /// What is known of the inputs of some matrices.
  struct seen {
    place at;
    hessian h;
    activation_stats stats;
  };

  std::uint64_t fingerprint_of(std::span<const token> read) const {
    bitgauge::detail::fingerprint sum;
    sum.add(std::as_bytes(read)).add(options_.context);
    const config& c = config_;
    for (const index_t size :
         {c.vocabulary, c.width, c.layers, c.heads, c.key_heads, c.head_size, c.feed_forward, c.rope_size})
      sum.add(size);
    sum.add(c.norm_epsilon).add(c.rotated).add(c.rope_base).add(c.rope_scale);
    return sum.add(std::as_bytes(std::span(c.rope_factors))).value();
  }

  const seen* inputs_of(const std::string& tensor) const {
    const auto found = places_.find(tensor);
    if (found == places_.end()) return nullptr;
    const place at{found->second.layer, first_of_inputs(found->second.which)};
    reach(tensor, at);
    if (!latest_ || latest_->at != at) gather(at, *columns(tensor));
    return &*latest_;
  }

  void add(const std::string& name, index_t layer, matrix_of which) {
    order_.push_back(name);
    places_.emplace(name, place{layer, which});
  }
  /// The first of the matrices that have the same inputs.
  static matrix_of first_of_inputs(matrix_of which) {
    if (which == matrix_of::key || which == matrix_of::value) return matrix_of::query;
    return which == matrix_of::up ? matrix_of::gate : which;
  }

  /// True for the matrices of the second half of a block.
  static bool is_in_network(matrix_of which) {
    return which == matrix_of::gate || which == matrix_of::up || which == matrix_of::down;
  }
  /// Brings the hidden states to the half of a block that a matrix is in.
  void reach(const std::string& tensor, const place& at) const {
    const bool is_output = at.layer == config_.layers;
    const index_t half = 2 * at.layer + (!is_output && is_in_network(at.which) ? 1 : 0);
    if (half < half_)
      bitgauge::detail::raise_message<data_error>(
          {name_, ": tensor ", tensor,
           ": expected matrices in the order of the model, found one that is past"});
    pass_up_to(half);
    if (!is_output) load();
  }
  void pass_up_to(index_t half) const {
    for (; half_ < half; ++half_) {
      load();
      for_each_window(0, windows(), [&](index_t w) { pass(states_[static_cast<std::size_t>(w)], {}); });
      if (half_ % 2 == 1) block_.reset();
    }
  }
  void load() const {
    if (!block_)
      block_ = load_block(source_, config_, half_ / 2, {.activations = {}, .threads = options_.threads});
  }
  index_t windows() const { return static_cast<index_t>(states_.size()); }
  /// Windows know nothing of each other: threads take whole ones.
  template <class Body>
  void for_each_window(index_t first, index_t end, const Body& body) const {
    parallel_for(end - first, options_.threads, [&](index_t i) { body(first + i); });
  }
  /// Hidden states through the half that all have been brought to.
  void pass(row_matrix& x, const input_observer& observe) const {
    if (half_ % 2 == 1) return static_cast<void>(forward_network(*block_, config_, 0, x, observe));
    kv_cache cache(config_, x.rows(), {}, 1);
    forward_attention(*block_, config_, positions_, 0, x, cache, observe, options_.threads);
  }
  /// What a matrix of that half sees of hidden states.
  row_matrix inputs_in_half(matrix_of which, row_matrix x) const {
    row_matrix inputs;
    pass(x, [&](index_t, matrix_of where, const row_matrix& inputs_here) {
      if (where == which) inputs = inputs_here;
      return where != which;
    });
    return inputs;
  }

  void gather(const place& at, index_t inputs) const {
    seen all{at, hessian(inputs), activation_stats(inputs)};
    std::optional<output_head> head;
    if (at.layer == config_.layers)
      head = load_output(source_, config_, {.activations = {}, .threads = options_.threads});
    constexpr index_t at_once = 8;
    std::vector<row_matrix> found(static_cast<std::size_t>(at_once));
    for (index_t first = 0; first < windows(); first += at_once) {
      const index_t end = std::min(first + at_once, windows());
      for_each_window(first, end, [&](index_t w) {
        const row_matrix& x = states_[static_cast<std::size_t>(w)];
        found[static_cast<std::size_t>(w - first)] =
            head ? head->normalized(x, config_.norm_epsilon) : inputs_in_half(at.which, x);
      });
      for (index_t w = first; w < end; ++w) {  // in their order, whatever the threads did
        all.h.accumulate(found[static_cast<std::size_t>(w - first)], {}, options_.threads);
        all.stats.observe(found[static_cast<std::size_t>(w - first)]);
      }
    }
    latest_ = std::move(all);
  }

  const tensor_source& source_;
  config config_;
  rope positions_;
  calibration_options options_;
  tensor_names names_;
  std::string name_;
  std::uint64_t fingerprint_ = 0;
  std::vector<std::string> order_;
  std::unordered_map<std::string, place> places_;
  // what is known depends on what has been asked for
  mutable std::vector<row_matrix> states_;  // of each window, before half_
  mutable index_t half_ = 0;                // of blocks, counted over all of them
  mutable std::optional<block> block_;      // that of half_, once needed
  mutable std::optional<seen> latest_;
};

}  // namespace bitgauge::llama
