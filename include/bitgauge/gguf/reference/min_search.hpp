#pragma once

/// \file
/// ggml's search for the scale and the minimum of sub-blocks, sixteen sub-blocks side by side: a lane does
/// what ggml does for one, operation by operation. Source: ggml's quantizers, `ggml-quants.c`.

#include <bitgauge/gguf/reference/arithmetic.hpp>
#include <bitgauge/gguf/search/sub_block_lanes.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::reference {

/// The trial scales of search_with_minimum: (first + step * i + most) / (max - min), i = 0..last.
struct trial_plan {
  int most;  ///< the largest code
  float first, step;
  int last;
  bool absolute = false;  ///< weigh |error| rather than its square
};

/// For each sub-block: x is about scale * code - minimum, where code is the integer nearest to
/// inverse_scale * (x - low), clamped.
struct scales_and_minima {
  std::array<float, 16> scale, minimum, inverse_scale, low;

  /// The codes of one sub-block.
  void encode(std::size_t lane, const float* x, int count, int most, std::uint8_t* codes) const noexcept {
    for (int j = 0; j < count; ++j) {
      codes[j] = static_cast<std::uint8_t>(nearest(inverse_scale[lane] * (x[j] - low[lane]), 0, most));
    }
  }
};

namespace detail {

template <int Count, int Bytes>
[[gnu::always_inline]] inline void search_in_lanes(const trial_plan& plan, const sub_block_lanes<Count>& of,
                                                   scales_and_minima& found) noexcept {
  using lanes = simd::lanes<Bytes>;
  const lanes zero = lanes::all(0.0f), one = lanes::all(1.0f),
              most = lanes::all(static_cast<float>(plan.most));
  const auto x = [&](std::size_t j) __attribute__((always_inline)) {
    return lanes::load(of.x[j].data());
  };
  const auto w = [&](std::size_t j) __attribute__((always_inline)) {
    return lanes::load(of.weight[j].data());
  };

  lanes low = x(0), high = x(0), sum_w = w(0), sum_x = w(0) * x(0);
  for (std::size_t j = 1; j < of.x.size(); ++j) {
    low = smaller(low, x(j));
    high = greater(high, x(j));
    sum_w += w(j);
    sum_x += w(j) * x(j);
  }
  low = smaller(low, zero);
  const lanes greatest = high, least = low;
  // sum w |e| or w e^2 of e = scale * code + low - x
  const auto error_of = [&](const lanes& inverse, const lanes& from, const lanes& scale, const lanes& to)
      __attribute__((always_inline)) {
    lanes error = zero;
    for (std::size_t j = 0; j < of.x.size(); ++j) {
      const lanes code = (inverse * (x(j) - from)).nearest_within(0, plan.most);
      const lanes difference = scale * code + to - x(j);
      error += w(j) * (plan.absolute ? greater(difference, zero - difference) : difference * difference);
    }
    return error;
  };
  lanes kept_inverse = most / (high - low), kept_low = low, scale = one / kept_inverse;
  lanes least_error = error_of(kept_inverse, low, scale, low);
  for (int i = 0; i <= plan.last; ++i) {
    const float wanted =
        plan.first + product(plan.step, static_cast<float>(i)) + static_cast<float>(plan.most);
    const lanes inverse = lanes::all(wanted) / (high - low);
    lanes sum_l = zero, sum_ll = zero, sum_xl = zero;
    for (std::size_t j = 0; j < of.x.size(); ++j) {
      const lanes code = (inverse * (x(j) - low)).nearest_within(0, plan.most);
      const lanes weighted = w(j) * code;
      sum_l += weighted;
      sum_ll += weighted * code;
      sum_xl += weighted * x(j);
    }
    const lanes determinant = sum_w * sum_ll - sum_l * sum_l;
    const lanes free_low = (sum_ll * sum_x - sum_l * sum_xl) / determinant;
    const lanes free_scale = (sum_w * sum_xl - sum_x * sum_l) / determinant;
    const lanes trial_low = where_less(zero, free_low, zero, free_low);
    const lanes trial_scale = where_less(zero, free_low, sum_xl / sum_ll, free_scale);
    const lanes error = error_of(inverse, low, trial_scale, trial_low);
    // Not where the determinant is not positive.
    const lanes counted = where_less(zero, determinant, error, lanes::all(HUGE_VALF));
    scale = where_less(counted, least_error, trial_scale, scale);
    kept_inverse = where_less(counted, least_error, inverse, kept_inverse);
    kept_low = where_less(counted, least_error, low, kept_low);
    low = where_less(counted, least_error, trial_low, low);
    least_error = where_less(counted, least_error, counted, least_error);
  }
  // A sub-block of one value: codes and scale 0.
  scale = where_less(least, greatest, scale, zero);
  kept_inverse = where_less(least, greatest, kept_inverse, zero);
  low = where_less(least, greatest, low, least);
  scale.store(found.scale.data());
  low.store(found.minimum.data());
  kept_inverse.store(found.inverse_scale.data());
  kept_low.store(found.low.data());
  for (float& minimum : found.minimum) minimum = -minimum;  // 0 becomes -0, as in ggml
}

}  // namespace detail

/// Codes 0..plan.most with a scale and a minimum of at least 0 for sixteen sub-blocks.
template <int Count>
scales_and_minima search_with_minimum(const trial_plan& plan, const sub_block_lanes<Count>& of) noexcept {
  scales_and_minima found;
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    detail::search_in_lanes<Count, width()>(plan, of, found);
  });
  return found;
}

}  // namespace bitgauge::gguf::reference
