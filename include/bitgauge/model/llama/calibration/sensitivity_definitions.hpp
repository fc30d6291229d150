#pragma once

/// \file
/// What sensitivity.hpp declares.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/model/budget/sensitivity.hpp>
#include <bitgauge/model/llama/attention/kv_cache.hpp>
#include <bitgauge/model/llama/calibration/sensitivity.hpp>
#include <bitgauge/model/llama/embedding.hpp>
#include <bitgauge/model/llama/load.hpp>
#include <bitgauge/model/log_probabilities.hpp>
#include <bitgauge/model/quantize_tensor.hpp>
#include <bitgauge/transform/transform.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge::llama {

BITGAUGE_DEFINE single_replacement::single_replacement(const tensor_source& source, const config& c,
                                                       std::span<const token> tokens,
                                                       const divergence_options& o)
    : config_(complete(source, c)), positions_(config_), names_(names_in(source)), options_(o) {
  const auto count = static_cast<index_t>(tokens.size());
  const index_t there = o.context > 0 ? count / o.context : 0;
  const index_t windows = o.windows > 0 ? std::min(o.windows, there) : there;
  if (windows < 1)
    bitgauge::detail::raise_message<shape_error>(
        {"divergence: expected at least ", o.context, " tokens, those of a window, found ", count});
  const load_options how{.activations = {}, .threads = o.threads};
  for (index_t l = 0; l < config_.layers; ++l) blocks_.push_back(load_block(source, config_, l, how));
  output_ = load_output(source, config_, how);
  const embedding start = load_embedding(source, config_);
  is_tied_ = true;
  for (std::size_t i = 0; i < source.tensor_count(); ++i)
    is_tied_ = is_tied_ && source.info(i).name != names_.output();
  for (index_t w = 0; w < windows; ++w) {
    tokens_.push_back(tokens.subspan(static_cast<std::size_t>(w * there / windows * o.context),
                                     static_cast<std::size_t>(o.context)));
    states_.push_back(start.embed(tokens_.back()));
    row_matrix x = states_.back();
    logits_.push_back(finish(0, x));
  }
}

template <class States>
double single_replacement::mean(const States& states, index_t layer) const {
  double sum = 0;
  for (std::size_t w = 0; w < tokens_.size(); ++w) {
    row_matrix x = states(w);
    const row_matrix logits = finish(layer, x);
    std::vector<double> apart(static_cast<std::size_t>(logits.rows()));
    parallel_for(logits.rows(), options_.threads, [&](index_t t) {
      std::vector<double> p, q;
      bitgauge::detail::log_probabilities(logits_[w].row(t).data(), logits.cols(), p);
      bitgauge::detail::log_probabilities(logits.row(t).data(), logits.cols(), q);
      apart[static_cast<std::size_t>(t)] = bitgauge::detail::divergence_of(p, q);
    });
    for (const double each : apart) sum += each / static_cast<double>(logits.rows());
  }
  return sum / static_cast<double>(tokens_.size());
}

BITGAUGE_DEFINE double single_replacement::divergence(const std::string& tensor, row_matrix weights) {
  if (tensor == names_.embedding()) {
    std::optional<projection> kept;
    if (is_tied_)
      kept = std::exchange(output_.matrix, output_.matrix.with_weights(weights, options_.threads));
    const embedding start(std::move(weights));
    const double found = mean([&](std::size_t w) { return start.embed(tokens_[w]); }, 0);
    if (kept) output_.matrix = *std::move(kept);
    return found;
  }
  projection* matrix = find(tensor);
  if (matrix == nullptr) return 0;
  const projection kept = std::exchange(*matrix, matrix->with_weights(weights, options_.threads));
  const double found = mean([&](std::size_t w) { return states_[w]; }, layer_);
  *matrix = kept;
  return found;
}

BITGAUGE_DEFINE projection* single_replacement::find(const std::string& tensor) {
  if (tensor == names_.output()) return reach(config_.layers), &output_.matrix;
  for (index_t l = 0; l < config_.layers; ++l)
    for (std::size_t i = 0; i < std::size(block_matrices); ++i)
      if (tensor == names_.matrix(l, static_cast<matrix_of>(i))) {
        if (l < layer_)
          bitgauge::detail::raise_message<data_error>(
              {"divergence: tensor ", tensor,
               ": expected matrices in the order of the model, found one that is past"});
        return reach(l), &blocks_[static_cast<std::size_t>(l)].matrices[i];
      }
  return nullptr;
}

BITGAUGE_DEFINE void single_replacement::reach(index_t layer) {
  for (; layer_ < layer; ++layer_)
    for (row_matrix& x : states_) pass(layer_, x);
}

BITGAUGE_DEFINE void single_replacement::pass(index_t layer, row_matrix& x) const {
  forward_alone(blocks_[static_cast<std::size_t>(layer)], config_, positions_, x, {}, options_.threads);
}

BITGAUGE_DEFINE row_matrix single_replacement::finish(index_t layer, row_matrix& x) const {
  for (; layer < config_.layers; ++layer) pass(layer, x);
  return output_.logits(x, config_.norm_epsilon);
}

BITGAUGE_DEFINE void put_in_order(model_candidates& all, const calibration& seen) {
  std::stable_sort(all.tensors.begin(), all.tensors.end(),
                   [&](const tensor_candidates& a, const tensor_candidates& b) {
                     return seen.place_of(a.first().name) < seen.place_of(b.first().name);
                   });
}

BITGAUGE_DEFINE void measure_divergence(const tensor_source& source, const config& c,
                                        std::span<const token> tokens, const calibration& seen,
                                        model_candidates& all, const divergence_options& d,
                                        const model_options& o) {
  put_in_order(all, seen);
  single_replacement measured(source, c, tokens, d);
  bitgauge::detail::for_each_candidate(all, o, [&](candidate& each) {
    row_matrix values(each.plan.rows, each.plan.cols);
    const bool asks_for_inputs = each.plan.to.feeds_back() || (each.plan.entry && each.plan.entry->transform);
    model_options how{
        .threads = o.threads, .on_nonfinite = o.on_nonfinite, .bound_inputs = 0, .cancel = o.cancel};
    if (asks_for_inputs) how.calibration = &seen;  // else tokens need not go through all of them
    how.restored = [&](const std::string&, index_t first, const row_matrix& rows) {
      values.middleRows(first, rows.rows()) = rows;
    };
    bitgauge::detail::no_sink nothing;
    quantize_tensor(source, each.plan, nothing, how);
    each.cost = measured.divergence(each.plan.name, std::move(values));
  });
}

}  // namespace bitgauge::llama
