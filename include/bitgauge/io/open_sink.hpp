#pragma once

/// \file
/// A file to put a model in, its container chosen by the ending of its name.

#include <bitgauge/error.hpp>
#include <bitgauge/io/gguf/sink.hpp>
#include <bitgauge/io/safetensors/sink.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/model/tensors/tensor_sink.hpp>

#include <filesystem>
#include <memory>
#include <system_error>

namespace bitgauge::io {

/// Opens a file for the tensors of a model, .safetensors or .gguf. Whatever is written, the file appears on
/// commit(), whole or not at all. Raises io_error for another ending and where no file can be created there.
inline std::unique_ptr<tensor_sink> open_sink(const std::filesystem::path& path) {
  if (path.string().ends_with(".safetensors")) return std::make_unique<safetensors_sink>(path);
  if (path.string().ends_with(".gguf")) return std::make_unique<gguf_sink>(path);
  raise(io_error(path.string() + ": expected an output ending in .safetensors or .gguf"));
}

/// The same with what `source` says beside its tensors taken over: metadata keep their types on the way from
/// a GGUF through a .safetensors and back. Raises data_error for what the container cannot hold, and io_error
/// where `path` is the source itself, whose weights would be lost.
inline std::unique_ptr<tensor_sink> open_sink(const std::filesystem::path& path, const tensor_file& source) {
  std::error_code ignored;
  if (std::filesystem::equivalent(path, source.path(), ignored))
    raise(io_error(
        path.string() +
        ": expected an output beside the input, found the input itself, whose weights would be lost"));
  if (path.string().ends_with(".safetensors")) {
    auto sink = std::make_unique<safetensors_sink>(path);
    sink->set_metadata(source.texts());
    return sink;
  }
  if (path.string().ends_with(".gguf")) {
    auto sink = std::make_unique<gguf_sink>(path);
    sink->set_metadata(source.metadata());
    return sink;
  }
  return open_sink(path);  // raises
}

}  // namespace bitgauge::io
