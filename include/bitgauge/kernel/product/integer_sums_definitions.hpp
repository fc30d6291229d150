#pragma once

/// \file
/// What integer_sums.hpp declares.

#include <bitgauge/grid/integer.hpp>
#include <bitgauge/kernel/product/integer_sums.hpp>
#include <bitgauge/kernel/product/product.hpp>
#include <bitgauge/kernel/product/product_target.hpp>
#include <bitgauge/kernel/product_options.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>

#include <algorithm>

namespace bitgauge::kernel {

namespace detail {

/// Columns of weights with one group a row, from a whole unit on.
inline weights_view middle_columns(weights_view w, index_t first, index_t count) noexcept {
  w.fields += first / unit_columns * unit_bytes(w.bits);
  w.cols = w.group = count;
  w.group_units = (count + unit_columns - 1) / unit_columns;
  return w;  // `units` stays: the next panel is as far away as before
}

/// Sums of products as they come from float: to is [sample][row].
inline void add_whole_numbers(const product_target& to, index_t row, index_t sample, const float* values,
                              index_t count) {
  std::int32_t* out = static_cast<std::int32_t*>(to.data) + row + sample * to.sample_step;
  const auto add = [&](index_t i) {
    out[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(out[i]) +
                                       static_cast<std::uint32_t>(static_cast<std::int32_t>(values[i])));
  };
  for (; count >= panel_rows; count -= panel_rows, values += panel_rows, out += panel_rows)
    for (index_t i = 0; i < panel_rows; ++i) add(i);  // a number that compilers know: in vectors
  for (index_t i = 0; i < count; ++i) add(i);
}

}  // namespace detail

BITGAUGE_DEFINE void add_code_products(const weights_view& w, const float* x, index_t samples,
                                       std::int32_t* sums, index_t together, int threads) {
  product_options options;
  options.precision = product_precision::integer;
  options.activation_block = whole_sample;
  options.activations = make_symmetric(8, {.full = true});
  options.frozen = parameters{1.0f, 0};
  options.threads = threads;
  const product_target to{sums, 1, w.rows, detail::add_whole_numbers};
  for (index_t c = 0; c < w.cols; c += together) {
    const index_t count = std::min(together, w.cols - c);
    multiply(detail::middle_columns(w, c, count), row_source(x + c, samples, count, w.cols, 1), to, options);
  }
}

}  // namespace bitgauge::kernel
