#pragma once

/// \file
/// How much a scheme stores, before anything is quantized.

#include <bitgauge/error.hpp>
#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/matrix/layout.hpp>
#include <bitgauge/matrix/scheme/check.hpp>
#include <bitgauge/matrix/scheme/grid_of.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>
#include <bitgauge/numeric/bits.hpp>

namespace bitgauge {

/// What a number of parameters takes.
struct memory_estimate {
  double bits_per_weight = 0;
  double bytes = 0;

  /// Decimal gigabytes: bytes / 10^9.
  double gigabytes() const noexcept { return bytes / 1e9; }
};

/// `parameters` numbers of `bits_per_weight` bits: 70e9 at 16 bits are 140 GB, at 4.5 bits 39.375 GB.
constexpr memory_estimate estimate_memory(double parameters, double bits_per_weight) noexcept {
  return {bits_per_weight, parameters * bits_per_weight / 8};
}

/// The layout of a matrix of this shape, quantized by `s`. A template, as are those below, so that only who asks
/// compiles every grid.
template <int = 0>
quantized_layout layout_of(const scheme& s, index_t rows, index_t cols) {
  check_scheme(s);
  return {grouping(s.groups, rows, cols), detail::encoding_of(*detail::grid_of(s)), s.stored_scales(), false};
}

/// The bytes that quantizing a matrix of this shape by `s` stores, padding included.
template <int = 0>
index_t storage_bytes(const scheme& s, index_t rows, index_t cols) {
  return layout_of(s, rows, cols).storage_bytes();
}

/// A model of `parameters` numbers in matrices of `cols` columns (the groups of a row; 4096 where it does not
/// matter). Throws invalid_scheme for an unknown grid, data_error for a number below 0 or not finite.
template <int = 0>
memory_estimate estimate_memory(double parameters, const scheme& s, index_t cols = 4096) {
  if (!(parameters >= 0) || !numeric::binary64::is_finite(parameters))
    detail::raise_message<data_error>(
        {"estimate_memory: expected a number of weights from 0 up, found ", parameters});
  // 64 rows fill whole bytes of packed zero points; a tensor's single scale is lost in a large model
  constexpr index_t rows = 64;
  const bool per_model =
      s.groups.what == granularity::kind::tensor || s.groups.what == granularity::kind::column;
  const quantized_layout layout = layout_of(s, rows, cols);
  const auto bytes =
      static_cast<double>(per_model ? layout.code_bytes() + layout.level_bytes() - layout.shared_level_bytes()
                                    : layout.storage_bytes() - layout.shared_level_bytes());
  return estimate_memory(parameters, 8 * bytes / static_cast<double>(rows * cols));
}

}  // namespace bitgauge
