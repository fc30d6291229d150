#pragma once

/// \file
/// ggml's rules for the formats with one scale a block. Without importance the codes use the float32 scale,
/// not the binary16 one that is stored. Source: ggml's quantizers, `ggml-quants.c`.

#include <bitgauge/gguf/format/formats.hpp>
#include <bitgauge/gguf/reference/min_search.hpp>
#include <bitgauge/gguf/reference/scale_search.hpp>
#include <bitgauge/gguf/search/block_context.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::reference {

/// ggml's encoder of a format, where Format::has_reference.
template <class Format>
struct encoder;

namespace detail {

/// imp * sqrt(mean + x^2), the weights of every search with importance.
template <int Count>
std::array<float, static_cast<std::size_t>(Count)> damped_weights(const float* x, const float* importance,
                                                                  float mean) noexcept {
  std::array<float, static_cast<std::size_t>(Count)> weights;
  for (int j = 0; j < Count; ++j) {
    weights[static_cast<std::size_t>(j)] = importance[j] * std::sqrt(mean + product(x[j], x[j]));
  }
  return weights;
}

inline float largest_magnitude(const float* x, int count) noexcept {
  return std::abs(signed_extreme(x, count));
}

/// Q4_0 and Q5_0: -Most..Most-1, the extreme element at -Most.
template <int Most, class Format>
void encode_symmetric(const float* x, const block_context& context, block_codes<Format>& codes) noexcept {
  if (context.importance != nullptr) {
    const auto weights = damped_weights<Format::elements>(x, context.importance, context.row_mean_square);
    codes.scale.super =
        search_without_minimum<Format::elements>(Most, x, weights.data(), codes.elements.data());
    return;
  }
  const float scale = signed_extreme(x, Format::elements) / static_cast<float>(-Most);
  const float inverse_scale = inverse(scale);
  for (int j = 0; j < Format::elements; ++j) {
    const float shifted = product(x[j], inverse_scale) + (static_cast<float>(Most) + 0.5f);
    codes.elements[static_cast<std::size_t>(j)] =
        static_cast<std::uint8_t>(truncated(shifted, 0, 2 * Most - 1));
  }
  codes.scale.super = scale;
}

/// Q4_1 and Q5_1 with importance: up to sixteen blocks, one after the other in `x` and `context.importance`.
template <class Format>
void encode_with_importance(const float* x, const block_context& context, std::size_t blocks,
                            block_codes<Format>* codes) noexcept {
  constexpr auto count = static_cast<std::size_t>(Format::elements);
  sub_block_lanes<Format::elements> all;
  for (std::size_t b = 0; b < blocks; ++b) {
    const float* importance = context.importance + b * count;
    all.set(b, x + b * count,
            damped_weights<Format::elements>(x + b * count, importance, context.row_mean_square).data());
  }
  all.repeat_first(blocks);
  constexpr int most = Format::levels::most;
  const scales_and_minima found = search_with_minimum({most, -0.9f, 0.05f, 36}, all);
  for (std::size_t b = 0; b < blocks; ++b) {
    found.encode(b, x + b * count, Format::elements, most, codes[b].elements.data());
    codes[b].scale.super = found.scale[b];
    codes[b].minimum.super = -found.minimum[b];
  }
}

/// Q4_1 and Q5_1: the levels from the least element to the greatest.
template <class Format>
void encode_between_extremes(const float* x, block_codes<Format>& codes) noexcept {
  constexpr int most = Format::levels::most;
  const auto [low, high] = std::minmax_element(x, x + Format::elements);
  const float scale = (*high - *low) / static_cast<float>(most);
  const float inverse_scale = inverse(scale);
  for (int j = 0; j < Format::elements; ++j) {
    const float shifted = product(x[j] - *low, inverse_scale) + 0.5f;
    codes.elements[static_cast<std::size_t>(j)] = static_cast<std::uint8_t>(truncated(shifted, 0, most));
  }
  codes.scale.super = scale;
  codes.minimum.super = *low;
}

/// x / scale to the nearest integer, ties away from zero, for scale = max |x| / Most.
template <int Most, class Format>
void encode_by_magnitude(const float* x, const block_context&, block_codes<Format>& codes) noexcept {
  const float scale = largest_magnitude(x, Format::elements) / static_cast<float>(Most);
  const float inverse_scale = inverse(scale);
  for (int j = 0; j < Format::elements; ++j) {
    const int level = nearest_away(x[j] * inverse_scale, -Most, Most);
    codes.elements[static_cast<std::size_t>(j)] = static_cast<std::uint8_t>(level + Format::levels::zero);
  }
  codes.scale.super = scale;
}

/// Q1_0: the mean magnitude with the sign of each element.
inline void encode_signs(const float* x, const block_context&, block_codes<q1_0>& codes) noexcept {
  float sum = 0.0f;
  for (int j = 0; j < q1_0::elements; ++j) {
    sum += std::abs(x[j]);
    codes.elements[static_cast<std::size_t>(j)] = x[j] >= 0.0f ? 1 : 0;
  }
  codes.scale.super = sum / static_cast<float>(q1_0::elements);
}

/// Q8_K: the extreme element at -127, ties to even.
inline void encode_q8_k(const float* x, const block_context&, block_codes<q8_k>& codes) noexcept {
  const float extreme = signed_extreme(x, q8_k::elements);
  const float inverse_scale = extreme != 0.0f ? -127.0f / extreme : 0.0f;
  for (int j = 0; j < q8_k::elements; ++j) {
    codes.elements[static_cast<std::size_t>(j)] =
        static_cast<std::uint8_t>(nearest(inverse_scale * x[j], -128, 127));
  }
  codes.scale.super = inverse(inverse_scale);
}

}  // namespace detail

template <>
struct encoder<q4_0> : encoder_of_blocks<q4_0, detail::encode_symmetric<8, q4_0>> {};
template <>
struct encoder<q5_0> : encoder_of_blocks<q5_0, detail::encode_symmetric<16, q5_0>> {};
template <>
struct encoder<q8_0> : encoder_of_blocks<q8_0, detail::encode_by_magnitude<127, q8_0>> {};
template <>
struct encoder<q8_1> : encoder_of_blocks<q8_1, detail::encode_by_magnitude<127, q8_1>> {};
template <>
struct encoder<q2_0> : encoder_of_blocks<q2_0, detail::encode_by_magnitude<1, q2_0>> {};
template <>
struct encoder<tq1_0> : encoder_of_blocks<tq1_0, detail::encode_by_magnitude<1, tq1_0>> {};
template <>
struct encoder<tq2_0> : encoder_of_blocks<tq2_0, detail::encode_by_magnitude<1, tq2_0>> {};
template <>
struct encoder<q1_0> : encoder_of_blocks<q1_0, detail::encode_signs> {};
template <>
struct encoder<q8_k> : encoder_of_blocks<q8_k, detail::encode_q8_k> {};

/// Q4_1 and Q5_1: up to sixteen blocks are searched side by side where there is an importance.
template <class Format>
requires(Format::family == block_family::scale_min)
struct encoder<Format> {
  static constexpr index_t together = 16;

  static void encode(const float* x, index_t blocks, const block_context& context,
                     std::array<block_codes<Format>, 16>& codes) noexcept {
    if (context.importance != nullptr) {
      return detail::encode_with_importance(x, context, static_cast<std::size_t>(blocks), codes.data());
    }
    for (index_t b = 0; b < blocks; ++b)
      detail::encode_between_extremes(x + b * Format::elements, codes[static_cast<std::size_t>(b)]);
  }
};

}  // namespace bitgauge::gguf::reference
