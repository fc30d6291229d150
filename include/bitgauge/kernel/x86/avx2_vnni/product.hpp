#pragma once

/// \file
/// What AVX-VNNI has of its own for products.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/operations.hpp>
#include <bitgauge/kernel/x86/avx2_vnni/multiply_codes.hpp>
#include <bitgauge/kernel/x86/avx2_vnni/multiply_packed_codes.hpp>
#include <bitgauge/simd/dispatch.hpp>

namespace bitgauge {

template <>
constexpr void simd::improve<simd::instruction_set::avx2_vnni>(kernel::product_operations& operations) {
  namespace own = kernel::avx2_vnni;
  operations.multiply_codes = own::multiply_codes;
  operations.multiply_packed_codes = own::multiply_packed_codes;
}

}  // namespace bitgauge
#endif  // BITGAUGE_X86
