#pragma once

/// \file
/// Bytes through a table of 16.

#include <bitgauge/base/config.hpp>

#include <cstdint>

namespace bitgauge::simd {
namespace portable {

inline void translate(const std::uint8_t* codes, index_t count, const std::int8_t* table, std::int8_t* out) {
  for (index_t i = 0; i < count; ++i) out[i] = table[codes[i]];
}

}  // namespace portable

struct translate_operations {
  decltype(portable::translate)* translate = portable::translate;
};

}  // namespace bitgauge::simd
