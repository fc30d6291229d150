#pragma once

/// \file
/// The binary16 numbers nearest to floats.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/half.hpp>

#include <algorithm>
#include <cstdint>

namespace bitgauge::simd {
namespace portable {

inline void nearest_halves(const float* x, index_t count, std::uint16_t* pattern, float* value) {
  for (index_t i = 0; i < count; ++i) {
    pattern[i] = numeric::half_from_float(std::clamp(x[i], -65504.0f, 65504.0f));
    value[i] = numeric::half_to_float(pattern[i]);
  }
}

}  // namespace portable

struct half_operations {
  decltype(portable::nearest_halves)* nearest_halves = portable::nearest_halves;
};

}  // namespace bitgauge::simd
