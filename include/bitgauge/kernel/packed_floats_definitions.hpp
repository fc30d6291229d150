#pragma once

/// \file
/// What packed_floats.hpp declares.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/packed_floats.hpp>
#include <bitgauge/simd/lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <array>

namespace bitgauge::kernel {
namespace detail {

/// `Parts` times 16 rows of a panel by `Samples` samples, all sums in registers. `rows[s]`: where sample s begins;
/// sums go to `out`, [sample][32].
template <class Lanes, int Parts, int Samples>
[[gnu::always_inline]] inline void multiply_floats(const float* weights, index_t columns,
                                                   const float* const* rows, float* out) {
  Lanes sums[Samples][Parts];
#pragma GCC unroll 12
  for (int s = 0; s < Samples; ++s)
    for (int i = 0; i < Parts; ++i) sums[s][i] = Lanes::all(0.0f);
  for (index_t c = 0; c < columns; ++c, weights += float_panel_rows) {
    Lanes w[Parts];
#pragma GCC unroll 2
    for (int i = 0; i < Parts; ++i) w[i] = Lanes::load(weights + i * Lanes::count);
#pragma GCC unroll 12
    for (int s = 0; s < Samples; ++s) {
      const Lanes x = Lanes::all(rows[s][c]);
#pragma GCC unroll 2
      for (int i = 0; i < Parts; ++i) sums[s][i] += w[i] * x;
    }
  }
#pragma GCC unroll 12
  for (int s = 0; s < Samples; ++s)
    for (int i = 0; i < Parts; ++i) sums[s][i].store(out + s * float_panel_rows + i * Lanes::count);
}

/// The samples of a panel, `Samples` at once. Where fewer are left the last stands in for those that are missing.
template <class Lanes, int Parts, int Samples>
[[gnu::always_inline]] inline void multiply_samples(const float_panel_product& p, index_t first,
                                                    index_t end) {
  std::array<float, float_panel_rows * Samples> sums;
  for (index_t s = first; s < end; s += Samples) {
    const float* rows[Samples];
    for (int i = 0; i < Samples; ++i) rows[i] = p.x + std::min(s + i, end - 1) * p.x_stride;
    for (int part = 0; part * Lanes::count < float_panel_rows; part += Parts)
      multiply_floats<Lanes, Parts, Samples>(p.weights + part * Lanes::count, p.columns, rows,
                                             sums.data() + part * Lanes::count);
    for (index_t i = 0; i < std::min<index_t>(Samples, end - s); ++i)
      std::copy_n(sums.data() + i * float_panel_rows, p.rows, p.y + (s + i) * p.y_stride);
  }
}

}  // namespace detail

BITGAUGE_DEFINE void multiply_float_panel(const float_panel_product& p) {
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<width()>;
    // as many sums as there are registers for
    constexpr int parts = width() == 64 ? 2 : 1, samples = width() == 64 ? 12 : width() == 32 ? 6 : 2;
    const index_t whole = p.samples == 1 ? 0 : p.samples;
    detail::multiply_samples<lanes, parts, samples>(p, 0, whole);
    detail::multiply_samples<lanes, parts, 1>(p, whole, p.samples);
  });
}

}  // namespace bitgauge::kernel
