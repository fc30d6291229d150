#pragma once

/// \file
/// Exact int32 sums of products of 8-bit codes, by the steps of every instruction set.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/layout.hpp>

#include <cstdint>

namespace bitgauge::kernel {

/// sums[s * w.rows + r] += sum over c of x(s, c) * code(r, c), modulo 2^32, codes being fields less 128.
/// `w`: 8 bits, center 128, one group a row, no zero points; all scales 1. `x`: rows of w.cols whole numbers of
/// -128 to 127. Cost: an integer product; each 1024 columns read and write the sums.
BITGAUGE_DECLARE void add_code_products(const weights_view& w, const float* x, index_t samples,
                                        std::int32_t* sums, int threads);

}  // namespace bitgauge::kernel

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/kernel/integer_sums_definitions.hpp>
#endif
