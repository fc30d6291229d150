#pragma once

/// \file
/// Saves quantized matrices under names, in one call: to a file, a stream or memory.

#include <bitgauge/base/config.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/trellis/trellis_matrix.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>

#include <cstddef>
#include <filesystem>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace bitgauge::io {

/// A matrix and the name it is saved under. Refers to the matrix, which must live until the call ends.
class named_matrix {
 public:
  named_matrix(std::string_view name, const quantized_matrix& matrix) : name_(name), codes_(&matrix) {}
  /// Codes of weights that a transform has rewritten.
  named_matrix(std::string_view name, const quantized_matrix& matrix, const stored_transform& transform)
      : name_(name), codes_(&matrix), transform_(&transform) {}
  named_matrix(std::string_view name, const gguf::block_matrix& matrix) : name_(name), blocks_(&matrix) {}
  named_matrix(std::string_view name, const trellis_matrix& matrix) : name_(name), levels_(&matrix) {}

  const std::string& name() const noexcept { return name_; }
  /// Two of the three are null.
  const quantized_matrix* codes() const noexcept { return codes_; }
  const gguf::block_matrix* blocks() const noexcept { return blocks_; }
  const trellis_matrix* levels() const noexcept { return levels_; }
  /// What has rewritten the weights, or null.
  const stored_transform* transform() const noexcept { return transform_; }

 private:
  std::string name_;
  const quantized_matrix* codes_ = nullptr;
  const gguf::block_matrix* blocks_ = nullptr;
  const trellis_matrix* levels_ = nullptr;
  const stored_transform* transform_ = nullptr;
};

/// Saves to a file: quantized matrices and levels of trellises to a .safetensors, as described in safetensors/description.hpp, ggml
/// blocks to a .gguf. load() is the way back; the program `bitgauge` reads both.
///
///     io::save("model.safetensors", {{"w", q}, {"v", p}});
///     io::save("model.safetensors", {{"w", q, transform}});   // of rewritten weights: a stored_transform
///
/// The file appears whole or not at all, and equal matrices give equal bytes. Raises invalid_scheme where the
/// ending is not the one that holds the matrices, data_error for a name that is given twice or is no UTF-8, shape_error for factors that do not fit the matrix,
/// io_error where the system refuses.
BITGAUGE_DECLARE void save(const std::filesystem::path& path, const std::vector<named_matrix>& matrices);

/// The same bytes to a stream that is open for bytes (std::ios::binary). Raises io_error where it fails.
BITGAUGE_DECLARE void save(std::ostream& stream, const std::vector<named_matrix>& matrices);

/// The same bytes in memory.
BITGAUGE_DECLARE std::vector<std::byte> saved_bytes(const std::vector<named_matrix>& matrices);

}  // namespace bitgauge::io

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/io/save_definitions.hpp>
#endif
