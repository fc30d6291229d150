#pragma once

/// \file
/// Products with small matrices of 1 and -1.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/multiversion.hpp>
#include <bitgauge/simd/vector.hpp>

#include <cstddef>
#include <cstring>

namespace bitgauge::simd {

/// The most rows that sign_product() takes, and a multiple of which the rows of its matrices lie apart.
inline constexpr index_t most_signs = 176, sign_alignment = 16;

namespace detail {

/// The definition, which vectors follow bit for bit: sums from the first row of x to the last. A product with
/// 1 or -1 is exact, so that it does not matter whether it is fused with the sum.
template <class Scalar>
void plain_sign_product(Scalar* x, const float* signs, index_t size, index_t columns, Scalar scale) noexcept {
  const index_t stride = (size + sign_alignment - 1) / sign_alignment * sign_alignment;
  for (index_t column = 0; column < columns; ++column) {
    Scalar sums[most_signs] = {};
    for (index_t k = 0; k < size; ++k)
      for (index_t i = 0; i < size; ++i)
        sums[i] += static_cast<Scalar>(signs[k * stride + i]) * x[k * columns + column];
    for (index_t i = 0; i < size; ++i) x[i * columns + column] = sums[i] * scale;
  }
}

/// One vector of columns, a few rows of the product at a time.
template <int Bytes>
[[gnu::always_inline]] inline void multiply_columns(float* x, const float* signs, index_t size,
                                                    index_t columns, index_t stride, float scale) noexcept {
  using floats = vector<float, Bytes / 4>;
  constexpr int height = 4;  // all sizes are multiples of it
  floats products[most_signs];
  for (index_t i = 0; i < size; i += height) {
    floats sums[height] = {};
    for (index_t k = 0; k < size; ++k) {
      floats v;
      std::memcpy(&v, x + k * columns, Bytes);
#pragma GCC unroll 4
      for (int j = 0; j < height; ++j) sums[j] += v * signs[k * stride + i + j];
    }
#pragma GCC unroll 4
    for (int j = 0; j < height; ++j) products[i + j] = sums[j] * scale;
  }
  for (index_t i = 0; i < size; ++i) std::memcpy(x + i * columns, &products[i], Bytes);
}

/// One column, vectors of rows of the product.
template <int Bytes>
[[gnu::always_inline]] inline void multiply_column(float* x, const float* signs, index_t size,
                                                   index_t columns, index_t stride, float scale) noexcept {
  using floats = vector<float, Bytes / 4>;
  constexpr int height = sign_alignment * 4 / Bytes;
  float products[most_signs];
  for (index_t i = 0; i < size; i += sign_alignment) {
    floats sums[height] = {};
    for (index_t k = 0; k < size; ++k)
#pragma GCC unroll 4
      for (int j = 0; j < height; ++j) {
        floats v;
        std::memcpy(&v, signs + k * stride + i + j * (Bytes / 4), Bytes);
        sums[j] += v * x[k * columns];
      }
    for (int j = 0; j < height; ++j) {
      const floats scaled = sums[j] * scale;
      std::memcpy(products + i + j * (Bytes / 4), &scaled, Bytes);
    }
  }
  for (index_t i = 0; i < size; ++i) x[i * columns] = products[i];
}

}  // namespace detail

/// x <- scale S^T x for x of `size` rows and `columns` columns, one row behind the other, and a matrix S of 1
/// and -1, whose rows lie the next multiple of sign_alignment apart, filled up with zeros. `size` is a
/// multiple of 4, at most most_signs. The same bits on every instruction set. Cost: size^2 columns sums.
inline void sign_product(float* x, const float* signs, index_t size, index_t columns, float scale) noexcept {
  const index_t stride = (size + sign_alignment - 1) / sign_alignment * sign_alignment;
  multiversion([=](auto width) __attribute__((always_inline)) {
    constexpr index_t lanes = width / 4;
    index_t column = 0;
    for (; column + lanes <= columns; column += lanes)
      detail::multiply_columns<width>(x + column, signs, size, columns, stride, scale);
    for (; column < columns; ++column)
      detail::multiply_column<width>(x + column, signs, size, columns, stride, scale);
  });
}

/// The same in double.
inline void sign_product(double* x, const float* signs, index_t size, index_t columns,
                         double scale) noexcept {
  detail::plain_sign_product(x, signs, size, columns, scale);
}

/// x[i] *= signs[i], 1 or -1.
inline void multiply_by_signs(float* x, const float* signs, index_t count) noexcept {
  multiversion([=](auto width) __attribute__((always_inline)) {
    constexpr index_t lanes = width / 4;
    index_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      vector<float, width / 4> v, s;
      std::memcpy(&v, x + i, width);
      std::memcpy(&s, signs + i, width);
      v *= s;
      std::memcpy(x + i, &v, width);
    }
    for (; i < count; ++i) x[i] *= signs[i];
  });
}

/// The same in double.
inline void multiply_by_signs(double* x, const float* signs, index_t count) noexcept {
  for (index_t i = 0; i < count; ++i) x[i] *= static_cast<double>(signs[i]);
}

}  // namespace bitgauge::simd
