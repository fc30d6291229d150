#pragma once

/// \file
/// The answers to "how are the scales stored?", and the bytes that they take.

#include <bitgauge/base/config.hpp>

#include <cstdint>

namespace bitgauge {

/// What one stored scale is. The last four are codes of 8 bits under parameters of a second level, which are
/// f32.
enum class scale_type : std::uint8_t {
  f32,
  f16,
  bf16,
  e8m0,          ///< a power of two, as the microscaling formats have it
  e4m3,          ///< E4M3 times the tensor's factor, NVFP4's "multiplier" convention: factor = largest / 448
  e4m3_divided,  ///< E4M3 divided by the tensor's divisor, NVFP4's other convention: divisor = 448 / largest
  dynamic8,      ///< level(code) * factor + offset, level of the dynamic signed map: bitsandbytes' double
                 ///< quantization
  affine8,       ///< code * factor + offset
};

/// The answer to "how are the parameters stored?": one of the constants below, or double_quantized.
struct scale_storage {
  scale_type type;
  index_t block;  ///< of dynamic8 and affine8: scales that share parameters of the second level

  constexpr scale_storage(scale_type kind = scale_type::f32, index_t scales = 0)
      : type(kind), block(scales) {}

  friend constexpr bool operator==(const scale_storage&, const scale_storage&) = default;
};
inline constexpr scale_storage f32_scales{scale_type::f32};    ///< floats: the default
inline constexpr scale_storage f16_scales{scale_type::f16};    ///< binary16
inline constexpr scale_storage bf16_scales{scale_type::bf16};  ///< bfloat16
inline constexpr scale_storage e8m0_scales{scale_type::e8m0};  ///< powers of two: the microscaling formats
inline constexpr scale_storage e4m3_scales{scale_type::e4m3};  ///< E4M3 under a factor of the tensor: NVFP4
/// E4M3 under a divisor of the tensor: NVFP4's other convention.
inline constexpr scale_storage e4m3_divided_scales{scale_type::e4m3_divided};

/// Scales quantized themselves to 8 bits, in blocks of `block` (QLoRA, section 3). With `type` dynamic8, the
/// default: offset = mean of all scales, factor = largest distance from it in the block. With affine8: offset
/// = smallest of the block, factor = (largest - smallest) / 255.
///
///     auto q = quantize(W, nf4{}, per_block{64}, double_quantized{256});   // 4.127 bits per weight
struct double_quantized {
  index_t block = 256;
  scale_type type = scale_type::dynamic8;
  constexpr operator scale_storage() const noexcept { return {type, block}; }
};

/// Whether scales are codes under a second level.
constexpr bool is_nested(scale_type type) noexcept {
  return type >= scale_type::e4m3;
}

/// Bytes of one scale, its second level left out.
constexpr index_t bytes_of(scale_type type) noexcept {
  return type == scale_type::f32 ? 4 : type == scale_type::f16 || type == scale_type::bf16 ? 2 : 1;
}

/// Number of f32 parameters of the second level for `count` scales: e4m3 one; dynamic8 the offset and a
/// factor a block; affine8 a factor and an offset a block.
constexpr index_t second_level_size(scale_storage storage, index_t count) noexcept {
  if (!is_nested(storage.type) || count == 0) return 0;
  if (storage.type == scale_type::e4m3 || storage.type == scale_type::e4m3_divided) return 1;
  const index_t blocks = (count + storage.block - 1) / storage.block;
  return storage.type == scale_type::dynamic8 ? 1 + blocks : 2 * blocks;
}

/// Bytes of `count` scales, second level included.
constexpr index_t scale_bytes(scale_storage storage, index_t count) noexcept {
  return count * bytes_of(storage.type) + 4 * second_level_size(storage, count);
}

}  // namespace bitgauge
