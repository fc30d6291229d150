#pragma once

/// \file
/// A llama quantized block after block, each matrix by what it sees behind those that are quantized already.

#include <bitgauge/base/config.hpp>
#include <bitgauge/model/llama/calibration/calibration.hpp>
#include <bitgauge/model/plan/model_options.hpp>
#include <bitgauge/model/plan/plan.hpp>
#include <bitgauge/model/plan/rule.hpp>
#include <bitgauge/model/report.hpp>
#include <bitgauge/model/tensors/tensor_sink.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>

#include <string>
#include <vector>

namespace bitgauge::llama {

/// Puts the tensors of a plan in the order in which inputs reach them; those that calibration does not know come
/// first, in their order.
BITGAUGE_DECLARE void put_in_order(quantization_plan& p, const calibration& seen);

/// Rules that copy the embedding and the output, which a model's quality hangs on most and which take little of its
/// bytes; to stand before what is to become of the other matrices. `why` is said of both in the plan.
BITGAUGE_DECLARE std::vector<rule> keep_ends(const tensor_source& source, const std::string& why = {});

/// What is said of a model while it is quantized.
struct quantize_options {
  /// Windows of the calibration over which the divergence from the original is measured after each block; 0: not at
  /// all. See divergence for what it costs.
  index_t divergence_windows = 0;
};

/// Does what a plan says, as quantize_model() does, with Hessians and statistics from `seen`, whose matrices become
/// those that are written. `p` is to have been made with `seen` as its calibration.
///
///     const io::tensor_file file("model.gguf");
///     io::unfinished_run run("q.gguf");   // the same lines go on where they ended
///     llama::calibration seen(file, io::llama_config(file), tokens);
///     quantization_plan p = plan(file, parse_format("q4_k:rounding=gptq"), {.calibration = &seen});
///     llama::quantize(file, p, *io::open_sink("q.gguf", file), seen, {.finished = &run});
///
/// The inputs of matrices are computed in floats, whatever the plan says of activations. With
/// how.divergence_windows a note of the last tensor of each block says how far the model is from the original by then,
/// blocks behind it being original. Memory: that of `seen`, and of quantize_model() for one tensor.
BITGAUGE_DECLARE model_report quantize(const tensor_source& source, quantization_plan p, tensor_sink& sink,
                                       calibration& seen, model_options o = {},
                                       const quantize_options& how = {});

}  // namespace bitgauge::llama

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/model/llama/calibration/quantize_definitions.hpp>
#endif
