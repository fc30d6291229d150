#pragma once

/// \file
/// Llamas from files: GGUF, or .safetensors with the config.json beside it.

#include <bitgauge/base/config.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/model/llama/load.hpp>
#include <bitgauge/model/llama/model.hpp>
#include <bitgauge/model/llama/vocabulary.hpp>

#include <filesystem>

namespace bitgauge::io {

/// The sizes of the llama in a file: from the metadata of a .gguf, or from the config.json beside a .safetensors
/// or its index. Raises data_error, naming file and key, where something is missing or is no llama.
BITGAUGE_DECLARE llama::config llama_config(const tensor_file& file);

/// The vocabulary of the llama in a file: the SentencePiece pieces of a .gguf. A .safetensors holds none: the 260
/// tokens of bytes are taken where there are as many. Raises data_error, naming file and key, for another kind.
BITGAUGE_DECLARE llama::vocabulary llama_vocabulary(const tensor_file& file);

/// A llama, every matrix in the format that it has in the file.
///
///     const llama::model m = io::load_llama("model.gguf");
///     llama::kv_cache cache(m.settings(), m.settings().context);
///     const row_matrix logits = m.forward(tokens, cache);
///
/// Raises what reading the file raises, and what llama_config() and llama::load() do.
BITGAUGE_DECLARE llama::model load_llama(const std::filesystem::path& path,
                                         const llama::load_options& o = {});

}  // namespace bitgauge::io

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/io/model/llama_definitions.hpp>
#endif
