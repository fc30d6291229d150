#pragma once

/// \file
/// Entropy-coded levels of a trellis: two bytes of rows, two of columns, then what trellis_matrix reads. Decoded alike by the
/// portable code and by the fastest, finite, and the same again from what is written of it.

#include <bitgauge/matrix/trellis/trellis_matrix.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include "fuzz/target.hpp"

#include <cstdint>
#include <span>

namespace fuzz {

inline void trellis(bytes input) {
  if (input.size() < 4) return;
  const std::span all(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  const bitgauge::index_t rows = all[0] + 256 * all[1], cols = all[2] + 256 * all[3];
  const bitgauge::trellis_matrix q(rows, cols, all.subspan(4));
  const bitgauge::row_matrix fastest = q.dequantize<bitgauge::row_matrix>(1);
  for (bitgauge::index_t i = 0; i < fastest.size(); ++i)
    require(bitgauge::numeric::is_finite(fastest.data()[i]));
  {
    const bitgauge::simd::scoped_instruction_set use(bitgauge::simd::instruction_set::portable);
    require(q.dequantize<bitgauge::row_matrix>(1) == fastest);
  }
  require(bitgauge::trellis_matrix(rows, cols, q.bytes()) == q);
}

}  // namespace fuzz
