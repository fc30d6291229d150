#pragma once

/// \file
/// What product.hpp declares.

#include <bitgauge/kernel/product/product.hpp>
#include <bitgauge/kernel/product/product_call.hpp>
#include <bitgauge/kernel/product/product_scratch.hpp>

namespace bitgauge::kernel {

/// Multiplications that take as long as waking threads up and waiting for all of them, several times over.
inline constexpr index_t worth_threads = index_t{1} << 19;

BITGAUGE_DEFINE void multiply(const weights_view& w, const row_source& x, const product_target& y,
                              const product_options& options) {
  const auto scratch = detail::call_scratches().borrow();
  product_options own = options;
  if (x.rows() * w.rows * w.cols < worth_threads) own.threads = 1;
  detail::product(w, x, y, own, *scratch).run();
}

}  // namespace bitgauge::kernel
