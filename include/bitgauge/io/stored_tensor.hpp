#pragma once

/// \file
/// A tensor as a file lists it.

#include <bitgauge/io/bytes/tensor_view.hpp>
#include <bitgauge/io/gguf/tensor.hpp>
#include <bitgauge/io/layers/weight_scales.hpp>
#include <bitgauge/model/quantized_entry.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>

namespace bitgauge::io {

/// What a file says of a tensor, and where it lies. One of the first three pointers says how it is stored.
struct stored_tensor : tensor_info {
  const tensor_view* plain = nullptr;          ///< plain numbers
  const quantized_entry* quantized = nullptr;  ///< codes, scales and zero points
  const gguf_tensor* blocks = nullptr;         ///< ggml's blocks
  const weight_scales* scales = nullptr;       ///< what plain 8-bit floats are multiplied by, where they are
};

}  // namespace bitgauge::io
