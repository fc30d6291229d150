#pragma once

/// \file
/// The arithmetic that binds a product where memory does not.

#include "../arithmetic_limits.hpp"

#include <algorithm>

namespace bench {

/// Sums of products of bytes by any instruction of this machine.
inline double int8_peak(int threads) {
  return std::max(machine_arithmetic().int8_dot.with(threads), machine_arithmetic().amx_int8.with(threads));
}

inline double bf16_peak(int threads) {
  return std::max(machine_arithmetic().bf16_dot.with(threads), machine_arithmetic().amx_bf16.with(threads));
}

inline double f32_peak(int threads) {
  return machine_arithmetic().fma_f32.with(threads);
}

}  // namespace bench
