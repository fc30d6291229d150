#pragma once

/// \file
/// How the blocks of ggml store scales and minima. Each storage unpacks to `scale_codes`, the numbers as
/// stored, and turns those into the float32 scale of a sub-block by the operations of ggml, in their order.

#include <bitgauge/gguf/format/bit_field.hpp>
#include <bitgauge/numeric/half.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
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
  static constexpr int stored_bits = 16;
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
  static constexpr int stored_bits = 32;
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
  static constexpr int stored_bits = 16 + SubCodes::stored_bits;
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

/// A number for each sub-block in one byte of its own, whose value is Value(code). Codes up to `MostCode` have
/// ascending values from above 0 on, or from 0 on; encoders use no others.
template <class SubCodes, auto Value, int MostCode>
struct byte_scale {
  static constexpr int entries = SubCodes::entries;
  static constexpr int stored_bits = SubCodes::stored_bits;
  static constexpr int code_count = 256;
  static constexpr int most_code = MostCode;
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

/// A minimum that is minus what `Storage` says: the K formats store how far the least value lies below zero.
template <class Storage>
struct subtracted : Storage {
  static constexpr float subtrahend(const typename Storage::codes& stored, int sub_block) noexcept {
    return Storage::value(stored, sub_block);
  }
  static constexpr float value(const typename Storage::codes& stored, int sub_block) noexcept {
    return -subtrahend(stored, sub_block);
  }
};

/// No minimum: zero is a level.
struct no_minimum {
  static constexpr int entries = 0;
  static constexpr int stored_bits = 0;
  struct codes {};

  static constexpr void unpack(const std::uint8_t*, codes&) noexcept {}
  static constexpr void pack(const codes&, std::uint8_t*) noexcept {}
};

/// Storages of a super-scale and a factor for each sub-block; of a byte each; of one number.
template <class Storage>
concept has_super = requires { Storage::rule; };
template <class Storage>
concept has_byte = requires { Storage::code_value(std::uint8_t{}); };
template <class Storage>
concept has_one = Storage::entries == 1 && !has_super<Storage> && !has_byte<Storage>;

/// Minima whose sign matters: of two NaNs a difference keeps the first, a sum either.
template <class Minimum>
concept subtracted_minimum = requires(typename Minimum::codes stored) { Minimum::subtrahend(stored, 0); };

/// The values of the codes that encoders use of a scale of one byte, ascending.
template <has_byte Storage>
inline constexpr auto code_values = [] {
  std::array<float, static_cast<std::size_t>(Storage::most_code) + 1> values{};
  for (std::size_t code = 0; code < values.size(); ++code)
    values[code] = Storage::code_value(static_cast<std::uint8_t>(code));
  return values;
}();

/// The factors that a super-scale can have.
template <has_super Storage>
struct factor_range {
  static constexpr int count = Storage::code_count;
  static constexpr int least = Storage::rule.is_signed ? -count / 2 : Storage::rule.origin;
  static constexpr int most = least + count - 1;
  static_assert(Storage::rule.step == 1 && Storage::rule.unit_exponent == 0);

  static std::uint8_t code(float factor) noexcept {
    return static_cast<std::uint8_t>(static_cast<int>(factor) - Storage::rule.origin);
  }
  /// The super-scale, before rounding, under which every one of some values has a factor.
  static float super_for(const float* values, std::size_t values_count) noexcept {
    const auto [low, high] = std::minmax_element(values, values + values_count);
    if constexpr (least < 0) return (-*low > *high ? *low : *high) / least;
    return std::max(*high, 0.0f) / most;
  }
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
