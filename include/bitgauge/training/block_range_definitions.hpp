#pragma once

/// \file
/// What block_range.hpp declares.

#include <bitgauge/gguf/format/visit_format.hpp>
#include <bitgauge/training/block_range.hpp>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <utility>

namespace bitgauge::gguf {
namespace detail {

/// The first and the last level of a format.
template <class Levels>
std::pair<double, double> extreme_levels() {
  if constexpr (vector_levels<Levels>) {
    // signs and shifts go both ways: by the largest magnitude
    double largest = 0;
    for (const auto& vector : codebook_vectors<Levels::book>)
      for (const auto level : vector) largest = std::max(largest, std::fabs(static_cast<double>(level)));
    if constexpr (requires { Levels::shift_run; }) largest += 1;
    return {-largest, largest};
  } else {
    return {usable_levels<Levels>.front().level, usable_levels<Levels>.back().level};
  }
}

/// A row of blocks of one format.
template <class Format>
void representable_blocks(const float* x, const std::uint8_t* bytes, index_t blocks, std::uint8_t* passes) {
  const auto [first, last] = extreme_levels<typename Format::levels>();
  const double margin = counted_levels<typename Format::levels> ? 0.5 : 0;
  for (index_t b = 0; b < blocks; ++b, bytes += Format::bytes) {
    block_codes<Format> codes;
    unpack<Format>(bytes, codes);
    for (int s = 0; s < Format::sub_blocks; ++s) {
      const auto scale = static_cast<double>(codes.scale_of(s)),
                 minimum = static_cast<double>(codes.minimum_of(s));
      double low = scale * first + minimum, high = scale * last + minimum;
      if (low > high) std::swap(low, high);
      const double slack =
          std::fabs(scale) * margin + std::max(std::fabs(low), std::fabs(high)) * FLT_EPSILON;
      for (int i = 0; i < Format::sub_block; ++i, ++x, ++passes) {
        const auto value = static_cast<double>(*x);
        *passes = value >= low - slack && value <= high + slack ? 1 : 0;
      }
    }
  }
}

}  // namespace detail

BITGAUGE_DEFINE void representable_row(const float* x, index_t row, const block_matrix& q,
                                       std::uint8_t* passes) {
  if (row < 0 || row >= q.rows())
    bitgauge::detail::raise_message<shape_error>({"representable_row(", row, ") of ", q.rows(), " rows"});
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(q.blocks().data() + row * q.row_bytes());
  if (!traits_of(q.type()).is_quantized()) {
    std::fill_n(passes, q.cols(), std::uint8_t{1});
    return;
  }
  visit_format(q.type(), [&]<class Format>(Format) {
    detail::representable_blocks<Format>(x, bytes, q.cols() / Format::elements, passes);
  });
}

}  // namespace bitgauge::gguf
