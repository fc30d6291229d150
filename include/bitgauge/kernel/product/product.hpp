#pragma once

/// \file
/// Y = W X for packed weights: the schedule around the kernels.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/pack/pack.hpp>
#include <bitgauge/kernel/product/product_target.hpp>
#include <bitgauge/kernel/product_options.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>

namespace bitgauge::kernel {

/// Samples are the rows of `x`. Sizes and options have been checked but for activation_block.
BITGAUGE_DECLARE void multiply(const weights_view& w, const row_source& x, const product_target& y,
                               const product_options& options);

}  // namespace bitgauge::kernel

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/kernel/product/product_definitions.hpp>
#endif
