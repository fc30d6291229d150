#pragma once

/// \file
/// A llama quantized block after block, each matrix by what it sees behind those that are quantized already.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/row_matrix.hpp>
#include <bitgauge/model/format.hpp>
#include <bitgauge/model/llama/calibration.hpp>
#include <bitgauge/model/llama/load.hpp>
#include <bitgauge/model/llama/tensor_names.hpp>
#include <bitgauge/model/model_options.hpp>
#include <bitgauge/model/plan.hpp>
#include <bitgauge/model/quantize_model.hpp>
#include <bitgauge/model/report.hpp>
#include <bitgauge/model/rule.hpp>
#include <bitgauge/model/tensor_sink.hpp>
#include <bitgauge/model/tensor_source.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge::llama {

/// Puts the tensors of a plan in the order in which inputs reach them; those that calibration does not know come
/// first, in their order.
inline void put_in_order(quantization_plan& p, const calibration& seen) {
  std::stable_sort(p.tensors.begin(), p.tensors.end(), [&](const planned_tensor& a, const planned_tensor& b) {
    return seen.place_of(a.name) < seen.place_of(b.name);
  });
}

/// Rules that copy the embedding and the output, which a model's quality hangs on most and which take little of its
/// bytes; to stand before what is to become of the other matrices. `why` is said of both in the plan.
inline std::vector<rule> keep_ends(const tensor_source& source, const std::string& why = {}) {
  const tensor_names names = names_in(source);
  std::vector<rule> rules;
  for (const std::string& name : {names.embedding(), names.output()})
    rules.push_back({.names = name, .to = tensor_format::copy(), .why = why, .is_remarked = false});
  return rules;
}

/// Does what a plan says, as quantize_model() does, with Hessians and statistics from `seen`, whose matrices become
/// those that are written. `p` is to have been made with `seen` as its calibration.
///
///     const io::tensor_file file("model.gguf");
///     llama::calibration seen(file, io::llama_config(file), tokens);
///     quantization_plan p = plan(file, parse_format("q4_k:rounding=gptq"), {.calibration = &seen});
///     llama::quantize(file, p, *io::open_sink("q.gguf", file), seen);
///
/// The inputs of matrices are computed in floats, whatever the plan says of activations. Memory: that of
/// `seen`, and of quantize_model() for one tensor.
inline model_report quantize(const tensor_source& source, quantization_plan p, tensor_sink& sink,
                             calibration& seen, model_options o = {}) {
  put_in_order(p, seen);
  o.calibration = &seen;
  std::string current;
  row_matrix values;
  const auto finish = [&] {
    if (!current.empty()) seen.replace(std::exchange(current, {}), std::exchange(values, {}));
  };
  const auto restored = o.restored;
  o.restored = [&](const std::string& tensor, index_t first, const row_matrix& rows) {
    if (restored) restored(tensor, first, rows);
    const auto columns = seen.columns(tensor);
    if (!columns) return;
    if (tensor != current) finish();
    current = tensor;
    const index_t before = first == 0 ? 0 : values.rows();
    values.conservativeResize(before + rows.rows(), rows.cols());
    values.bottomRows(rows.rows()) = rows;
  };
  const auto progress = o.progress;
  o.progress = [&](const model_progress& now) {
    if (now.between_tensors) finish();  // the next one sees it
    if (progress) progress(now);
  };
  return quantize_model(source, p, sink, o);
}

}  // namespace bitgauge::llama
