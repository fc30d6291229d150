#pragma once

/// \file
/// What value_sums.hpp declares.

#include <bitgauge/simd/dispatch.hpp>
#include <bitgauge/simd/sums/value_sums.hpp>
#include <bitgauge/simd/x86/avx512/value_sums.hpp>

namespace bitgauge::simd {

inline constexpr operation_table<value_sum_operations> value_sum_table;

BITGAUGE_DEFINE value_sums sum_values(const float* x, index_t count) {
  return value_sum_table.in_use().sum_values(x, count);
}

}  // namespace bitgauge::simd
