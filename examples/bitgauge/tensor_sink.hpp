#pragma once

// Where results go: a container, chosen by the ending of its name. Everything is declared first, then written
// in the same order, then committed; until then no file appears.

#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/io/gguf/writer.hpp>
#include <bitgauge/io/safetensors/quantized.hpp>
#include <bitgauge/io/safetensors/writer.hpp>
#include <bitgauge/io/tensor_file.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace program {

class tensor_sink {
 public:
  virtual ~tensor_sink() = default;

  /// Takes over what `source` says beside its tensors.
  virtual void take_metadata(const bitgauge::io::tensor_file& source) = 0;
  /// Says what type was asked for, where a fallback may stand in for it. Call before the declarations.
  virtual void set_main_type(bitgauge::gguf::tensor_type) {}
  /// Declares a tensor that is copied as it is. Throws where this container cannot hold it.
  virtual void declare_copy(const bitgauge::io::stored_tensor& tensor) = 0;
  /// Declares a tensor of floats.
  virtual void declare_floats(const std::string& name, const std::vector<std::uint64_t>& shape) = 0;
  virtual void declare_quantized(const bitgauge::io::quantized_entry& entry) = 0;
  virtual void declare_blocks(const std::string& name, bitgauge::gguf::tensor_type type,
                              const std::vector<std::uint64_t>& shape) = 0;
  /// Ends the declarations.
  virtual void begin() {}

  virtual void copy(const bitgauge::io::tensor_file& source, const bitgauge::io::stored_tensor& tensor) = 0;
  virtual void write(const std::string& name, const bitgauge::io::tensor_file::float_matrix& values) = 0;
  /// The next rows of a quantized tensor, in order, as quantize_in_parts() hands them out, ...
  virtual void write(const std::string& name, const bitgauge::quantized_matrix& part) = 0;
  /// ... and what follows the last of them.
  virtual void write(const std::string& name, const bitgauge::matrix_parameters& groups,
                     const std::vector<float>& levels) = 0;
  /// The next rows of a tensor of blocks.
  virtual void write(const std::string& name, const bitgauge::gguf::block_matrix& part) = 0;
  virtual void commit() = 0;
};

/// Throws io_error for an ending that is not .safetensors or .gguf.
std::unique_ptr<tensor_sink> open_sink(const std::string& path);

}  // namespace program
