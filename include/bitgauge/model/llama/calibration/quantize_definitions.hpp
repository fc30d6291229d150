#pragma once

/// \file
/// What quantize.hpp declares.

#include <bitgauge/base/number_text.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/format.hpp>
#include <bitgauge/model/llama/calibration/divergence.hpp>
#include <bitgauge/model/llama/calibration/quantize.hpp>
#include <bitgauge/model/llama/load.hpp>
#include <bitgauge/model/llama/tensor_names.hpp>
#include <bitgauge/model/quantize_model.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bitgauge::llama {

BITGAUGE_DEFINE void put_in_order(quantization_plan& p, const calibration& seen) {
  std::stable_sort(p.tensors.begin(), p.tensors.end(), [&](const planned_tensor& a, const planned_tensor& b) {
    return seen.place_of(a.name) < seen.place_of(b.name);
  });
}

BITGAUGE_DEFINE std::vector<rule> keep_ends(const tensor_source& source, const std::string& why) {
  const tensor_names names = names_in(source);
  std::vector<rule> rules;
  for (const std::string& name : {names.embedding(), names.output()})
    rules.push_back({.names = name, .to = tensor_format::copy(), .why = why, .is_remarked = false});
  return rules;
}

namespace detail {

/// Feeds what tensors become back into the calibration, and measures after each block.
class block_feedback {
 public:
  block_feedback(const tensor_source& source, const quantization_plan& p, calibration& seen,
                 const quantize_options& o, int threads)
      : seen_(seen) {
    for (const planned_tensor& row : p.tensors) {
      rows_[row.name] = row.rows;
      if (const auto block = seen.block_of(row.name); block && !row.is_copied()) last_[*block] = row.name;
    }
    if (o.divergence_windows > 0 && !last_.empty())
      divergence_.emplace(source, seen.settings(), seen.states_before(0), o.divergence_windows, threads);
  }

  void take(const std::string& tensor, index_t first, const row_matrix& values) {
    if (!seen_.columns(tensor)) return;
    if (first == 0) values_.resize(rows_.at(tensor), values.cols());
    values_.middleRows(first, values.rows()) = values;
  }
  /// All of a tensor is there.
  void finish(tensor_report& row, bool is_new) {
    if (seen_.columns(row.name)) seen_.replace(row.name, std::exchange(values_, {}));
    const auto block = seen_.block_of(row.name);
    if (!divergence_ || !is_new || !block || last_.at(*block) != row.name) return;
    const double bits = divergence_->of(seen_.states_before(*block + 1), *block + 1);
    row.notes.push_back("divergence up to this block " + bitgauge::detail::general_text(bits, 3) +
                        " bits a token, " + std::to_string(divergence_->windows()) + " windows");
  }

 private:
  calibration& seen_;
  row_matrix values_;
  std::unordered_map<std::string, index_t> rows_;
  std::unordered_map<index_t, std::string> last_;  // of the tensors of a block that are quantized
  std::optional<divergence> divergence_;
};

}  // namespace detail

BITGAUGE_DEFINE model_report quantize(const tensor_source& source, quantization_plan p, tensor_sink& sink,
                                      calibration& seen, model_options o, const quantize_options& how) {
  put_in_order(p, seen);
  o.calibration = &seen;
  detail::block_feedback feedback(source, p, seen, how, o.threads);
  const auto restored = o.restored;
  o.restored = [&](const std::string& tensor, index_t first, const row_matrix& values) {
    if (restored) restored(tensor, first, values);
    feedback.take(tensor, first, values);
  };
  const auto reported = o.reported;
  o.reported = [&](tensor_report& row, bool is_new) {
    feedback.finish(row, is_new);
    if (reported) reported(row, is_new);
  };
  return quantize_model(source, p, sink, o);
}

}  // namespace bitgauge::llama
