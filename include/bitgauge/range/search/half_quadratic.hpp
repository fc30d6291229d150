#pragma once

/// \file
/// HQQ: zero points (and scales) that minimise an l_p error with p < 1, without calibration data. Badri and
/// Shaji, "Half-Quadratic Quantization of Large Machine Learning Models", 2023.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/power.hpp>
#include <bitgauge/numeric/uncontracted.hpp>
#include <bitgauge/range/range.hpp>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace bitgauge {

/// The half-quadratic search. With r = (q - zero) / s the reconstruction of w by codes q, s the inverse
/// scale, each step takes
///
///     e = shrink(w - r),  shrink(v) = sign(v) * max(|v| - |v|^(norm - 1) / beta, 0)
///     zero = mean over the group of (q - (w - e) * s)
///
/// until the mean of |w - r| no longer falls.
struct hqq_search {
  float norm = 0.7f;
  float beta = 10;
  float growth = 1;        ///< beta is multiplied by it after each step (1.01 in the reference's v2)
  int iterations = 20;     ///< at most
  bool keep_best = false;  ///< ends with the zero whose codes had the least error instead of the last zero
  bool stop_early = true;

  /// The reference's three variants.
  static constexpr hqq_search legacy() { return {}; }
  static constexpr hqq_search v2() { return {.growth = 1.01f, .keep_best = true}; }
  static constexpr hqq_search slow() { return {.growth = 1.01f, .iterations = 100, .stop_early = false}; }
};

namespace detail {

/// One group on HQQ's own terms: w = (q - zero) / inverse_scale, `zero` not an integer.
struct hqq_group {
  float inverse_scale = 1;
  float zero = 0;
  float highest = 15;  ///< 2^bits - 1

  /// (2^bits - 1) / (max - min), at most 2e4; 1 where max - min <= 1e-4.
  static hqq_group from_extent(float low, float high, float highest) noexcept {
    const float length = high - low;
    hqq_group group;
    group.highest = highest;
    group.inverse_scale = length <= 1e-4f ? 1.0f : std::min(highest / length, 2e4f);
    group.zero = -low * group.inverse_scale;
    return group;
  }

  float code(float w) const noexcept {
    return std::clamp(std::nearbyint(numeric::uncontracted(w * inverse_scale) + zero), 0.0f, highest);
  }
  float value(float q) const noexcept { return (q - zero) / inverse_scale; }
};

inline float shrink(float v, double norm, float beta) noexcept {
  const float magnitude = std::fabs(v);
  if (magnitude < FLT_MIN) return 0;
  const auto power = static_cast<float>(numeric::portable_power(static_cast<double>(magnitude), norm - 1));
  const float shrunk = magnitude - numeric::uncontracted((1 / beta) * power);
  return shrunk <= 0 ? 0.0f : std::copysign(shrunk, v);
}

/// Sum of `count` floats in the order of torch.sum on a processor with vectors of eight floats, on which the
/// reference's results rest: a last bit here moves codes that lie on a border. Along rows (`stride` 1) 32
/// interleaved sums are joined at the end; down columns runs of 16 are summed first.
inline float torch_sum(const float* x, index_t count, bool along_row) noexcept {
  float total = 0;
  if (along_row && count >= 32) {
    float lanes[32];
    const index_t whole = count / 32 * 32;
    std::copy_n(x, 32, lanes);
    for (index_t i = 32; i < whole; ++i) lanes[i % 32] += x[i];
    for (int part = 1; part < 4; ++part)
      for (int lane = 0; lane < 8; ++lane) lanes[lane] += lanes[8 * part + lane];
    for (index_t i = whole; i < count; ++i) total += x[i];
    for (int lane = 0; lane < 8; ++lane) total += lanes[lane];
    return total;
  }
  for (index_t i = 0; i < count; i += 16) {
    float run = 0;
    for (index_t j = i; j < std::min(i + 16, count); ++j) run += x[j];
    total += run;
  }
  return total;
}

/// One step: moves group.zero and returns the sum of |w - r| before it. A stride lies between the group's
/// values.
inline double hqq_step(const float* w, index_t count, index_t stride, double norm, double beta,
                       hqq_group& group) {
  std::vector<float> terms(static_cast<std::size_t>(count));
  double error = 0;
  for (index_t i = 0; i < count; ++i) {
    const float x = w[i * stride], q = group.code(x), residual = x - group.value(q);
    error += std::fabs(static_cast<double>(residual));
    const float kept = x - shrink(residual, norm, static_cast<float>(beta));
    terms[static_cast<std::size_t>(i)] = q - numeric::uncontracted(kept * group.inverse_scale);
  }
  group.zero = torch_sum(terms.data(), count, stride == 1) / static_cast<float>(count);
  return error;
}

/// Runs the steps on `groups` together: `step(g, beta)` moves group g and returns its error. They stop
/// together, as the reference decides by the mean over all.
template <class Step>
void hqq_run(const hqq_search& how, std::vector<hqq_group>& groups, int threads, const Step& step) {
  double best_error = HUGE_VAL, beta = static_cast<double>(how.beta);
  std::vector<hqq_group> best = groups, before;
  std::vector<double> errors(groups.size());
  for (int i = 0; i < how.iterations; ++i, beta *= static_cast<double>(how.growth)) {
    if (how.keep_best) before = groups;
    parallel_for(std::ssize(groups), threads,
                 [&](index_t g) { errors[static_cast<std::size_t>(g)] = step(g, beta); });
    double error = 0;
    for (const double e : errors) error += e;
    if (error < best_error) {
      best_error = error;
      if (how.keep_best) best.swap(before);
    } else if (how.stop_early) {
      break;
    }
  }
  if (how.keep_best) groups = best;
}

}  // namespace detail

