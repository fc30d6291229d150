#pragma once

/// \file
/// What product.hpp declares.

#include <bitgauge/kernel/product.hpp>
#include <bitgauge/kernel/product_call.hpp>
#include <bitgauge/kernel/product_scratch.hpp>

namespace bitgauge::kernel {

BITGAUGE_DEFINE void multiply(const weights_view& w, const row_source& x, const product_target& y,
                              const product_options& options) {
  const auto scratch = detail::call_scratches().borrow();
  detail::product(w, x, y, options, *scratch).run();
}

}  // namespace bitgauge::kernel
