#pragma once

/// \file
/// The words that kernels with Advanced SIMD are written in. The 16 rows of a panel are four vectors.

#include <bitgauge/simd/arm/target.hpp>

#if defined(__aarch64__)
#include <bitgauge/kernel/pack/layout.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>

#include <cstdint>
#include <cstring>

namespace bitgauge::kernel::neon {

/// Rows of a vector, and vectors of a panel.
inline constexpr index_t lanes = 4, vectors_of_panel = 4;

/// What stands behind is not loaded before: GCC else asks for more registers than there are, and keeps sums in memory.
[[gnu::always_inline]] inline void load_later() {
  asm volatile("" ::: "memory");
}

/// Four bytes, in every lane.
[[gnu::always_inline]] inline uint8x16_t four_of(const void* from) {
  std::uint32_t four;
  std::memcpy(&four, from, sizeof four);
  return vreinterpretq_u8_u32(vdupq_n_u32(four));
}

/// What makes signed bytes of codes: unsigned ones less 128, or those that are signed already.
struct turned {
  [[gnu::always_inline]] int8x16_t operator()(uint8x16_t bytes) const {
    return vreinterpretq_s8_u8(veorq_u8(bytes, vdupq_n_u8(0x80)));
  }
};
struct as_they_are {
  [[gnu::always_inline]] int8x16_t operator()(uint8x16_t bytes) const { return vreinterpretq_s8_u8(bytes); }
};

/// Four columns of the rows of a panel.
struct row_codes {
  int8x16_t of[vectors_of_panel];
};
[[gnu::always_inline]] inline row_codes load_rows(const std::int8_t* from) {
  return {{vld1q_s8(from), vld1q_s8(from + 16), vld1q_s8(from + 32), vld1q_s8(from + 48)}};
}

/// Four numbers of a group, as they are stored, times their factors where there are factors.
[[gnu::always_inline]] inline float32x4_t parameters_at(const weights_view& w, const float* numbers,
                                                        const std::uint16_t* halves,
                                                        const std::int8_t* factors, index_t at) {
  const index_t shared = factors != nullptr ? w.shared_parameter(at) : at;
  const float32x4_t values = halves != nullptr ? vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(halves + shared)))
                                               : vld1q_f32(numbers + shared);
  if (factors == nullptr) return values;
  const int8x8_t bytes = vreinterpret_s8_u8(vget_low_u8(four_of(factors + at)));
  return vmulq_f32(values, vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(bytes)))));
}

/// The scales of four rows of a group, and offsets of weights that have stored ones.
[[gnu::always_inline]] inline float32x4_t scales_at(const weights_view& w, index_t at) {
  return parameters_at(w, w.scales, w.half_scales, w.scale_factors, at);
}
[[gnu::always_inline]] inline float32x4_t offsets_at(const weights_view& w, index_t at) {
  return parameters_at(w, w.offsets, w.half_offsets, w.offset_factors, at);
}

/// y += scale * sum of products of four rows by one sample.
[[gnu::always_inline]] inline void add_scaled(int32x4_t sum, float* y, float32x4_t scales, float x_scale) {
  vst1q_f32(y, vfmaq_f32(vld1q_f32(y), vcvtq_f32_s32(sum), vmulq_n_f32(scales, x_scale)));
}
/// y -= offset * sum of activations.
[[gnu::always_inline]] inline void subtract_offsets(float* y, float32x4_t offsets, float sum) {
  vst1q_f32(y, vfmsq_f32(vld1q_f32(y), offsets, vdupq_n_f32(sum)));
}

}  // namespace bitgauge::kernel::neon
#endif  // defined(__aarch64__)