/// Weights quantized on HQQ's own terms, each group with a zero that is no integer:
/// w = (code - zeros[g]) / inverse_scales[g]. hqq_quantize says which elements make group g.
struct hqq_weights {
  int bits = 4;
  index_t group_size = 64;
  int axis = 1;
  std::vector<std::uint8_t> codes;  ///< one a byte, in the order of the row-major matrix
  std::vector<float> inverse_scales, zeros;
};

/// Quantizes `count` values, row-major, as hqq's Quantizer does. axis = 1: reshape(-1, group_size), a group
/// is a run of neighbours. axis = 0: reshape(group_size, -1), group g is elements g, g + groups, g + 2
/// groups, ... Groups are the fixed points of one common iteration. Throws invalid_scheme on bits
/// outside 1..8 or another axis, shape_error where group_size does not divide `count`, data_error on NaN or
/// infinity. Cost: at most how.iterations passes.
inline hqq_weights hqq_quantize(std::span<const float> values, int bits, index_t group_size, int axis = 1,
                                hqq_search how = {}, int threads = 0) {
  detail::require_bits(bits);
  if (axis != 0 && axis != 1)
    raise(invalid_scheme("HQQ axis: expected 0 or 1, found " + std::to_string(axis)));
  const index_t count = std::ssize(values);
  if (group_size < 1 || count % group_size != 0)
    raise(shape_error("HQQ: expected whole groups of " + std::to_string(group_size) + ", found " +
                      std::to_string(count) + " values"));
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!numeric::is_finite(values[i]))
      raise(data_error("element " + std::to_string(i) + " is not finite: expected finite values"));

  const index_t group_count = count / group_size, stride = axis == 1 ? 1 : group_count;
  const auto first = [&](index_t g) { return values.data() + (axis == 1 ? g * group_size : g); };
  std::vector<detail::hqq_group> groups(static_cast<std::size_t>(group_count));
  for (index_t g = 0; g < group_count; ++g) {
    float low = *first(g), high = low;
    for (index_t i = 0; i < group_size; ++i) {
      low = std::min(low, first(g)[i * stride]);
      high = std::max(high, first(g)[i * stride]);
    }
    groups[static_cast<std::size_t>(g)] =
        detail::hqq_group::from_extent(low, high, static_cast<float>((1 << bits) - 1));
  }
  detail::hqq_run(how, groups, threads, [&](index_t g, double beta) {
    return detail::hqq_step(first(g), group_size, stride, static_cast<double>(how.norm), beta,
                            groups[static_cast<std::size_t>(g)]);
  });

  hqq_weights result{bits, group_size, axis, std::vector<std::uint8_t>(values.size()), {}, {}};
  for (const auto& group : groups) {
    result.inverse_scales.push_back(group.inverse_scale);
    result.zeros.push_back(group.zero);
  }
  for (index_t i = 0; i < count; ++i) {
    const index_t g = axis == 1 ? i / group_size : i % group_count;
    const auto at = static_cast<std::size_t>(i);
    result.codes[at] = static_cast<std::uint8_t>(groups[static_cast<std::size_t>(g)].code(values[at]));
  }
  return result;
}

}  // namespace bitgauge
