#pragma once

/// \file
/// Rows of a tensor of any type: how many bytes they take.

#include <bitgauge/base/config.hpp>
#include <bitgauge/gguf/tensor_type.hpp>

#include <cstddef>
#include <limits>
#include <string>

namespace bitgauge::gguf {

/// What a caller that has looked at a row before knows of it: results do not depend on it, speed does.
struct row_hints {
  const float* low = nullptr;   ///< min(0, x...) of each run of 32 elements
  const float* high = nullptr;  ///< max(0, x...)
  const float* next = nullptr;  ///< a row of the same length that will be encoded after this one
  float greatest = -1.0f;       ///< the largest magnitude; negative: not known
};

/// Where a row lies in its matrix, for messages, and what becomes of numbers beyond what its type can store.
struct row_place {
  index_t row = 0, column = 0;
  bool saturates = false;  ///< cut off where the type ends; else they are a data_error
};

namespace detail {

[[noreturn, gnu::cold]] inline void refuse_columns(const tensor_type_traits& traits, index_t columns) {
  raise(shape_error("a row of type " + std::string(traits.name) + " must be a multiple of its block of " +
                    std::to_string(traits.elements) + " elements, found " + std::to_string(columns) +
                    " columns"));
}
[[noreturn, gnu::cold]] inline void refuse_bytes(const tensor_type_traits& traits, index_t columns) {
  raise(shape_error("a row of type " + std::string(traits.name) + ": the bytes of " +
                    std::to_string(columns) + " columns exceed 63 bits"));
}

}  // namespace detail

/// The bytes of a row of `columns` elements of `type`: columns / block elements * block bytes. Raises
/// shape_error where `columns` is negative or no multiple of the block's elements, or
/// the bytes exceed 63 bits.
inline std::size_t row_bytes(tensor_type type, index_t columns) {
  const tensor_type_traits& traits = traits_of(type);
  if (columns < 0 || columns % static_cast<index_t>(traits.elements) != 0)
    detail::refuse_columns(traits, columns);
  const std::size_t blocks = static_cast<std::size_t>(columns) / traits.elements;
  if (blocks > static_cast<std::size_t>(std::numeric_limits<index_t>::max()) / traits.bytes)
    detail::refuse_bytes(traits, columns);
  return blocks * traits.bytes;
}

}  // namespace bitgauge::gguf
