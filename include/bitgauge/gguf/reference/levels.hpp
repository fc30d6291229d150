#pragma once

/// \file
/// ggml's rules for the formats of 16 uneven levels: IQ4_NL, IQ4_XS, MXFP4 and NVFP4. Source: ggml's
/// quantizers, `ggml-quants.c`.

#include <bitgauge/gguf/reference/scalar.hpp>
#include <bitgauge/gguf/search/level_set.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bitgauge::gguf::reference {

namespace detail {

/// The scale of one block of 32 for IQ4 levels; `first_divisor` places the extreme element at first, and
/// `trials` more scales, at most 7, are tried on either side of the level -127: each in a lane.
inline float search_iq4(const float* x, const float* weight, float first_divisor, int trials) noexcept {
  const float extreme = signed_extreme(x, 32);
  if (std::abs(extreme) < negligible) return 0.0f;
  std::array<float, 16> inverse_scale, with_x, squares;
  inverse_scale.fill(1.0f / (extreme / first_divisor));
  std::size_t used = 1;
  for (int i = -trials; i <= trials; ++i) {
    inverse_scale[used++] = (static_cast<float>(i) + static_cast<float>(iq4_levels[0])) / extreme;
  }
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<width()>;
    lanes of_x = lanes::all(0.0f), of_squares = of_x;
    for (int j = 0; j < 32; ++j) {
      const lanes element = lanes::all(x[j]);
      const lanes level =
          level_set<iq4_nl::levels, tie::up>::nearest(lanes::load(inverse_scale.data()) * element);
      const lanes weighted = lanes::all(weight[j]) * level;
      of_x += weighted * element;
      of_squares += weighted * level;
    }
    of_x.store(with_x.data());
    of_squares.store(squares.data());
  });
  float scale = with_x[0] / squares[0];
  float best = scale * with_x[0];
  for (std::size_t k = 1; k < used; ++k) {
    if (squares[k] > 0.0f && with_x[k] * with_x[k] > best * squares[k]) {
      scale = with_x[k] / squares[k];
      best = scale * with_x[k];
    }
  }
  return scale;
}

inline void encode_iq4(const float* x, float inverse_scale, std::uint8_t* codes) noexcept {
  simd::multiversion([&](auto width) __attribute__((always_inline)) {
    using lanes = simd::lanes<width()>;
    for (int j = 0; j < 32; j += lanes::count) {
      std::array<float, lanes::count> levels;
      level_set<iq4_nl::levels, tie::up>::nearest(lanes::all(inverse_scale) * lanes::load(x + j))
          .store(levels.data());
      for (std::size_t k = 0; k < lanes::count; ++k) {
        codes[static_cast<std::size_t>(j) + k] =
            level_set<iq4_nl::levels, tie::up>::code_of(static_cast<int>(levels[k]));
      }
    }
  });
}

/// x^2, or with importance imp * sqrt(mean + x^2): the weights of a block of 32.
inline std::array<float, 32> iq4_weights(const float* x, const float* importance, float mean) noexcept {
  if (importance != nullptr) return damped_weights<32>(x, importance, mean);
  std::array<float, 32> weights;
  for (int j = 0; j < 32; ++j) weights[static_cast<std::size_t>(j)] = x[j] * x[j];
  return weights;
}

/// The mean square of `count` elements, doubled.
inline float doubled_mean_square(const float* x, int count) noexcept {
  return sum_of_squares(x, count) * (2.0f / static_cast<float>(count));
}

/// The code of the E2M1 level whose product with `scale` is nearest to x, the first of equally near.
inline std::uint8_t nearest_e2m1(float x, float scale) noexcept {
  std::uint8_t best = 0;
  float least = std::abs(x);
  for (std::uint8_t code = 1; code < 16; ++code) {
    const float error = std::abs(product(static_cast<float>(e2m1_doubled_levels[code]), scale) - x);
    if (error < least) {
      least = error;
      best = code;
    }
  }
  return best;
}

/// floor(log2f(x)) for x > 0, where log2f is the float nearest to the logarithm: a few floats just below a
/// power of two, 2^k, already give k. For x = 2^k (1 - j 2^-24) the logarithm is k - j 2^-24 / ln 2, which
/// rounds to k where that is within half a step of the floats below k.
inline int floor_log2(float x) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const int exponent = static_cast<int>(bits >> 23) - 127;
  const int k = exponent + 1;
  const auto below = 0x800000u - (bits & 0x7fffffu);                 // j
  const auto magnitude = static_cast<unsigned>(k > 0 ? k - 1 : -k);  // its leading bit gives the step
  if (magnitude == 0) return exponent;
  const auto half_steps = static_cast<double>(1u << (std::bit_width(magnitude) - 1));
  return static_cast<double>(below) <= half_steps * 0.693147180559945309 ? k : exponent;
}

