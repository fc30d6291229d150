#pragma once

/// \file
/// What AVX-512 VNNI has of its own for products.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/kernel/operations.hpp>
#include <bitgauge/kernel/x86/avx512_vnni/multiply_codes.hpp>
#include <bitgauge/kernel/x86/avx512_vnni/multiply_packed_codes.hpp>
#include <bitgauge/kernel/x86/avx512_vnni/multiply_packed_floats.hpp>
#include <bitgauge/kernel/x86/avx512_vnni/unpack.hpp>
#include <bitgauge/simd/dispatch.hpp>

namespace bitgauge {

template <>
constexpr void simd::improve<simd::instruction_set::avx512_vnni>(kernel::product_operations& operations) {
  namespace own = kernel::avx512_vnni;
  operations.unpack_codes = own::unpack_codes;
  operations.unpack_floats = own::unpack_floats;
  operations.multiply_codes = own::multiply_codes;
  operations.fetches_upcoming = true;
  operations.multiplies_packed = own::multiplies_packed;
  operations.multiplies_few_packed = own::multiplies_few_packed;
  operations.multiply_packed_codes = own::multiply_packed_codes;
  operations.packed_code_samples = kernel::tile_samples;
  operations.multiply_packed_floats = own::multiply_packed_floats;
}

}  // namespace bitgauge
#endif  // BITGAUGE_X86
