#pragma once

/// \file
/// Loads quantized matrices that save() or the program `bitgauge` has written: from a file, a stream or
/// memory.

#include <bitgauge/base/config.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/trellis/trellis_matrix.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>

#include <concepts>
#include <cstddef>
#include <filesystem>
#include <istream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitgauge::io {

/// A matrix of a file and its name.
template <class Matrix>
struct loaded {
  std::string name;
  Matrix matrix;
};

/// The same with what has rewritten the weights before they were quantized, where something has.
struct loaded_layer {
  std::string name;
  quantized_matrix matrix;
  std::optional<stored_transform> transform{};
};

/// Matrices that can be loaded.
template <class Matrix>
concept loadable = std::same_as<Matrix, quantized_matrix> || std::same_as<Matrix, gguf::block_matrix> ||
                   std::same_as<Matrix, trellis_matrix>;

/// Loads one matrix by its name: a quantized_matrix from a .safetensors (or the index.json of shards), or,
/// where named, levels of a trellis from there or ggml blocks from a .gguf. Only that matrix is read.
///
///     auto q = io::load("model.safetensors", "w");
///     auto t = io::load<trellis_matrix>("model.safetensors", "t");
///     auto b = io::load<gguf::block_matrix>("model.gguf", "w");
///
/// Raises io_error where the file cannot be opened, parse_error where it is not what its format says,
/// data_error where it has no such matrix or one whose weights a transform has rewritten, invalid_scheme where
/// the ending is that of the other container, or .npy.
template <loadable Matrix = quantized_matrix>
Matrix load(const std::filesystem::path& path, std::string_view name);
/// The same from bytes in memory.
template <loadable Matrix = quantized_matrix>
Matrix load(std::span<const std::byte> bytes, std::string_view name);
/// The same from what is left of a stream, open for bytes; all of it is read.
template <loadable Matrix = quantized_matrix>
Matrix load(std::istream& stream, std::string_view name);

/// All quantized matrices of a file that are a Matrix, in its order.
template <loadable Matrix = quantized_matrix>
std::vector<loaded<Matrix>> load(const std::filesystem::path& path);
/// The same from bytes in memory.
template <loadable Matrix = quantized_matrix>
std::vector<loaded<Matrix>> load(std::span<const std::byte> bytes);
/// The same from what is left of a stream, open for bytes.
template <loadable Matrix = quantized_matrix>
std::vector<loaded<Matrix>> load(std::istream& stream);

/// All quantized matrices of a .safetensors with the transforms of those whose weights were rewritten, levels of a
/// trellis as expand() gives them:
///
///     for (const auto& [name, matrix, transform] : io::load_layers("model.safetensors"))
///       if (transform) Y = linear(matrix)(change_inputs(any_transform(*transform, matrix.cols()), X));
///
/// Raises what load() raises.
BITGAUGE_DECLARE std::vector<loaded_layer> load_layers(const std::filesystem::path& path);

}  // namespace bitgauge::io

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/io/load_definitions.hpp>
#endif
