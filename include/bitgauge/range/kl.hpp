#pragma once

/// \file
/// The range that keeps most of the distribution's information.

#include <bitgauge/range/observer/histogram.hpp>
#include <bitgauge/range/range.hpp>
#include <bitgauge/scale/codec.hpp>

namespace bitgauge {
/// The interval [-t, t], cut to the values' extent, that keeps most of what the values say of their
/// distribution: the least Kullback-Leibler divergence D(P || Q) between the values' histogram P and what is
/// left of it after quantizing, Q; after Migacz, 8-bit inference with TensorRT, GTC 2017.
///
/// Migacz adds what lies outside of [-t, t] to the outermost bin of P, but not of Q. In a window of few
/// occupied bins nearly all of P then lies on its edge, where any Q equals it: the divergence vanishes
/// exactly where everything is lost. Here P stays whole and Q is the real redistribution of it. With c_i the
/// counts of N values in B occupied bins, k(i) the code of bin i, C_k the counts of all bins of code k, those
/// that are clipped to it included, and b_k the number of its bins within the limit,
///
///     q_i = (1 - e) C_k(i) / (N b_k(i)) + e / B  within the limit,    e / B  beyond it,    e = 2^-10,
///     D   = sum_i c_i/N log(c_i/N) - sum_k I_k/N log(q_k) - O/N log(e / B),
///
/// where I_k are the counts of code k within the limit and O those beyond it. The first sum does not depend
/// on the limit. The second is what merging bins costs: for a smooth density f and a step s it grows as s^2 /
/// 24 * integral of f'^2 / f, which asks for a small limit; the third is what clipping costs and asks for a
/// large one. P and Q are distributions over the same bins, so that D >= 0, and a window that drops the bulk
/// costs about log(1 / e). Values rarer than e together cost next to nothing: these are the outliers that
/// this range cuts off.
///
/// What is no candidate:
/// - a limit beyond which lie more than a half of the values, and one narrower than the levels;
/// - one whose squared error is more than 2^((bits - 4) / 4) times that of min-max: 1 up to 4 bits, 2 at 8.
///
/// The divergence does not see how far a value is moved; the squared error does. Of values at hand it is
/// measured, so that the bound holds for them; of a histogram it is estimated from the bins, to their least
/// and most where bins stand alone. Hence tensors of few values, constants and lattices get their extent.
/// Of equal divergences (to 2^-40 nats) the widest limit wins. min-max is always a candidate.
///
/// The grid's own codes decide which bins merge, so that every grid is served; a one-bit symmetric grid,
/// whose scale is no limit, gets the mean magnitude. Values are counted with their weights; those of weight 0
/// do not count. Mirrored values get the mirrored interval, values times 2^k 2^k times the interval.
///
/// `bins` a side; 0 takes 2048, or fewer for groups below 16384 values. At most 256 candidates. Cost:
/// occupied bins times candidates, some milliseconds for a tensor, and two passes over the values.
struct kl_range {
  int bins = 0;

  BITGAUGE_DECLARE parameters fit(const group_values& group, const any_grid& grid,
                                  const scale_codec& storage) const;
  /// The same for a histogram, of which smallest and largest must be those of the values.
  BITGAUGE_DECLARE parameters fit(const histogram& h, const any_grid& grid, const scale_codec& storage) const;

  friend constexpr bool operator==(const kl_range&, const kl_range&) = default;
};

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/range/kl_definitions.hpp>
#endif
