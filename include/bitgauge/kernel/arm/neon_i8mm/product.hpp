#pragma once

/// \file
/// What processors with USDOT, SMMLA and USMMLA have of their own for products.

#include <bitgauge/simd/arm/target.hpp>

#if defined(__aarch64__)
#include <bitgauge/kernel/arm/neon_i8mm/multiply_codes.hpp>
#include <bitgauge/kernel/arm/neon_i8mm/multiply_packed_codes.hpp>
#include <bitgauge/kernel/operations.hpp>
#include <bitgauge/simd/dispatch.hpp>

namespace bitgauge {

template <>
constexpr void simd::improve<simd::instruction_set::neon_i8mm>(kernel::product_operations& operations) {
  namespace own = kernel::neon_i8mm;
  operations.unpack_codes = own::unpack_codes;
  operations.unpacks_codes_by_row = true;
  operations.multiply_codes = own::multiply_codes;
  operations.multiply_packed_codes = own::multiply_packed_codes;
}

}  // namespace bitgauge
#endif  // defined(__aarch64__)
