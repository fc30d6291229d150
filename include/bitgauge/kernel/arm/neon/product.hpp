#pragma once

/// \file
/// What Advanced SIMD has of its own for products.

#include <bitgauge/simd/arm/target.hpp>

#if defined(__aarch64__)
#include <bitgauge/kernel/arm/neon/multiply_codes.hpp>
#include <bitgauge/kernel/arm/neon/multiply_floats.hpp>
#include <bitgauge/kernel/arm/neon/multiply_packed_codes.hpp>
#include <bitgauge/kernel/arm/neon/multiply_packed_floats.hpp>
#include <bitgauge/kernel/arm/neon/unpack.hpp>
#include <bitgauge/kernel/operations.hpp>
#include <bitgauge/simd/dispatch.hpp>

namespace bitgauge {

template <>
constexpr void simd::improve<simd::instruction_set::neon>(kernel::product_operations& operations) {
  namespace own = kernel::neon;
  operations.unpack_codes = own::unpack_codes;
  operations.unpack_floats = own::unpack_floats;
  operations.multiply_codes = own::multiply_codes;
  operations.multiply_floats = own::multiply_floats;
  operations.multiplies_packed = own::multiplies_packed;
  operations.multiply_packed_codes = own::multiply_packed_codes;
  operations.multiply_packed_floats = own::multiply_packed_floats;
}

}  // namespace bitgauge
#endif  // defined(__aarch64__)
