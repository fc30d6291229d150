#pragma once

/// \file
/// Where the tensors of a model go, one after another.

#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/matrix/codes/matrix_parameters.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/matrix/trellis/trellis_matrix.hpp>
#include <bitgauge/model/quantized_entry.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace bitgauge {

/// Takes the declarations of all tensors, begin(), then their data in the same order, then commit(). A file
/// (io::open_sink()) appears on commit(); until then nothing does.
class tensor_sink {
 public:
  virtual ~tensor_sink() = default;
  tensor_sink(const tensor_sink&) = delete;
  tensor_sink& operator=(const tensor_sink&) = delete;

  /// Says what type was asked for, where a fallback may stand in for it. Before the declarations.
  virtual void set_main_type(gguf::tensor_type) {}
  /// Declares a tensor that is copied as it is. Raises invalid_scheme where it cannot be held here.
  virtual void declare_copy(const tensor_info& tensor, const stored_tensor_data& data) = 0;
  /// Declares a tensor of 32-bit floats, restored from what was quantized.
  virtual void declare_floats(const std::string& name, const std::vector<std::uint64_t>& shape) = 0;
  /// Declares a tensor of codes and scales, or of levels of a trellis. Raises invalid_scheme where it cannot be held here.
  virtual void declare_codes(const quantized_entry& entry) = 0;
  /// Declares a tensor of blocks, or of the floats that ggml has. Raises invalid_scheme where it cannot be
  /// held here.
  virtual void declare_blocks(const std::string& name, gguf::tensor_type type,
                              const std::vector<std::uint64_t>& shape) = 0;
  /// Ends the declarations.
  virtual void begin() {}

  /// What declare_copy() declared.
  virtual void copy(const tensor_info& tensor, const stored_tensor_data& data) = 0;
  /// What declare_floats() declared.
  virtual void write(const std::string& name, const row_matrix& values) = 0;
  /// The next rows of a tensor of codes, in order, as quantize_in_parts() hands them out, ...
  virtual void write(const std::string& name, const quantized_matrix& part) = 0;
  /// ... and what follows the last of them.
  virtual void write(const std::string& name, const matrix_parameters& groups,
                     const std::vector<float>& levels) = 0;
  /// The factors of a tensor whose entry has a transform, after all else of it. Raises invalid_scheme where the
  /// sink keeps none.
  virtual void write(const std::string& name, const stored_transform&) {
    raise(
        invalid_scheme("tensor " + excerpt(name) + ": expected a sink that holds transforms, found another"));
  }
  /// A tensor of levels of a trellis, which an entry has declared. Raises invalid_scheme where the sink holds none.
  virtual void write(const std::string& name, const trellis_matrix&) {
    raise(invalid_scheme("tensor " + excerpt(name) +
                         ": expected a sink that holds levels of a trellis, found another"));
  }
  /// The next rows of a tensor of blocks.
  virtual void write(const std::string& name, const gguf::block_matrix& part) = 0;
  /// Makes the result appear. Raises shape_error where something declared is not written.
  virtual void commit() = 0;

 protected:
  tensor_sink() = default;
};

}  // namespace bitgauge
