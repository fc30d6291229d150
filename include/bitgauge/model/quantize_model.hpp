#pragma once

/// \file
/// A whole model, tensor by tensor: each is read, quantized, measured and written before the next is touched.

#include <bitgauge/base/config.hpp>
#include <bitgauge/model/plan/model_options.hpp>
#include <bitgauge/model/plan/plan.hpp>
#include <bitgauge/model/report.hpp>
#include <bitgauge/model/tensors/tensor_sink.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>

namespace bitgauge {

/// Does what a plan says and returns what became of each tensor.
///
///     const io::tensor_file model("model.safetensors");
///     const quantization_plan p = plan(model, parse_format("q4_k"), {.fallbacks = {gguf::tensor_type::f16}});
///     const model_report done = quantize_model(model, p, *io::open_sink("model.gguf"));
///
/// The bytes of each tensor are those of quantize(W, format). Tensors go by one after the other, in the order
/// of the plan, each some rows at a time: p.peak_bytes() says what that takes. Where it fails or is cancelled
/// the sink is not committed: no file appears; with options.finished the next call goes on where this one ended.
/// Raises invalid_scheme, before anything is written, where the
/// sink cannot hold a format; data_error where the plan is of another source; cancelled; else what
/// quantize_tensor() and the sink raise.
BITGAUGE_DECLARE model_report quantize_model(const tensor_source& source, const quantization_plan& p,
                                             tensor_sink& sink, const model_options& options = {});

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/model/quantize_model_definitions.hpp>
#endif
