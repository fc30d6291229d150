#pragma once

/// \file
/// How the blocks of ggml store scales and offsets. Each storage unpacks to `scale_codes`, the numbers as
/// stored, and turns those into the float32 scale of a sub-block by the operations of ggml, in their order.

#include <bitgauge/gguf/format/bit_field.hpp>
#include <bitgauge/numeric/half.hpp>

#include <array>
#include <bit>
#include <cstdint>

namespace bitgauge::gguf {

/// Scales as stored: the block's own (exact in its storage type) and one small code a sub-block.
template <int SubBlocks>
struct scale_codes {
  float super = 0.0f;
  std::array<std::uint8_t, static_cast<std::size_t>(SubBlocks)> sub{};
};

/// One binary16 number for the block.
template <class Pattern>
struct half_scale {
  static constexpr int entries = 1;
  using codes = scale_codes<1>;

  static constexpr void unpack(const std::uint8_t* bytes, codes& stored) noexcept {
    std::uint16_t pattern = 0;
    Pattern::unpack(bytes, &pattern);
    stored.super = numeric::half_to_float(pattern);
  }
  static constexpr void pack(const codes& stored, std::uint8_t* bytes) noexcept {
    const std::uint16_t pattern = numeric::half_from_float(stored.super);
    Pattern::pack(&pattern, bytes);
  }
  static constexpr float value(const codes& stored, int) noexcept { return stored.super; }
};

/// One binary32 number for the block, at its first byte.
struct float_scale {
  static constexpr int entries = 1;
  using codes = scale_codes<1>;

  static constexpr void unpack(const std::uint8_t* bytes, codes& stored) noexcept {
    std::uint32_t pattern = 0;
    for (int i = 3; i >= 0; --i) pattern = pattern << 8 | bytes[i];
    stored.super = std::bit_cast<float>(pattern);
  }
  static constexpr void pack(const codes& stored, std::uint8_t* bytes) noexcept {
    const auto pattern = std::bit_cast<std::uint32_t>(stored.super);
    for (int i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(pattern >> (8 * i));
  }
  static constexpr float value(const codes& stored, int) noexcept { return stored.super; }
};

/// The integer that a sub-scale code stands for, step * code + origin, the code read as two's complement of
/// eight bits where `is_signed`; and the power of two, 2^-unit_exponent, in which it counts.
struct factor_rule {
  int step = 1;
  int origin = 0;
  bool is_signed = false;
  int unit_exponent = 0;

  constexpr int factor(std::uint8_t code) const noexcept {
    return step * (is_signed ? static_cast<std::int8_t>(code) : code) + origin;
  }
  constexpr float unit() const noexcept { return 1.0f / static_cast<float>(1 << unit_exponent); }
};

/// A super-scale, binary16, times an integer a sub-block: (d * factor) * unit.
template <class Pattern, class SubCodes, factor_rule Rule = factor_rule{}>
struct super_scale {
  static constexpr int entries = SubCodes::entries;
  static constexpr factor_rule rule = Rule;
  static constexpr int code_count = 1 << SubCodes::bits;
  using codes = scale_codes<entries>;

  static constexpr void unpack(const std::uint8_t* bytes, codes& stored) noexcept {
    std::uint16_t pattern = 0;
    Pattern::unpack(bytes, &pattern);
    stored.super = numeric::half_to_float(pattern);
    SubCodes::unpack(bytes, stored.sub.data());
  }
  static constexpr void pack(const codes& stored, std::uint8_t* bytes) noexcept {
    const std::uint16_t pattern = numeric::half_from_float(stored.super);
    Pattern::pack(&pattern, bytes);
    SubCodes::pack(stored.sub.data(), bytes);
  }
  static constexpr float value(const codes& stored, int sub_block) noexcept {
    return stored.super * static_cast<float>(rule.factor(stored.sub[static_cast<std::size_t>(sub_block)])) *
           rule.unit();
  }
};

/// A number for each sub-block in one byte of its own, whose value is Table(code).
template <class SubCodes, auto Value>
struct byte_scale {
  static constexpr int entries = SubCodes::entries;
  static constexpr int code_count = 256;
  using codes = scale_codes<entries>;

  static constexpr void unpack(const std::uint8_t* bytes, codes& stored) noexcept {
    SubCodes::unpack(bytes, stored.sub.data());
  }
  static constexpr void pack(const codes& stored, std::uint8_t* bytes) noexcept {
    SubCodes::pack(stored.sub.data(), bytes);
  }
  static constexpr float code_value(std::uint8_t code) noexcept { return Value(code); }
  static constexpr float value(const codes& stored, int sub_block) noexcept {
    return Value(stored.sub[static_cast<std::size_t>(sub_block)]);
  }
};

/// An offset that is minus what `Storage` says: the K formats store how far the least value lies below zero.
template <class Storage>
struct subtracted : Storage {
  /// What is subtracted.
  static constexpr float depth(const typename Storage::codes& stored, int sub_block) noexcept {
    return Storage::value(stored, sub_block);
  }
  static constexpr float value(const typename Storage::codes& stored, int sub_block) noexcept {
    return -depth(stored, sub_block);
  }
};

/// No offset: zero is a level.
struct no_offset {
  static constexpr int entries = 0;
  struct codes {};

  static constexpr void unpack(const std::uint8_t*, codes&) noexcept {}
  static constexpr void pack(const codes&, std::uint8_t*) noexcept {}
};

/// Half of 2^(code - 127), the scale of MXFP4 for levels that are twice the E2M1 values; a subnormal for
/// codes 0 and 1.
constexpr float half_e8m0(std::uint8_t code) noexcept {
  return std::bit_cast<float>(code < 2 ? 0x200000u << code : (code - 1u) << 23);
}

/// Half of the unsigned E4M3 number `code` (bit 7 is ignored), the scale of NVFP4; the NaN pattern 127 is 0.
constexpr float half_ue4m3(std::uint8_t code) noexcept {
  if (code == 127) return 0.0f;
  const unsigned exponent = (code >> 3) & 15u;
  const unsigned fraction = code & 7u;
  if (exponent == 0) return static_cast<float>(fraction) / 1024.0f;  // 2^-9, halved
  return std::bit_cast<float>((exponent + 119u) << 23 | fraction << 20);
}

}  // namespace bitgauge::gguf
