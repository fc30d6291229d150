#pragma once

/// \file
/// A tensor of a GGUF file, and the rules on its shape that reader and writer share.
/// Source: docs/gguf.md of ggml, and the limits of ggml's reader (gguf.cpp).

#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/io/bytes/little_endian.hpp>
#include <bitgauge/io/bytes/tensor_view.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bitgauge::io {

/// A tensor in blocks of its type: rows one after another, each a whole number of blocks.
struct gguf_tensor {
  std::string name;
  gguf::tensor_type type = gguf::tensor_type::f32;
  std::vector<std::uint64_t> dimensions;  ///< fastest first: columns, rows, ...
  std::span<const std::byte> data;        ///< the blocks, mapped, without padding
  std::uint64_t offset = 0;               ///< of the data, from the start of the data section

  /// Elements of a row.
  std::uint64_t columns() const noexcept { return dimensions.empty() ? 1 : dimensions.front(); }
  /// Rows: the product of all dimensions but the first.
  std::uint64_t rows() const noexcept {
    std::uint64_t product = 1;
    for (std::size_t i = 1; i < dimensions.size(); ++i) product *= dimensions[i];
    return product;
  }
  /// The dimensions outermost first, as the other containers give them.
  std::vector<std::uint64_t> shape() const { return {dimensions.rbegin(), dimensions.rend()}; }
};

/// The dtype of elements that are stored as plain numbers, or nothing for block formats.
constexpr std::optional<dtype> plain_dtype(gguf::tensor_type type) noexcept {
  using enum gguf::tensor_type;
  switch (type) {
    case f64:
      return dtype::f64;
    case f32:
      return dtype::f32;
    case f16:
      return dtype::f16;
    case bf16:
      return dtype::bf16;
    case i64:
      return dtype::i64;
    case i32:
      return dtype::i32;
    case i16:
      return dtype::i16;
    case i8:
      return dtype::i8;
    default:
      return std::nullopt;
  }
}

/// The tensor type that stores elements of `type` as they are, or nothing where ggml has none.
constexpr std::optional<gguf::tensor_type> plain_tensor_type(dtype type) noexcept {
  for (const gguf::tensor_type_traits& entry : gguf::tensor_types) {
    if (plain_dtype(entry.type) == type) return entry.type;
  }
  return std::nullopt;
}

/// A tensor of plain numbers as the other containers show it, or nothing for block formats.
inline std::optional<tensor_view> plain_view(const gguf_tensor& tensor) {
  const std::optional<dtype> type = plain_dtype(tensor.type);
  if (!type) return std::nullopt;
  return tensor_view{tensor.name, *type, tensor.shape(), tensor.data, storage_order::row_major};
}

/// What ggml puts as limits.
inline constexpr std::size_t gguf_max_dimensions = 4;
inline constexpr std::size_t gguf_max_name_length = 63;
inline constexpr std::uint32_t gguf_default_alignment = 32;

namespace detail {

inline constexpr const char* gguf_alignment_key = "general.alignment";

/// `size` rounded up to a multiple of `alignment`, a power of two. The caller knows that it fits.
constexpr std::uint64_t padded(std::uint64_t size, std::uint64_t alignment) noexcept {
  return (size + alignment - 1) & ~(alignment - 1);
}

/// The bytes of a tensor, or through `problem` why there is none such: at most 2^63 - 1 elements, rows of
/// whole blocks.
inline std::uint64_t gguf_tensor_bytes(gguf::tensor_type type, std::span<const std::uint64_t> dimensions,
                                       std::string& problem) {
  const gguf::tensor_type_traits& traits = gguf::traits_of(type);
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const std::uint64_t columns = dimensions.empty() ? 1 : dimensions.front();
  if (columns % traits.elements != 0) {
    problem = "expected rows of a multiple of " + std::to_string(traits.elements) + " elements for " +
              std::string(traits.name) + ", found " + std::to_string(columns);
    return 0;
  }
  if (std::ranges::count(dimensions, std::uint64_t{0}) > 0) return 0;
  std::uint64_t elements = 1, bytes = 0;
  for (const std::uint64_t extent : dimensions) {
    if (!checked_multiply(elements, extent, elements) || elements > most) {
      problem = "the number of elements exceeds 63 bits";
      return 0;
    }
  }
  if (!checked_multiply(elements / traits.elements, traits.bytes, bytes)) {
    problem = "the number of bytes exceeds 64 bits";
  }
  return bytes;
}

}  // namespace detail
}  // namespace bitgauge::io
