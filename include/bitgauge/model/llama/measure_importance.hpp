#pragma once

/// \file
/// How much each input of a llama's matrices matters, from tokens.

#include <bitgauge/base/config.hpp>
#include <bitgauge/model/importance_sums.hpp>
#include <bitgauge/model/llama/block.hpp>
#include <bitgauge/model/llama/calibration.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/model/llama/kv_cache.hpp>
#include <bitgauge/model/llama/load.hpp>
#include <bitgauge/model/llama/rope.hpp>
#include <bitgauge/model/llama/tensor_names.hpp>
#include <bitgauge/model/tensor_source.hpp>

#include <cstddef>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <vector>

namespace bitgauge::llama {

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
  calibration windows(source, sizes, tokens, o);
  const config& c = windows.settings();
  std::vector<row_matrix> states = windows.states_before(0);
  const tensor_names names = names_in(source);
  const rope positions(c);
  const load_options as_floats{.activations = {}, .threads = o.threads};
  std::vector<importance_sums> all;
  const auto add = [](importance_sums& sums, const row_matrix& x) {
    if (sums.squares.size() == 0) sums.squares.setZero(x.cols());
    for (index_t t = 0; t < x.rows(); ++t) sums.squares += x.row(t).cast<double>().cwiseAbs2().transpose();
    sums.count += x.rows();
  };
  for (index_t l = 0; l < c.layers; ++l) {
    const block b = load_block(source, c, l, as_floats);
    const std::size_t first = all.size();
    for (std::size_t i = 0; i < std::size(block_matrices); ++i)
      all.push_back({names.matrix(l, static_cast<matrix_of>(i)), {}, 0});
    for (row_matrix& x : states) {
      kv_cache cache(c, x.rows(), {}, 1);
      forward(
          b, c, positions, 0, x, cache,
          [&](index_t, matrix_of which, const row_matrix& inputs) {
            add(all[first + static_cast<std::size_t>(which)], inputs);
            return true;
          },
          o.threads);
    }
    if (advance) advance(l + 1, c.layers);
  }
  for (std::size_t i = 0; i < source.tensor_count(); ++i) {
    if (source.info(i).name != names.output()) continue;
    const output_head head = load_output(source, c, as_floats);
    all.push_back({names.output(), {}, 0});
    for (const row_matrix& x : states) add(all.back(), head.normalized(x, c.norm_epsilon));
  }
  return all;
}

}  // namespace bitgauge::llama
