#pragma once

/// \file
/// What the tests of encoders share: a row as bytes, and how far these are off.

#include <bitgauge/gguf/rows/encode_row.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>

#include "gguf/reference_cases.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace test {

/// The bytes of a row whose values may saturate.
inline std::vector<std::uint8_t> encoded(bitgauge::gguf::tensor_type type, const float* x,
                                         std::size_t columns, const float* importance,
                                         bitgauge::effort level) {
  std::vector<std::uint8_t> bytes(bitgauge::gguf::row_bytes(type, static_cast<bitgauge::index_t>(columns)));
  bitgauge::gguf::encode_row(type, x, static_cast<bitgauge::index_t>(columns), importance, level,
                             reinterpret_cast<std::byte*>(bytes.data()), {}, {.saturates = true});
  return bytes;
}

/// The sum of importance * squared error of such a row.
inline double error_of_row(bitgauge::gguf::tensor_type type, const std::vector<std::uint8_t>& bytes,
                           const float* x, const float* importance) {
  const auto values = decoded(type, bytes);
  return bitgauge::gguf::best::weighted_error(x, values.data(), importance, static_cast<int>(values.size()));
}

}  // namespace test
