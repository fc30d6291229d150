#pragma once

/// \file
/// NormalFloat of any width: quantiles of the normal distribution as a codebook.

#include <bitgauge/error.hpp>
#include <bitgauge/grid/codebook.hpp>

#include <array>
#include <cstddef>

namespace bitgauge {
namespace detail {

/// e^x, 0 <= x < 4, by its series.
constexpr double exponential(double x) {
  double sum = 1, term = 1;
  for (int k = 1; k < 48; ++k) sum += term *= x / k;
  return sum;
}

/// The x >= 0 at which the normal distribution function is `probability`, 1/2 to 0.99: by Newton's method on
/// Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + ..). Its errors, some 10^-15, are far below those of the
/// binary32 numbers that are made of it.
constexpr double normal_quantile(double probability) {
  constexpr double density_at_0 = 0.398942280401432677939946059934;  // 1 / sqrt(2 pi)
  double x = 0;
  for (int step = 0; step < 8; ++step) {
    const double density = density_at_0 / exponential(x * x / 2);
    double sum = x, term = x;
    for (int k = 1; k < 60; ++k) sum += term *= x * x / (2 * k + 1);
    x -= 0.5 / density + sum - probability / density;
  }
  return x;
}

/// Levels of 2^Bits: 0, the quantiles of half of them above and of one less below, all over the largest. As
/// bitsandbytes' create_normal_map computes them: probabilities are equally spaced binary32 numbers counted
/// from the nearer end, quantiles are rounded to binary32, and so are their ratios.
template <int Bits>
constexpr std::array<float, std::size_t{1} << Bits> quantile_levels() {
  constexpr int half = 1 << (Bits - 1);
  constexpr float outermost = 0.9677083f;
  std::array<float, std::size_t{1} << Bits> levels{};
  const auto largest = static_cast<float>(normal_quantile(static_cast<double>(outermost)));
  const auto level = [&](int i, int points) {
    const float step = (0.5f - outermost) / static_cast<float>(points - 1);
    const float probability = i < points / 2 ? outermost + step * static_cast<float>(i)
                                             : 0.5f - step * static_cast<float>(points - 1 - i);
    return static_cast<float>(normal_quantile(static_cast<double>(probability))) / largest;
  };
  for (int i = 0; i < half; ++i) levels[static_cast<std::size_t>(2 * half - 1 - i)] = level(i, half + 1);
  for (int i = 0; i + 1 < half; ++i) levels[static_cast<std::size_t>(i)] = -level(i, half);
  return levels;
}

}  // namespace detail

/// The levels of NormalFloat of 2 to 6 bits, ascending, from -1 to 1 with an exact 0 (Dettmers et al., "QLoRA",
/// NeurIPS 2023, section 3): with Q the normal quantile function and d = 0.9677083, bitsandbytes' offset for
/// every width, i steps above zero there is Q(1/2 + i (d - 1/2) / h) / Q(d), i = 1..h, h = 2^(Bits - 1), and
/// below it -Q(1/2 + i (d - 1/2) / (h - 1)) / Q(d), i = 1..h-1. At 4 bits these are nf4's levels to the bit.
template <int Bits>
requires(Bits >= 2 && Bits <= 6)
inline constexpr std::array<float, std::size_t{1} << Bits> normal_float_levels =
    detail::quantile_levels<Bits>();

/// NormalFloat of 2 to 6 bits: normal_float<4> is nf4 by another name. The scale of a group is its absmax.
///
///     auto q = quantize(W, normal_float<3>{}, per_block{64});
template <int Bits>
struct normal_float : fixed_codebook<normal_float_levels<Bits>> {};

/// The same at run time. Throws invalid_scheme unless there are 2 to 6 bits.
template <int None = 0>
codebook_grid make_normal_float(int bits) {
  // by address: GCC takes ten seconds to copy five constants of thousands of bytes otherwise; by the parameter, which
  // is 0, so that only who calls this has the compiler compute the levels
  static constexpr std::array<const codebook_grid*, 5> of_bits{
      &normal_float<2 + None>::codebook, &normal_float<3 + None>::codebook, &normal_float<4 + None>::codebook,
      &normal_float<5 + None>::codebook, &normal_float<6 + None>::codebook};
  if (bits < 2 || bits > 6)
    detail::raise_message<invalid_scheme>({"normal_float: bits: expected 2 to 6, found ", bits});
  return *of_bits[static_cast<std::size_t>(bits - 2)];
}

}  // namespace bitgauge
