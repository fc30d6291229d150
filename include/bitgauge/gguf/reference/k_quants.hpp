#pragma once

/// \file
/// ggml's rules for Q2_K to Q6_K: every sub-block is fitted alone, then the scales are rounded under a
/// super-scale, then the codes are found again for the stored scales. Source: ggml's quantizers,
/// `ggml-quants.c`.

#include <bitgauge/gguf/reference/min_search.hpp>
#include <bitgauge/gguf/reference/scalar.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::reference {

namespace detail {

template <class Format>
using sub_block_floats = std::array<float, static_cast<std::size_t>(Format::sub_blocks)>;

/// The codes of every sub-block with a scale other than zero, found again for the stored scales.
template <class Format>
void encode_again(const float* x, block_codes<Format>& codes) noexcept {
  using levels = typename Format::levels;
  for (int s = 0; s < Format::sub_blocks; ++s) {
    const float scale = codes.scale_of(s);
    if (scale == 0.0f) continue;
    const float minimum = numeric::uncontracted(codes.minimum_of(s));
    for (int j = s * Format::sub_block; j < (s + 1) * Format::sub_block; ++j) {
      const float shifted = Format::has_minimum ? x[j] - minimum : x[j];
      codes.elements[static_cast<std::size_t>(j)] =
          static_cast<std::uint8_t>(nearest(shifted / scale, levels::least, levels::most) + levels::zero);
    }
  }
}

/// Scales rounded to 0..most under the largest one, which is stored as binary16.
template <class Storage>
void store_positive(const float* values, int most, typename Storage::codes& codes) noexcept {
  const float high = std::max(0.0f, *std::max_element(values, values + Storage::entries));
  const auto range = static_cast<float>(most);
  const float inverse_scale = high > 0.0f ? range / high : 0.0f;
  for (int s = 0; s < Storage::entries; ++s) {
    const auto code = static_cast<std::uint8_t>(nearest(inverse_scale * values[s]));
    codes.sub[static_cast<std::size_t>(s)] = std::min(code, static_cast<std::uint8_t>(most));
  }
  codes.super = as_half(high / range);
}

/// The codes of every sub-block as the search found them.
template <class Format>
void keep_codes(const signed_scales& found, const float* x, block_codes<Format>& codes) noexcept {
  for (int s = 0; s < Format::sub_blocks; ++s) {
    const int first = s * Format::sub_block;
    found.encode(static_cast<std::size_t>(s), x + first, Format::sub_block, codes.elements.data() + first);
  }
}

/// The codes that the search gave to the sub-blocks whose stored scale is zero; the others' again for the
/// stored scales.
template <class Format>
void encode_with(const scales_and_minima& found, const float* x, block_codes<Format>& codes) noexcept {
  for (int s = 0; s < Format::sub_blocks; ++s) {
    if (codes.scale_of(s) != 0.0f) continue;
    const int first = s * Format::sub_block;
    found.encode(static_cast<std::size_t>(s), x + first, Format::sub_block, Format::levels::most,
                 codes.elements.data() + first);
  }
  encode_again(x, codes);
}

/// Q2_K, Q4_K and Q5_K without importance: weights from x alone.
template <class Format, class Weights>
void encode_with_minima(const float* x, const trial_plan& plan, const Weights& weights_of,
                        block_codes<Format>& codes) noexcept {
  sub_block_lanes<Format::sub_block> sub_blocks;
  for (int s = 0; s < Format::sub_blocks; ++s) {
    const float* part = x + s * Format::sub_block;
    sub_blocks.set(static_cast<std::size_t>(s), part, weights_of(part).data());
  }
  sub_blocks.repeat_first(Format::sub_blocks);
  const scales_and_minima found = search_with_minimum(plan, sub_blocks);
  store_positive<typename Format::scale>(found.scale.data(), Format::scale::code_count - 1, codes.scale);
  store_positive<typename Format::minimum>(found.minimum.data(), Format::minimum::code_count - 1,
                                           codes.minimum);
  encode_with(found, x, codes);
}

/// The same with importance: the super-scales are searched too, weighed by the sums of the sub-blocks.
/// `spread` multiplies the mean square in the weights.
template <class Format>
void encode_with_minima(const float* x, const float* importance, float spread,
                        block_codes<Format>& codes) noexcept {
  constexpr auto count = static_cast<float>(Format::elements);
  const float mean = spread * sum_of_squares(x, Format::elements) / count;
  sub_block_lanes<Format::sub_block> sub_blocks;
  sub_block_floats<Format> weight_sums;
  for (int s = 0; s < Format::sub_blocks; ++s) {
    const int first = s * Format::sub_block;
    const auto weights = damped_weights<Format::sub_block>(x + first, importance + first, mean);
    sub_blocks.set(static_cast<std::size_t>(s), x + first, weights.data());
    float sum = 0.0f;
    for (const float weight : weights) sum += weight;
    weight_sums[static_cast<std::size_t>(s)] = sum;
  }
  sub_blocks.repeat_first(Format::sub_blocks);
  const scales_and_minima found = search_with_minimum({Format::levels::most, -0.9f, 0.05f, 36}, sub_blocks);
  codes.scale.super = as_half(search_positive<Format::sub_blocks>(
      Format::scale::code_count - 1, found.scale.data(), weight_sums.data(), codes.scale.sub.data()));
  codes.minimum.super = as_half(search_positive<Format::sub_blocks>(
      Format::minimum::code_count - 1, found.minimum.data(), weight_sums.data(), codes.minimum.sub.data()));
  encode_with(found, x, codes);
}

/// sqrt(mean x^2) + |x|, the weights of Q4_K and Q5_K.
inline std::array<float, 32> spread_weights(const float* x) noexcept {
  const float root = std::sqrt(sum_of_squares(x, 32) / 32.0f);
  std::array<float, 32> weights;
  for (int j = 0; j < 32; ++j) weights[static_cast<std::size_t>(j)] = root + std::abs(x[j]);
  return weights;
}

inline void encode_q2_k(const float* x, const block_context& context, block_codes<q2_k>& codes) noexcept {
  if (context.importance != nullptr) {
    encode_with_minima(x, context.importance, 1.0f, codes);
    return;
  }
  const auto magnitudes = [](const float* part) {
    std::array<float, q2_k::sub_block> weights;
    std::transform(part, part + q2_k::sub_block, weights.begin(), [](float v) { return std::abs(v); });
    return weights;
  };
  encode_with_minima(x, {3, -0.5f, 0.1f, 15, true}, magnitudes, codes);
}

inline void encode_q4_k(const float* x, const block_context& context, block_codes<q4_k>& codes) noexcept {
  if (context.importance != nullptr) {
    encode_with_minima(x, context.importance, 2.0f, codes);
  } else {
    encode_with_minima(x, {15, -1.0f, 0.1f, 20}, spread_weights, codes);
  }
}

inline void encode_q5_k(const float* x, const block_context& context, block_codes<q5_k>& codes) noexcept {
  if (context.importance != nullptr) {
    encode_with_minima(x, context.importance, 2.0f, codes);
  } else {
    encode_with_minima(x, {31, -0.5f, 0.1f, 15}, spread_weights, codes);
  }
}

inline void encode_q3_k(const float* x, const block_context& context, block_codes<q3_k>& codes) noexcept {
  sub_block_floats<q3_k> scales;
  if (context.importance != nullptr) {
    const float mean = 2.0f * sum_of_squares(x, q3_k::elements) / static_cast<float>(q3_k::elements);
    sub_block_floats<q3_k> weight_sums;
    sub_block_lanes<q3_k::sub_block> sub_blocks;
    for (int s = 0; s < q3_k::sub_blocks; ++s) {
      const int first = s * q3_k::sub_block;
      const auto weights = damped_weights<q3_k::sub_block>(x + first, context.importance + first, mean);
      sub_blocks.set(static_cast<std::size_t>(s), x + first, weights.data());
      float sum = 0.0f;
      for (const float weight : weights) sum += weight;
      weight_sums[static_cast<std::size_t>(s)] = sum;
    }
    const signed_scales found = search_without_minimum(4, sub_blocks);
    scales = found.scale;
    keep_codes(found, x, codes);
    codes.scale.super = as_half(search_without_minimum<q3_k::sub_blocks>(
        32, scales.data(), weight_sums.data(), codes.scale.sub.data()));
  } else {
    for (int s = 0; s < q3_k::sub_blocks; ++s) {
      const int first = s * q3_k::sub_block;
      scales[static_cast<std::size_t>(s)] =
          descend_without_minimum<q3_k::sub_block>(4, x + first, codes.elements.data() + first);
    }
    const float extreme = signed_extreme(scales.data(), q3_k::sub_blocks);
    const float inverse_scale = extreme != 0.0f ? -32.0f / extreme : 0.0f;
    codes.scale.sub = {};
    for (int s = 0; s < q3_k::sub_blocks && extreme != 0.0f; ++s) {
      codes.scale.sub[static_cast<std::size_t>(s)] = static_cast<std::uint8_t>(
          nearest(inverse_scale * scales[static_cast<std::size_t>(s)], -32, 31) + 32);
    }
    codes.scale.super = as_half(inverse(inverse_scale));
  }
  encode_again(x, codes);
}

inline void encode_q6_k(const float* x, const block_context& context, block_codes<q6_k>& codes) noexcept {
  sub_block_lanes<q6_k::sub_block> sub_blocks;
  for (int s = 0; s < q6_k::sub_blocks; ++s) {
    const int first = s * q6_k::sub_block;
    std::array<float, q6_k::sub_block> weights;
    for (int j = 0; j < q6_k::sub_block; ++j) {
      weights[static_cast<std::size_t>(j)] =
          context.importance != nullptr ? context.importance[first + j] : x[first + j] * x[first + j];
    }
    sub_blocks.set(static_cast<std::size_t>(s), x + first, weights.data());
  }
  const signed_scales found = search_without_minimum(32, sub_blocks);
  const auto& scales = found.scale;
  keep_codes(found, x, codes);
  const float extreme = signed_extreme(scales.data(), q6_k::sub_blocks);
  if (std::abs(extreme) < negligible) {
    codes = {};
    return;
  }
  const float inverse_scale = -128.0f / extreme;
  codes.scale.super = as_half(1.0f / inverse_scale);
  for (int s = 0; s < q6_k::sub_blocks; ++s) {
    codes.scale.sub[static_cast<std::size_t>(s)] = static_cast<std::uint8_t>(
        std::min(127, nearest(inverse_scale * scales[static_cast<std::size_t>(s)])));
  }
  encode_again(x, codes);
}

}  // namespace detail

template <>
struct encoder<q2_k> : encoder_of_blocks<q2_k, detail::encode_q2_k> {};
template <>
struct encoder<q3_k> : encoder_of_blocks<q3_k, detail::encode_q3_k> {};
template <>
struct encoder<q4_k> : encoder_of_blocks<q4_k, detail::encode_q4_k> {};
template <>
struct encoder<q5_k> : encoder_of_blocks<q5_k, detail::encode_q5_k> {};
template <>
struct encoder<q6_k> : encoder_of_blocks<q6_k, detail::encode_q6_k> {};

}  // namespace bitgauge::gguf::reference
