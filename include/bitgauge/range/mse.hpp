#pragma once

/// \file
/// The range that minimises the squared error.

#include <bitgauge/effort.hpp>
#include <bitgauge/range/range.hpp>
#include <bitgauge/scale/codec.hpp>

namespace bitgauge {

/// The scale, and for an affine grid the zero point, of least squared error
///     E(s, z) = sum_i w_i (x_i - s (q_i - z))^2,   q_i the code nearest to x_i / s + z,
/// with w the importance of each value. E is piecewise quadratic in s: for fixed codes its least value is
/// taken in closed form, so that a trial of one scale also yields the best scale for that scale's codes.
///
/// Effort      tries                                          error above the least      MB/s of float
/// fast        8 scales                                       0.4 %  (2-5 bits, < 5 %)   770
/// normal      24 scales, closer ones around the best of them 0.1 %                      570
///             where they lie far apart (groups above 100)
/// best        all that can win: the true minimum             0                          80
/// Measured on `symmetric<4>` in groups of 32 of Gaussian data, one thread with AVX-512; with an affine grid
/// 500, 300 and 50. At 8 bits in small groups, where luck decides between hundreds of scales, normal stays
/// 3 % and fast 10 % above the least, which costs 10 MB/s to find.
///
/// Scales are those that the storage holds: for f32 the least error rounded, for f16 and bf16 the best of the
/// stored values. Where stored values lie far apart (E8M0, E4M3), all that can win are tried at every effort.
/// A one-bit symmetric grid gets the weighted mean magnitude. Any other grid is searched by its levels, with
/// nearest levels. All weights zero counts as no weights. Throws invalid_scheme for effort::reference: no other
/// system's search is reproduced.
struct mse_range {
  bitgauge::effort effort = bitgauge::effort::normal;

  BITGAUGE_DECLARE parameters fit(const group_values& values, const any_grid& grid,
                                  const scale_codec& storage) const;

  friend constexpr bool operator==(const mse_range&, const mse_range&) = default;
};

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/range/mse_definitions.hpp>
#endif
