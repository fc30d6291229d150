#pragma once

/// \file
/// The steps of products for the instruction set in use.

#include <bitgauge/kernel/arm/neon/product.hpp>
#include <bitgauge/kernel/arm/neon_dotprod/product.hpp>
#include <bitgauge/kernel/arm/neon_i8mm/product.hpp>
#include <bitgauge/kernel/operations.hpp>
#include <bitgauge/kernel/portable/product.hpp>
#include <bitgauge/kernel/x86/amx/product.hpp>
#include <bitgauge/kernel/x86/avx2/product.hpp>
#include <bitgauge/kernel/x86/avx2_vnni/product.hpp>
#include <bitgauge/kernel/x86/avx512/product.hpp>
#include <bitgauge/kernel/x86/avx512_vnni/product.hpp>
#include <bitgauge/simd/dispatch.hpp>

namespace bitgauge::kernel {

inline constexpr simd::operation_table<product_operations> product_table;

}  // namespace bitgauge::kernel
