#pragma once

/// \file
/// What AVX-512 has of its own for products. What it lacks is unpacking: that of AVX2 is fast enough for what
/// these multiply.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/operations.hpp>
#include <bitgauge/kernel/x86/avx512/multiply_codes.hpp>
#include <bitgauge/kernel/x86/avx512/multiply_floats.hpp>
#include <bitgauge/simd/dispatch.hpp>

namespace bitgauge {

template <>
constexpr void simd::improve<simd::instruction_set::avx512>(kernel::product_operations& operations) {
  namespace own = kernel::avx512;
  operations.multiply_codes = own::multiply_codes;
  operations.multiply_floats = own::multiply_floats;
}

}  // namespace bitgauge
#endif  // BITGAUGE_X86
