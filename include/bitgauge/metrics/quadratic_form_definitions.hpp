#pragma once

/// \file
/// What quadratic_form.hpp declares.

#include <bitgauge/base/number_text.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/metrics/quadratic_form.hpp>
#include <bitgauge/rounding/samples.hpp>
#include <bitgauge/simd/lanes/double_lanes.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <cmath>
#include <type_traits>

namespace bitgauge::detail {

/// Of `Rows` rows d and a tile of H, 32 columns wide: sums[r] += weight * sum_c (sum_k d_rk tile_kc) e_rc,
/// where e is d from the tile's first column on. 16 columns at a time: the sums of six rows stay in
/// registers.
template <index_t Rows, int Bytes>
[[gnu::always_inline]] inline void add_tile(std::integral_constant<int, Bytes> width, const float* tile,
                                            index_t depth, const float* d, const float* e, index_t stride,
                                            double weight, double* sums) {
  using floats = simd::lanes<Bytes>;
  const floats zero = floats::all(0);
  floats total[std::size_t{Rows}];
  simd::repeat<Rows>(
      width, [&](auto r) __attribute__((always_inline)) { total[r] = zero; });
  for (index_t column = 0; column < 32; column += floats::count) {
    floats sum[std::size_t{Rows}];
    simd::repeat<Rows>(
        width, [&](auto r) __attribute__((always_inline)) { sum[r] = zero; });
    const float* h = tile + column;
    for (index_t k = 0; k < depth; ++k, h += 32) {
      const floats own = floats::load(h);
      simd::repeat<Rows>(
          width, [&](auto r)
                     __attribute__((always_inline)) { sum[r] += own * floats::all(d[r * stride + k]); });
    }
    simd::repeat<Rows>(
        width, [&](auto r) __attribute__((always_inline)) {
          total[r] += sum[r] * floats::load(e + r * stride + column);
        });
  }
  simd::repeat<Rows>(
      width, [&](auto r) __attribute__((always_inline)) { sums[r] += weight * total[r].total(); });
}

BITGAUGE_DEFINE void quadratic_form::add_values(const float* d, index_t rows, double* sums) const {
  static_assert(padding == 32);
  const index_t n = inputs(), across = stride();
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    constexpr index_t together = width == 16 ? 2 : 6;
    const float* tile = tiles_.data();
    for (index_t k = 0; k < n; k += depth) {
      const index_t high = std::min(depth, n - k);
      for (index_t c = k; c < across; c += padding, tile += high * padding) {
        const double weight = c < k + depth ? 1 : 2;  // what is left of the diagonal blocks counts here
        index_t r = 0;
        for (; r + together <= rows; r += together)
          add_tile<together>(width, tile, high, d + r * across + k, d + r * across + c, across, weight,
                             sums + r);
        for (; r < rows; ++r)
          add_tile<1>(width, tile, high, d + r * across + k, d + r * across + c, across, weight, sums + r);
      }
    }
  });
}

BITGAUGE_DEFINE void quadratic_form::prepare(const hessian& h, index_t first, index_t count,
                                             std::span<const float> magnitudes) {
  const Eigen::MatrixXd& all = h.matrix();
  factors_.assign(static_cast<std::size_t>(count), 0.0);
  double largest = 0;
  for (index_t j = 0; j < count; ++j) {
    const double diagonal = all(first + j, first + j);
    double& own = factors_[static_cast<std::size_t>(j)];
    if (diagonal > 0) own = 1 / normalizer_of(std::sqrt(diagonal));
    largest = std::max(largest, own * static_cast<double>(magnitudes[static_cast<std::size_t>(j)]));
  }
  const double by = normalizer_of(largest);
  index_t room = 0;
  for (index_t k = 0; k < count; k += depth) room += std::min(depth, count - k) * (stride() - k);
  tiles_.reserve(static_cast<std::size_t>(room));
  float* tile = tiles_.data();
  for (index_t k = 0; k < count; k += depth)
    for (index_t c = k; c < stride(); c += padding)
      for (index_t i = k; i < std::min(k + depth, count); ++i)
        for (index_t j = c; j < c + padding; ++j, ++tile) {
          *tile = 0;
          if (j >= count) continue;
          const double element = all(first + j, first + i);
          if (element == 0) continue;
          const double both = factors_[static_cast<std::size_t>(i)] * factors_[static_cast<std::size_t>(j)];
          // a little above, as sums of floats may be
          if (std::fabs(element) >
              1.01 * std::sqrt(all(first + i, first + i)) * std::sqrt(all(first + j, first + j)))
            raise_message<data_error>(
                {"hessian: element (", first + i, ", ", first + j,
                 "): expected at most the root of the product of its diagonal elements,",
                 " as of samples, found ", general_text(element, 6)});
          *tile = static_cast<float>(element / both);
        }
  for (double& factor : factors_) factor *= by;
  unit_ = 1 / (by * by);
}

}  // namespace bitgauge::detail