/// IQ4_NL as quantized with or without importance by ggml's chunk function.
inline void encode_iq4_nl(const float* x, const block_context& context, block_codes<iq4_nl>& codes) noexcept {
  const auto weights = iq4_weights(x, context.importance, doubled_mean_square(x, iq4_nl::elements));
  const float scale = search_iq4(x, weights.data(), 127.0f, 7);
  codes.scale.super = scale;
  encode_iq4(x, inverse(scale), codes.elements.data());
}

inline void encode_iq4_xs(const float* x, const block_context& context, block_codes<iq4_xs>& codes) noexcept {
  const float mean = doubled_mean_square(x, iq4_xs::elements);
  std::array<float, iq4_xs::sub_blocks> scales;
  for (int s = 0; s < iq4_xs::sub_blocks; ++s) {
    const int first = s * iq4_xs::sub_block;
    const float* importance = context.importance != nullptr ? context.importance + first : nullptr;
    const auto weights = iq4_weights(x + first, importance, mean);
    scales[static_cast<std::size_t>(s)] = search_iq4(x + first, weights.data(), 127.0f, 7);
  }
  const float super = -signed_extreme(scales.data(), iq4_xs::sub_blocks) / 32.0f;
  const float inverse_super = inverse(super);
  for (int s = 0; s < iq4_xs::sub_blocks; ++s) {
    const int factor = nearest(inverse_super * scales[static_cast<std::size_t>(s)], -32, 31);
    codes.scale.sub[static_cast<std::size_t>(s)] = static_cast<std::uint8_t>(factor + 32);
    const int first = s * iq4_xs::sub_block;
    encode_iq4(x + first, inverse(super * static_cast<float>(factor)), codes.elements.data() + first);
  }
  codes.scale.super = super;
}

/// MXFP4: the scale of the specification, two binary orders below the largest magnitude (OCP Microscaling
/// Formats Specification 1.0, section 6.3).
inline void encode_mxfp4(const float* x, const block_context&, block_codes<mxfp4>& codes) noexcept {
  const float largest = largest_magnitude(x, mxfp4::elements);
  const int exponent = largest > 0.0f ? std::max(floor_log2(largest) - 2 + 127, 0) : 0;
  codes.scale.sub[0] = static_cast<std::uint8_t>(exponent);
  for (std::size_t j = 0; j < codes.elements.size(); ++j) {
    codes.elements[j] = nearest_e2m1(x[j], codes.scale_of(0));
  }
}

/// The unsigned E4M3 code of `value`: mantissa rounded half up; what rounds to 256 or more becomes 448, code
/// 126.
inline std::uint8_t ue4m3_from_float(float value) noexcept {
  if (!(value > 0.0f)) return 0;
  const auto bits = std::bit_cast<std::uint32_t>(std::min(value, 448.0f));
  const int exponent = static_cast<int>(bits >> 23) - 120;
  if (exponent <= 0) return static_cast<std::uint8_t>(truncated(product(value, 512.0f) + 0.5f, 0, 7));
  if (exponent >= 15) return 126;
  const std::uint32_t code =
      (static_cast<std::uint32_t>(exponent) << 3) + (bits >> 20 & 7u) + (bits >> 19 & 1u);
  return static_cast<std::uint8_t>(code < 120u ? code : 126u);
}

inline void encode_nvfp4(const float* x, const block_context&, block_codes<nvfp4>& codes) noexcept {
  for (int s = 0; s < nvfp4::sub_blocks; ++s) {
    const int first = s * nvfp4::sub_block;
    codes.scale.sub[static_cast<std::size_t>(s)] =
        ue4m3_from_float(largest_magnitude(x + first, nvfp4::sub_block) / 6.0f);
    for (int j = first; j < first + nvfp4::sub_block; ++j) {
      codes.elements[static_cast<std::size_t>(j)] = nearest_e2m1(x[j], codes.scale_of(s));
    }
  }
}

}  // namespace detail

template <>
struct encoder<iq4_nl> : encoder_of_blocks<iq4_nl, detail::encode_iq4_nl> {};
template <>
struct encoder<iq4_xs> : encoder_of_blocks<iq4_xs, detail::encode_iq4_xs> {};
template <>
struct encoder<mxfp4> : encoder_of_blocks<mxfp4, detail::encode_mxfp4> {};
template <>
struct encoder<nvfp4> : encoder_of_blocks<nvfp4, detail::encode_nvfp4> {};

/// IQ4_NL as ggml's row reference does: one scale, its codes kept. A block of zeros gets code 0, where the
/// reference leaves the bytes unspecified.
inline void encode_row_reference(const float* x, block_codes<iq4_nl>& codes) noexcept {
  codes.elements = {};
  const auto weights = detail::iq4_weights(x, nullptr, 0.0f);
  codes.scale.super = detail::search_iq4(x, weights.data(), -127.0f, -1);
  const float extreme = signed_extreme(x, iq4_nl::elements);
  if (std::abs(extreme) < negligible) return;
  detail::encode_iq4(x, 1.0f / (extreme / -127.0f), codes.elements.data());
}

}  // namespace bitgauge::gguf::reference
