#pragma once

/// \file
/// The one table through which the library calls row primitives: chosen at run time, so that a program built
/// for any x86-64 or aarch64 runs the best its processor has.

#include <bitgauge/simd/bits.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/row.hpp>
#include <bitgauge/simd/x86/avx2_bits.hpp>
#include <bitgauge/simd/x86/avx2_row.hpp>
#include <bitgauge/simd/x86/avx2_transpose.hpp>
#include <bitgauge/simd/x86/avx512_bits.hpp>
#include <bitgauge/simd/x86/avx512_parameters.hpp>
#include <bitgauge/simd/x86/avx512_row.hpp>
#include <bitgauge/simd/x86/avx512_transpose.hpp>

namespace bitgauge::simd {
namespace detail {

inline constexpr row_operations portable_rows{portable::extents, portable::scales,   portable::inverses,
                                              portable::encode,  portable::decode,   portable::pack,
                                              portable::unpack,  portable::transpose};
#if BITGAUGE_X86
inline constexpr row_operations avx2_rows{avx2::extents, portable::scales, portable::inverses,
                                          avx2::encode,  avx2::decode,     avx2::pack,
                                          avx2::unpack,  avx2::transpose};
inline constexpr row_operations avx512_rows{avx512::extents, avx512::scales,   avx512::inverses,
                                            avx512::encode,  avx512::decode,   avx2::pack,
                                            avx2::unpack,    avx512::transpose};
inline constexpr row_operations avx512_vbmi_rows{avx512::extents,     avx512::scales,   avx512::inverses,
                                                 avx512::encode,      avx512::decode,   avx512_vbmi::pack,
                                                 avx512_vbmi::unpack, avx512::transpose};
#endif

}  // namespace detail

/// The row primitives of one instruction set, which the processor must have.
inline const row_operations& rows_of(instruction_set set) {
  switch (set) {
#if BITGAUGE_X86
    case instruction_set::avx2:
      return detail::avx2_rows;
    case instruction_set::avx512:
      return detail::avx512_rows;
    case instruction_set::avx512_vbmi:
      return detail::avx512_vbmi_rows;
#endif
    default:
      return detail::portable_rows;
  }
}

/// The row primitives in use: see selected(). Cost: an atomic load; take the reference once per row or
/// matrix.
inline const row_operations& rows() {
  return rows_of(selected());
}

}  // namespace bitgauge::simd
