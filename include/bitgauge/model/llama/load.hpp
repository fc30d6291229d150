#pragma once

/// \file
/// A llama from the tensors of a source, each in the format that it has there.

#include <bitgauge/base/config.hpp>
#include <bitgauge/layer/activation.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/model/llama/model.hpp>
#include <bitgauge/model/tensor_source.hpp>

#include <optional>

namespace bitgauge::llama {

/// How the matrices of a model are to be multiplied.
struct load_options {
  /// What makes 8-bit codes of the inputs of every quantized matrix; none: as its tensor says, else floats.
  std::optional<activation_quantizer> activations{};
  int threads = 0;  ///< at most; 0: as many as parallel_for likes
};

/// Reads a llama whose tensors have the names of GGUF or of Hugging Face's files, each matrix packed for products
/// in its format: floats, codes of any scheme, or blocks of ggml. The embedding serves as the output where there
/// is no other. Raises data_error for a tensor that is missing and sizes that cannot be, shape_error for a tensor
/// of another shape; both name it.
BITGAUGE_DECLARE model load(const tensor_source& source, const config& c, const load_options& o = {});

}  // namespace bitgauge::llama

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/model/llama/load_definitions.hpp>
#endif
