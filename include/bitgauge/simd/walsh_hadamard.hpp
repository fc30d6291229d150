#pragma once

/// \file
/// The fast Walsh-Hadamard transform.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/lanes/vector.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace bitgauge::simd {
namespace detail {

/// The definition, which vectors follow bit for bit: signs, sums and differences of neighbours at distance 1,
/// then 2, 4 and so on, and at last a product.
template <class Scalar>
void plain_walsh_hadamard(Scalar* x, const float* signs, index_t n, Scalar scale) noexcept {
  if (signs != nullptr)
    for (index_t i = 0; i < n; ++i) x[i] *= static_cast<Scalar>(signs[i]);
  for (index_t distance = 1; distance < n; distance *= 2)
    for (index_t first = 0; first < n; first += 2 * distance)
      for (index_t i = first; i < first + distance; ++i) {
        const Scalar a = x[i], b = x[i + distance];
        x[i] = a + b;
        x[i + distance] = a - b;
      }
  for (index_t i = 0; i < n; ++i) x[i] *= scale;
}

/// v <- its sums with lanes at `Distance`, differences in the upper one of two. A product with 1 or -1 is
/// exact, so that it does not matter whether it is fused with the sum.
template <int Distance, class Vector, std::size_t... Lane>
[[gnu::always_inline]] inline void combine_lanes(Vector& v, std::index_sequence<Lane...>) noexcept {
  constexpr auto distance = static_cast<std::size_t>(Distance);
  constexpr Vector signs = {((Lane & distance) != 0 ? -1.0f : 1.0f)...};
  const Vector partner = __builtin_shufflevector(v, v, static_cast<int>(Lane ^ distance)...);
  v = partner + v * signs;
}

/// Asks for what lies 16 KiB behind x, for the next rows of a matrix: while one is transformed in the first
/// cache, the processor has no reason to fetch another by itself. Reads nothing, so that it may lie anywhere.
[[gnu::always_inline]] inline void fetch_ahead(const float* x) noexcept {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address that may be nobody's
  __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(x) + 16384), 1, 3);
}

/// Radix vectors, x[0], x[step], ...: loaded, transformed and stored. `First`: multiplied by signs, where there
/// are any, and lanes of a vector, which are neighbours, too. `Last`: the result is multiplied by `scale`.
template <int Bytes, int Radix, bool First, bool Last>
[[gnu::always_inline]] inline void transform_vectors(float* x, const float* signs, index_t step,
                                                     float scale) noexcept {
  constexpr int lanes = Bytes / 4;
  using floats = vector<float, lanes>;
  using lane_indices = std::make_index_sequence<static_cast<std::size_t>(lanes)>;
  floats v[static_cast<std::size_t>(Radix)];
#pragma GCC unroll 16
  for (int i = 0; i < Radix; ++i) {
    std::memcpy(&v[i], x + i * step, Bytes);
    if constexpr (First) fetch_ahead(x + i * step);
  }
  if constexpr (First) {
    if (signs != nullptr) {
#pragma GCC unroll 16
      for (int i = 0; i < Radix; ++i) {
        floats s;
        std::memcpy(&s, signs + i * step, Bytes);
        v[i] *= s;
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < Radix; ++i) {
      combine_lanes<1>(v[i], lane_indices{});
      combine_lanes<2>(v[i], lane_indices{});
      if constexpr (lanes > 4) combine_lanes<4>(v[i], lane_indices{});
      if constexpr (lanes > 8) combine_lanes<8>(v[i], lane_indices{});
    }
  }
#pragma GCC unroll 4
  for (int distance = 1; distance < Radix; distance *= 2)
#pragma GCC unroll 16
    for (int i = 0; i < Radix; ++i)
      if ((i & distance) == 0) {
        const floats a = v[i], b = v[i + distance];
        v[i] = a + b;
        v[i + distance] = a - b;
      }
#pragma GCC unroll 16
  for (int i = 0; i < Radix; ++i) {
    if constexpr (Last) v[i] *= scale;
    std::memcpy(x + i * step, &v[i], Bytes);
  }
}

/// The levels at distances step, 2 step, ..., Radix / 2 step of n values.
template <int Bytes, int Radix, bool First, bool Last>
[[gnu::always_inline]] inline void transform_levels(float* x, const float* signs, index_t n, index_t step,
                                                    float scale) noexcept {
  constexpr index_t lanes = Bytes / 4;
  for (index_t first = 0; first < n; first += step * Radix)
    for (index_t i = first; i < first + step; i += lanes)
      transform_vectors<Bytes, Radix, First, Last>(x + i, signs == nullptr ? signs : signs + i, step, scale);
}

/// The last levels: n / step of 2, 4, 8 or 16.
template <int Bytes, bool First>
[[gnu::always_inline]] inline void transform_last_levels(float* x, const float* signs, index_t n,
                                                         index_t step, float scale) noexcept {
  switch (n / step) {
    case 1:
      return transform_levels<Bytes, 1, First, true>(x, signs, n, step, scale);
    case 2:
      return transform_levels<Bytes, 2, First, true>(x, signs, n, step, scale);
    case 4:
      return transform_levels<Bytes, 4, First, true>(x, signs, n, step, scale);
    case 8:
      return transform_levels<Bytes, 8, First, true>(x, signs, n, step, scale);
    default:
      return transform_levels<Bytes, 16, First, true>(x, signs, n, step, scale);
  }
}

/// n values, n a power of two of at least one vector. As many levels at a time as the registers hold.
template <int Bytes>
[[gnu::always_inline]] inline void walsh_hadamard_body(float* x, const float* signs, index_t n,
                                                       float scale) noexcept {
  constexpr int radix = Bytes == 64 ? 16 : 8;
  constexpr index_t lanes = Bytes / 4;
  if (n / lanes <= radix) return transform_last_levels<Bytes, true>(x, signs, n, lanes, scale);
  transform_levels<Bytes, radix, true, false>(x, signs, n, lanes, scale);
  index_t step = lanes * radix;
  for (; n / step > radix; step *= radix)
    transform_levels<Bytes, radix, false, false>(x, signs, n, step, scale);
  transform_last_levels<Bytes, false>(x, signs, n, step, scale);
}

}  // namespace detail

/// x <- scale H D x for each of `count` vectors of n values that lie one behind the other, n a power of two; H
/// is Sylvester's matrix, in natural order: H_1 = [1], H_2n = [H_n H_n; H_n -H_n]; D are signs, 1 or -1, one of
/// each value of each vector, or none. The same bits on every instruction set. Cost: n log2 n sums; a vector in
/// the first cache is read and written once for every 8 or 16-fold of n.
inline void walsh_hadamard(float* x, const float* signs, index_t n, index_t count, float scale) noexcept {
  multiversion([=](auto width) __attribute__((always_inline)) {
    const bool plain = n * static_cast<index_t>(sizeof(float)) < width;
    for (index_t i = 0; i < count; ++i) {
      const float* const signs_of = signs == nullptr ? signs : signs + i * n;
      if (plain)
        detail::plain_walsh_hadamard(x + i * n, signs_of, n, scale);
      else
        detail::walsh_hadamard_body<width>(x + i * n, signs_of, n, scale);
    }
  });
}

/// The same in double.
inline void walsh_hadamard(double* x, const float* signs, index_t n, index_t count, double scale) noexcept {
  for (index_t i = 0; i < count; ++i)
    detail::plain_walsh_hadamard(x + i * n, signs == nullptr ? signs : signs + i * n, n, scale);
}

}  // namespace bitgauge::simd
