#pragma once

/// \file
/// Products with small matrices of 1 and -1.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/lanes/vector.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace bitgauge::simd {

/// A square matrix of 1 and -1 whose size is a multiple of 4, at most most_size, as sign_product() reads it.
class sign_matrix {
 public:
  static constexpr index_t most_size = 176, alignment = 16;

  /// entry(i, j): 1 or -1.
  template <class Entry>
  sign_matrix(index_t size, const Entry& entry)
      : size_(size),
        stride_((size + alignment - 1) / alignment * alignment),
        columns_(static_cast<std::size_t>(size * stride_)),
        patterns_(static_cast<std::size_t>(size * size / 4)) {
    for (index_t i = 0; i < size; ++i)
      for (index_t j = 0; j < size; ++j) {
        const bool negative = entry(i, j) < 0;
        columns_[static_cast<std::size_t>(j * stride_ + i)] = negative ? -1.0f : 1.0f;
        auto& pattern = patterns_[static_cast<std::size_t>(j / 4 * size + i)];
        if (negative) pattern = static_cast<std::uint8_t>(pattern | 1u << (j % 4));
      }
  }

  index_t size() const noexcept { return size_; }
  /// Column j: size() values and zeros, up to the next multiple of `alignment`.
  const float* column(index_t j) const noexcept { return columns_.data() + j * stride_; }
  /// Columns 4 group, ..., 4 group + 3: of each row a bit for each of them, set where the entry is -1.
  const std::uint8_t* patterns(index_t group) const noexcept { return patterns_.data() + group * size_; }

 private:
  index_t size_, stride_;
  std::vector<float> columns_;
  std::vector<std::uint8_t> patterns_;
};

namespace detail {

/// The definition, which vectors follow bit for bit: (a + b) + (c + d) of four rows of x with their signs, and
/// the sum of these from the first four to the last. A product with 1 or -1 is exact, so that it does not
/// matter whether it is fused with a sum.
template <class Scalar>
void plain_sign_product(Scalar* x, const sign_matrix& matrix, index_t columns, Scalar scale) noexcept {
  const index_t size = matrix.size();
  for (index_t column = 0; column < columns; ++column) {
    Scalar sums[sign_matrix::most_size] = {};
    for (index_t k = 0; k < size; k += 4)
      for (index_t i = 0; i < size; ++i) {
        Scalar signed_values[4];
        for (index_t j = 0; j < 4; ++j)
          signed_values[j] = static_cast<Scalar>(matrix.column(k + j)[i]) * x[(k + j) * columns + column];
        sums[i] += (signed_values[0] + signed_values[1]) + (signed_values[2] + signed_values[3]);
      }
    for (index_t i = 0; i < size; ++i) x[i * columns + column] = sums[i] * scale;
  }
}

/// One vector of columns. Four rows of x have 16 sums, of which every row of the product takes one: a quarter of
/// the additions (Arlazarov, Dinic, Kronrod and Faradzev, Soviet Math. Dokl. 11, 1970).
template <int Bytes>
[[gnu::always_inline]] inline void multiply_columns(float* x, const sign_matrix& matrix, index_t columns,
                                                    float scale) noexcept {
  using floats = vector<float, Bytes / 4>;
  const index_t size = matrix.size();
  floats sums[sign_matrix::most_size];
  for (index_t i = 0; i < size; ++i) sums[i] = floats{};
  for (index_t k = 0; k < size; k += 4) {
    floats v[4], of_four[16];
    for (index_t j = 0; j < 4; ++j) std::memcpy(&v[j], x + (k + j) * columns, Bytes);
    const floats first[4] = {v[0] + v[1], v[1] - v[0], v[0] - v[1], -(v[0] + v[1])};
    const floats second[4] = {v[2] + v[3], v[3] - v[2], v[2] - v[3], -(v[2] + v[3])};
    for (int j = 0; j < 16; ++j) of_four[j] = first[j % 4] + second[j / 4];
    const std::uint8_t* const patterns = matrix.patterns(k / 4);
    for (index_t i = 0; i < size; ++i) sums[i] += of_four[patterns[i]];
  }
  for (index_t i = 0; i < size; ++i) {
    const floats scaled = sums[i] * scale;
    std::memcpy(x + i * columns, &scaled, Bytes);
  }
}

/// One column, vectors of rows of the product.
template <int Bytes>
[[gnu::always_inline]] inline void multiply_column(float* x, const sign_matrix& matrix, index_t columns,
                                                   float scale) noexcept {
  constexpr index_t lanes = Bytes / 4;
  using floats = vector<float, lanes>;
  const index_t size = matrix.size();
  floats sums[static_cast<std::size_t>(sign_matrix::most_size / lanes)] = {};
  for (index_t k = 0; k < size; k += 4) {
    const float* const signs[4] = {matrix.column(k), matrix.column(k + 1), matrix.column(k + 2),
                                   matrix.column(k + 3)};
    for (index_t i = 0; i < size; i += lanes) {
      floats v[4];
#pragma GCC unroll 4
      for (index_t j = 0; j < 4; ++j) {
        std::memcpy(&v[j], signs[j] + i, Bytes);
        v[j] *= x[(k + j) * columns];
      }
      sums[i / lanes] += (v[0] + v[1]) + (v[2] + v[3]);
    }
  }
  for (index_t i = 0; i < size; ++i) x[i * columns] = sums[i / lanes][i % lanes] * scale;
}

}  // namespace detail

/// x <- scale S x for a matrix S of signs and x of as many rows and of `columns` columns, one row behind the
/// other. The same bits on every instruction set. Cost: for S of size K, (K / 4 + 4) K sums a column.
inline void sign_product(float* x, const sign_matrix& matrix, index_t columns, float scale) noexcept {
  multiversion([&](auto width) __attribute__((always_inline)) {
    constexpr index_t lanes = width / 4;
    index_t column = 0;
    for (; column + lanes <= columns; column += lanes)
      detail::multiply_columns<width>(x + column, matrix, columns, scale);
    for (; column < columns; ++column) detail::multiply_column<width>(x + column, matrix, columns, scale);
  });
}

/// The same in double.
inline void sign_product(double* x, const sign_matrix& matrix, index_t columns, double scale) noexcept {
  detail::plain_sign_product(x, matrix, columns, scale);
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
