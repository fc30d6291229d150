#pragma once

/// \file
/// What packed_floats.hpp declares.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/packed_floats.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace bitgauge::kernel {
namespace detail {

/// Where some samples begin, and those that are multiplied after them.
template <int Samples>
struct tile_inputs {
  std::array<const float*, static_cast<std::size_t>(Samples)> now, next;
};

/// `Parts` times 16 rows of a panel, columns `panel_rows` apart, by `Samples` samples, all sums in registers; they go
/// to `out`, [sample][32]. Samples are asked of memory some columns ahead: caches do not foresee so many rows.
template <class Lanes, int Parts, int Samples>
[[gnu::always_inline]] inline void multiply_floats(const float* weights, index_t panel_rows, index_t columns,
                                                   const tile_inputs<Samples>& x, float* out) {
  constexpr index_t line = 16, ahead = 64;
  Lanes sums[std::size_t{Samples}][std::size_t{Parts}];
#pragma GCC unroll 12
  for (std::size_t s = 0; s < Samples; ++s)
    for (int i = 0; i < Parts; ++i) sums[s][i] = Lanes::all(0.0f);
  for (index_t begin = 0; begin < columns; begin += line) {
    for (std::size_t s = 0; s < Samples; ++s)
      __builtin_prefetch(begin + ahead < columns ? x.now[s] + begin + ahead : x.next[s] + begin);
    const index_t end = std::min(begin + line, columns);
    for (index_t c = begin; c < end; ++c, weights += panel_rows) {
      Lanes w[std::size_t{Parts}];
#pragma GCC unroll 2
      for (int i = 0; i < Parts; ++i) w[i] = Lanes::load(weights + i * Lanes::count);
#pragma GCC unroll 12
      for (std::size_t s = 0; s < Samples; ++s) {
        const Lanes value = Lanes::all(x.now[s][c]);
#pragma GCC unroll 2
        for (int i = 0; i < Parts; ++i) sums[s][i] += w[i] * value;
      }
    }
  }
#pragma GCC unroll 12
  for (std::size_t s = 0; s < Samples; ++s)
    for (int i = 0; i < Parts; ++i)
      sums[s][i].store(out + static_cast<index_t>(s) * float_panel_rows + i * Lanes::count);
}

/// The samples of a panel, `Samples` at once. Where fewer are left the last stands in for those that are missing.
template <class Lanes, int Parts, int Samples>
[[gnu::always_inline]] inline void multiply_samples(const float_panel_product& p, index_t first,
                                                    index_t end) {
  std::array<float, std::size_t{float_panel_rows * Samples}> sums;
  for (index_t s = first; s < end; s += Samples) {
    tile_inputs<Samples> rows;
    for (index_t i = 0; i < Samples; ++i) {
      rows.now[static_cast<std::size_t>(i)] = p.x + std::min(s + i, end - 1) * p.x_stride;
      rows.next[static_cast<std::size_t>(i)] = p.x + std::min(s + i + Samples, end - 1) * p.x_stride;
    }
    for (int part = 0; part * Lanes::count < p.rows; part += Parts)
      multiply_floats<Lanes, Parts, Samples>(p.weights + part * Lanes::count, p.panel_rows, p.columns, rows,
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
    if (p.rows > lanes::count) {
      detail::multiply_samples<lanes, parts, samples>(p, 0, whole);
    } else {
      detail::multiply_samples<lanes, 1, samples>(p, 0, whole);
    }
    if (p.panel_rows > lanes::count) {
      detail::multiply_samples<lanes, parts, 1>(p, whole, p.samples);
    } else {
      detail::multiply_samples<lanes, 1, 1>(p, whole, p.samples);
    }
  });
}

}  // namespace bitgauge::kernel
