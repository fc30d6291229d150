#pragma once

/// \file
/// A power that is the same on every platform; the C library's may differ in its last bit.

#include <bitgauge/numeric/uncontracted.hpp>

#include <bit>
#include <cmath>
#include <cstdint>

namespace bitgauge::numeric {

/// log2(x) for finite x > 0 and normal, to about 1e-15: with x = 2^k m, sqrt(1/2) <= m < sqrt(2) and
/// s = (m - 1) / (m + 1), log(m) = 2 (s + s^3/3 + s^5/5 + ...).
inline double portable_log2(double x) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xfffffffffffffu) | 0x3ff0000000000000u);
  if (m > 1.4142135623730951) {
    m /= 2;
    ++exponent;
  }
  const double s = (m - 1) / (m + 1), square = s * s;
  double sum = 0;
  for (int k = 21; k >= 1; k -= 2) sum = uncontracted(sum * square) + 1.0 / k;
  return exponent + uncontracted(2.8853900817779268 * uncontracted(s * sum));  // 2 / log(2)
}

/// 2^x, to about 1e-15 where the result is a normal number; zero below, infinity above: the Taylor series of
/// exp(f log(2)), |f| <= 1/2.
inline double portable_exp2(double x) noexcept {
  const double whole = std::nearbyint(x), f = (x - whole) * 0.6931471805599453;
  double sum = 1;
  for (int k = 14; k >= 1; --k) sum = uncontracted(sum * f / k) + 1;
  return std::ldexp(sum, static_cast<int>(whole));
}

/// x^exponent for a positive normal x.
inline double portable_power(double x, double exponent) noexcept {
  return portable_exp2(exponent * portable_log2(x));
}

}  // namespace bitgauge::numeric
