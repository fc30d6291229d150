#pragma once

/// \file
/// A llama from the tensors of a source, each in the format that it has there.

#include <bitgauge/base/config.hpp>
#include <bitgauge/layer/activation.hpp>
#include <bitgauge/model/llama/block.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/model/llama/embedding.hpp>
#include <bitgauge/model/llama/model.hpp>
#include <bitgauge/model/llama/output_head.hpp>
#include <bitgauge/model/llama/tensor_names.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>

#include <cstddef>
#include <optional>

namespace bitgauge::llama {

/// How the matrices of a model are to be multiplied.
struct load_options {
  /// What makes 8-bit codes of the inputs of every quantized matrix; none: as its tensor says, else floats.
  std::optional<activation_quantizer> activations{};
  int threads = 0;  ///< at most; 0: as many as parallel_for likes
};

/// The names that the tensors of a source have: those of GGUF, or of Hugging Face's files.
inline tensor_names names_in(const tensor_source& source) {
  const tensor_names gguf(tensor_names::convention::gguf);
  for (std::size_t i = 0; i < source.tensor_count(); ++i)
    if (source.info(i).name == gguf.embedding()) return gguf;
  return tensor_names(tensor_names::convention::hugging_face);
}

/// The parts of a llama one by one, for models of which not all is to be in memory; errors as of load().
BITGAUGE_DECLARE embedding load_embedding(const tensor_source& source, const config& c);
BITGAUGE_DECLARE block load_block(const tensor_source& source, const config& c, index_t layer,
                                  const load_options& o = {});
BITGAUGE_DECLARE output_head load_output(const tensor_source& source, const config& c,
                                         const load_options& o = {});
/// `c` with the factors of frequencies that the source has, checked, and with it the names and shapes of all tensors,
/// of which none is read. Raises data_error for sizes that cannot be, else what load() raises.
BITGAUGE_DECLARE config complete(const tensor_source& source, config c);

/// Reads a llama whose tensors have the names of GGUF or of Hugging Face's files, each matrix packed for products
/// in its format: floats, codes of any scheme, or blocks of ggml. The embedding serves as the output where there
/// is no other. Raises data_error for a tensor that is missing and sizes that cannot be, shape_error for a tensor
/// of another shape; both name it.
BITGAUGE_DECLARE model load(const tensor_source& source, const config& c, const load_options& o = {});

}  // namespace bitgauge::llama

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/model/llama/load_definitions.hpp>
#endif
