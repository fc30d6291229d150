#pragma once

/// \file
/// The inner steps of the searches over evenly spaced levels: many scales and minima at once, a trial in
/// each lane, elements one after the other, so that the sums do not depend on the number of lanes.

#include <bitgauge/gguf/search/weighted_sums.hpp>
#include <bitgauge/simd/lanes/lanes.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::best {

/// Divides by 2^exponent: by two factors, as one could leave the range of float.
class power_divisor {
  float first_, second_;

 public:
  explicit power_divisor(int exponent) noexcept
      : first_(std::scalbn(1.0f, -(exponent / 2))), second_(std::scalbn(1.0f, exponent / 2 - exponent)) {}
  float operator()(float value) const noexcept { return value * first_ * second_; }
};

/// A block's elements and weights times powers of two, so that the greatest of each lies in 1..2 and no sum
/// of squares can overflow; or the same with the signs of the elements turned. What has no vectors is not inlined:
/// it is compiled once for all instruction sets.
template <int Elements>
struct scaled_elements {
  alignas(64) std::array<float, static_cast<std::size_t>(Elements)> x, weight;
  int exponent = 0;  ///< of the power of two that `x` was divided by

  /// Weights of 1 where `importance` is null; none is less than 2^-60 of the greatest.
  [[gnu::noinline]] scaled_elements(const float* values, const float* importance) noexcept {
    float most = 0.0f, most_weight = 0.0f;
    for (std::size_t j = 0; j < x.size(); ++j) {
      most = std::max(most, std::abs(values[j]));
      weight[j] = importance != nullptr ? importance[j] : 1.0f;
      most_weight = std::max(most_weight, weight[j]);
    }
    exponent = most > 0.0f ? std::ilogb(most) : 0;
    const power_divisor scaled(exponent), scaled_weight(most_weight > 0.0f ? std::ilogb(most_weight) : 0);
    for (std::size_t j = 0; j < x.size(); ++j) {
      x[j] = scaled(values[j]);
      weight[j] = std::max(scaled_weight(weight[j]), 0x1p-60f);
    }
  }

  void turn_signs() noexcept {
    for (float& value : x) value = -value;
  }

  /// The error of zeros, sum w x^2.
  [[gnu::noinline]] double energy() const noexcept {
    double sum = 0.0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const auto value = static_cast<double>(x[j]);
      sum += product(static_cast<double>(weight[j]), product(value, value));
    }
    return sum;
  }
};

/// The least of errors that come sixteen at a time, and where it was: the first of equals.
template <int Bytes>
struct running_least {
  using lanes = simd::lanes<Bytes>;

  lanes error = lanes::all(HUGE_VALF), first = lanes::all(0.0f);

  /// Takes the errors of trials k, k + 1, ...
  [[gnu::always_inline]] void take(std::size_t k, const lanes& errors) noexcept {
    first = where_less(errors, error, lanes::all(static_cast<float>(k)), first);
    error = where_less(errors, error, errors, error);
  }
  struct trial {
    std::size_t place;
    float error;
  };
  [[gnu::always_inline]] trial found() const noexcept {
    std::array<float, lanes::count> errors, places;
    error.store(errors.data());
    first.store(places.data());
    for (std::size_t k = 0; k < lanes::count; ++k) places[k] += static_cast<float>(k);
    for (std::size_t half = lanes::count / 2; half > 0; half /= 2) {
      for (std::size_t k = 0; k < half; ++k) {
        const float other = errors[k + half], place = places[k + half];
        const bool wins = other < errors[k] || (other == errors[k] && place < places[k]);
        errors[k] = wins ? other : errors[k];
        places[k] = wins ? place : places[k];
      }
    }
    return {static_cast<std::size_t>(places[0]), errors[0]};
  }
};

/// sum w (x - scale l - minimum)^2 over the levels l of 0..Most nearest to (x - minimum) / scale.
template <int Most, int Count, int Bytes>
[[gnu::always_inline]] inline simd::lanes<Bytes> affine_error(const float* x, const float* weight,
                                                              const simd::lanes<Bytes>& scale,
                                                              const simd::lanes<Bytes>& minimum) noexcept {
  using lanes = simd::lanes<Bytes>;
  const lanes inverse = lanes::all(1.0f) / scale;
  lanes error = lanes::all(0.0f);
  for (std::size_t j = 0; j < static_cast<std::size_t>(Count); ++j) {
    const lanes above = lanes::all(x[j]) - minimum;
    const lanes rest = above - scale * (above * inverse).nearest_within(0, Most);
    error = error + lanes::all(weight[j]) * rest * rest;
  }
  return error;
}

/// Moves scale and minimum in every lane to the least error for the levels that they lead to, and returns that
/// error. The solution is found as a step from the residuals, which loses no digits to cancellation.
template <int Most, int Count, int Bytes>
[[gnu::always_inline]] inline simd::lanes<Bytes> least_squares_step(const float* x, const float* weight,
                                                                    simd::lanes<Bytes>& scale,
                                                                    simd::lanes<Bytes>& minimum) noexcept {
  using lanes = simd::lanes<Bytes>;
  const lanes zero = lanes::all(0.0f), inverse = lanes::all(1.0f) / scale;
  lanes error = zero, with_rest = zero, rests = zero, levels = zero, squares = zero;
  float total = 0.0f;
  for (std::size_t j = 0; j < static_cast<std::size_t>(Count); ++j) {
    const lanes above = lanes::all(x[j]) - minimum;
    const lanes level = (above * inverse).nearest_within(0, Most);
    const lanes rest = above - scale * level;
    const lanes weighted = lanes::all(weight[j]) * rest, weighted_level = lanes::all(weight[j]) * level;
    error = error + weighted * rest;
    rests = rests + weighted;
    with_rest = with_rest + weighted * level;
    levels = levels + weighted_level;
    squares = squares + weighted_level * level;
    total += weight[j];
  }
  const lanes share = lanes::all(1.0f / total);
  const lanes gradient = with_rest - levels * rests * share;
  const lanes curvature = squares - levels * levels * share;
  // All elements on one level leave the scale open.
  const lanes least = lanes::all(1e-6f) * squares + lanes::all(1e-30f);
  const lanes by = where_less(least, curvature, gradient, zero) /
                   where_less(least, curvature, curvature, lanes::all(1.0f));
  scale = scale + by;
  minimum = minimum + (rests - levels * by) * share;
  return error - gradient * by - rests * rests * share;
}

}  // namespace bitgauge::gguf::best
