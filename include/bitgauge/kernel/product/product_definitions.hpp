#pragma once

/// \file
/// What product.hpp declares.

#include <bitgauge/kernel/product/product.hpp>
#include <bitgauge/kernel/product/product_call.hpp>
#include <bitgauge/kernel/product/product_scratch.hpp>

namespace bitgauge::kernel {

BITGAUGE_DEFINE void multiply(const weights_view& w, const row_source& x, const product_target& y,
                              const product_options& options) {
  const auto scratch = detail::call_scratches().borrow();
  product_options own = options;
  own.threads = bitgauge::detail::threads_worth(x.rows() * w.rows * w.cols, own.threads);
  detail::product(w, x, y, own, *scratch).run();
}

}  // namespace bitgauge::kernel
