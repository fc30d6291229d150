#pragma once

/// \file
/// What a search for a scale must know of its values first, with the instruction set in use: see
/// portable/value_sums.hpp.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/portable/value_sums.hpp>
#include <bitgauge/simd/x86/avx512/value_sums.hpp>

namespace bitgauge::simd {

inline constexpr operation_table<value_sum_operations> value_sum_table;

/// The sums of finite values.
inline value_sums sum_values(const float* x, index_t count) {
  return value_sum_table.in_use().sum_values(x, count);
}

}  // namespace bitgauge::simd
