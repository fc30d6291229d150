#pragma once

/// \file
/// Hadamard matrices whose size is no power of two.

#include <bitgauge/base/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bitgauge {

/// Sizes K whose Hadamard matrices are known here, besides powers of two: those that QuaRot (Ashkboos et al.,
/// arXiv 2404.00456, NeurIPS 2024), QuIP# (Tseng et al., arXiv 2402.04396, ICML 2024) and SpinQuant (Liu et
/// al., arXiv 2405.16406) need for the layers of language models. Where 20 and 40 divide, 40 is meant.
inline constexpr std::array<index_t, 12> hadamard_matrix_sizes = {172, 156, 140, 108, 60, 52,
                                                                  36,  28,  44,  40,  20, 12};

namespace detail {

/// The Legendre symbol (a / p), p an odd prime, by Euler's criterion: 1 for squares, -1 for others, 0 for 0.
constexpr int legendre(index_t a, index_t p) noexcept {
  index_t power = 1, square = (a % p + p) % p;
  for (index_t exponent = (p - 1) / 2; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) power = power * square % p;
    square = square * square % p;
  }
  return power == p - 1 ? -1 : static_cast<int>(power);
}

/// Paley's first construction (On orthogonal matrices, J. Math. Phys. 12, 1933) of size p + 1, p = 3 mod 4:
/// Legendre symbols of i - j, bordered, plus the identity.
constexpr int paley_first(index_t size, index_t i, index_t j) noexcept {
  if (j == 0 || i == j) return 1;
  return i == 0 ? -1 : legendre(i - j, size - 1);
}

/// Paley's second construction of size 2 (p + 1), p = 1 mod 4: [C + I, C - I; C - I, -C - I] with the
/// symmetric conference matrix C of Legendre symbols.
constexpr int paley_second(index_t size, index_t i, index_t j) noexcept {
  const index_t half = size / 2, row = i % half, column = j % half;
  if (row == column) return i < half && j < half ? 1 : -1;
  const int entry = row == 0 || column == 0 ? 1 : legendre(row - column, half - 1);
  return i >= half && j >= half ? -entry : entry;
}

/// First rows of four symmetric circulants of odd size; bit d is set where entry d is -1.
using williamson_rows = std::array<std::uint64_t, 4>;

/// Williamson's array (Hadamard's determinant theorem and the sum of four squares, Duke Math. J. 11, 1944) of
/// circulants A, B, C, D: [A B C D; -B A -D C; -C D A -B; -D -C B A].
constexpr int williamson(const williamson_rows& rows, index_t size, index_t i, index_t j) noexcept {
  const index_t quarter = size / 4, row = i / quarter, column = j / quarter;
  const index_t distance = (j % quarter - i % quarter + quarter) % quarter;
  const std::uint64_t first_row = rows[static_cast<std::size_t>(row ^ column)];
  constexpr unsigned negative[] = {0b0000, 0b0101, 0b1001, 0b0011};  // bit b: block b of a row
  const bool minus = (first_row >> distance & 1u) != (negative[row] >> column & 1u);
  return minus ? -1 : 1;
}

// A^2 + B^2 + C^2 + D^2 = K I; of the many such sequences those of Sloane's library of Hadamard matrices
// (neilsloane.com/hadamard: had.52.will, had.156.will, had.172.will), which QuaRot's tables quote.
inline constexpr williamson_rows williamson_52 = {0x161a, 0x1c0e, 0x0b34, 0x1ede};
inline constexpr williamson_rows williamson_156 = {0x1afb3cdf58, 0x0ecf5af370, 0x1975bdae98, 0x72be247d4e};
inline constexpr williamson_rows williamson_172 = {0x730a26450ce, 0x207ac935e04, 0x14d42f42b28,
                                                   0x385b3fcda1c};

}  // namespace detail

/// Entry (i, j), 1 or -1, of the Hadamard matrix of a size of hadamard_matrix_sizes, in the signs and the
/// order of rows of QuaRot's tables: H H^T = K I.
constexpr int hadamard_matrix_entry(index_t size, index_t i, index_t j) noexcept {
  switch (size) {
    case 28:
    case 36:
      return detail::paley_second(size, i, j);
    case 40: {  // Sylvester's doubling of 20
      const int entry = detail::paley_first(20, i % 20, j % 20);
      return i >= 20 && j >= 20 ? -entry : entry;
    }
    case 52:
      return detail::williamson(detail::williamson_52, size, i, j);
    case 156:
      return detail::williamson(detail::williamson_156, size, i, j);
    case 172:
      return detail::williamson(detail::williamson_172, size, i, j);
    default:
      return detail::paley_first(size, i, j);
  }
}

}  // namespace bitgauge
