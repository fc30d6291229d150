#pragma once

/// \file
/// Exact int32 sums of products of 8-bit codes, by the steps of every instruction set.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/pack/layout.hpp>
#include <bitgauge/kernel/pack/segments.hpp>

#include <cstdint>

namespace bitgauge::kernel {

/// Products of this many columns have sums of at most 2^24 in magnitude, which are exact in binary32, as are those of
/// their segments.
inline constexpr index_t exact_columns = longest_segment * unit_columns;
static_assert(exact_columns * 128 * 128 <= index_t{1} << 24);

/// sums[s * w.rows + r] += sum over c of x(s, c) * code(r, c), modulo 2^32, codes being fields less 128.
/// `w`: 8 bits, center 128, one group a row, no zero points; all scales 1. `x`: rows of w.cols whole numbers of
/// -128 to 127. `together`: columns, from each multiple of it on, of which no row has products with a sum of
/// magnitudes above 2^24: a multiple of exact_columns. Cost: an integer product; the sums are read and written
/// once for `together` columns.
BITGAUGE_DECLARE void add_code_products(const weights_view& w, const float* x, index_t samples,
                                        std::int32_t* sums, index_t together, int threads);

}  // namespace bitgauge::kernel

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/kernel/product/integer_sums_definitions.hpp>
#endif
