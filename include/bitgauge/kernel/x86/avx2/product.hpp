#pragma once

/// \file
/// What AVX2 has of its own for products.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/operations.hpp>
#include <bitgauge/kernel/x86/avx2/multiply_codes.hpp>
#include <bitgauge/kernel/x86/avx2/multiply_floats.hpp>
#include <bitgauge/kernel/x86/avx2/multiply_packed_codes.hpp>
#include <bitgauge/kernel/x86/avx2/multiply_packed_floats.hpp>
#include <bitgauge/kernel/x86/avx2/unpack.hpp>
#include <bitgauge/simd/dispatch.hpp>

namespace bitgauge {

template <>
constexpr void simd::improve<simd::instruction_set::avx2>(kernel::product_operations& operations) {
  namespace own = kernel::avx2;
  operations.unpack_codes = own::unpack_codes;
  operations.unpack_floats = own::unpack_floats;
  operations.multiply_codes = own::multiply_codes;
  operations.multiply_floats = own::multiply_floats;
  operations.multiplies_packed = own::multiplies_packed;
  operations.multiply_packed_codes = own::multiply_packed_codes;
  operations.multiply_packed_floats = own::multiply_packed_floats;
}

}  // namespace bitgauge
#endif  // BITGAUGE_X86
