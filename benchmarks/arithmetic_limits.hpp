#pragma once

/// \file
/// What the arithmetic of this machine can do with operands in registers, measured in the same run as every figure
/// that is compared with it.

#include "limits.hpp"

namespace bench {

/// Operations a second: a multiplication and an addition count as two.
struct arithmetic_limits {
  rate fma_f32;   ///< fused multiply-add of floats
  rate int8_dot;  ///< sums of products of bytes: vpdpbusd, or vpmaddubsw and what has to follow it
  rate bf16_dot;  ///< sums of products of bfloat16 in float: vdpbf16ps
  rate amx_int8;  ///< sums of products of bytes in tiles: tdpbssd
  rate amx_bf16;  ///< sums of products of bfloat16 in tiles: tdpbf16ps
};

/// Measured at the first call: about a second.
const arithmetic_limits& machine_arithmetic();

}  // namespace bench
