#pragma once

/// \file
/// What AMX has of its own for products. Products of few samples are those of AVX-512 VNNI.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/operations.hpp>
#include <bitgauge/kernel/x86/amx/multiply_bfloat16.hpp>
#include <bitgauge/kernel/x86/amx/multiply_codes.hpp>
#include <bitgauge/simd/dispatch.hpp>

namespace bitgauge {

template <>
constexpr void simd::improve<simd::instruction_set::amx>(kernel::product_operations& operations) {
  namespace own = kernel::amx;
  operations.pack_code_row = own::pack_code_row;
  operations.multiply_codes = own::multiply_codes;
  operations.fetches_upcoming = false;
  operations.round_row = own::round_row;
  operations.unpack_bfloat16 = own::unpack_bfloat16;
  operations.multiply_bfloat16 = own::multiply_bfloat16;
}

}  // namespace bitgauge
#endif  // BITGAUGE_X86
