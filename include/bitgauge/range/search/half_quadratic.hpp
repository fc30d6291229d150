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
void hqq_run(const hqq_search& search, std::vector<hqq_group>& groups, int threads, const Step& step) {
  double best_error = HUGE_VAL, beta = static_cast<double>(search.beta);
  std::vector<hqq_group> best = groups, before;
  std::vector<double> errors(groups.size());
  for (int i = 0; i < search.iterations; ++i, beta *= static_cast<double>(search.growth)) {
    if (search.keep_best) before = groups;
    parallel_for(std::ssize(groups), threads,
                 [&](index_t g) { errors[static_cast<std::size_t>(g)] = step(g, beta); });
    double error = 0;
    for (const double e : errors) error += e;
    if (error < best_error) {
      best_error = error;
      if (search.keep_best) best.swap(before);
    } else if (search.stop_early) {
      break;
    }
  }
  if (search.keep_best) groups = best;
}

}  // namespace detail

}  // namespace bitgauge
