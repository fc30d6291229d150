#pragma once

/// \file
/// Sixteen floats side by side, in vectors of GCC's and clang's own of a width that the caller chooses: see
/// multiversion.hpp. Every operation is one rounding a lane, in the order written, on every width.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/uncontracted.hpp>
#include <bitgauge/simd/lanes/vector.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bitgauge::simd {

/// Sixteen floats in vectors of `Bytes` bytes.
template <int Bytes>
struct lanes {
  static constexpr int count = 16, vector_bytes = Bytes;
  static constexpr std::size_t parts = 64 / Bytes, part_lanes = Bytes / sizeof(float);
  using part = vector<float, Bytes / 4>;

  part in[parts];

  [[gnu::always_inline]] static lanes load(const float* from) noexcept {
    lanes out;
    for (std::size_t i = 0; i < parts; ++i) std::memcpy(&out.in[i], from + i * part_lanes, Bytes);
    return out;
  }
  [[gnu::always_inline]] static lanes all(float value) noexcept {
    lanes out;
    for (std::size_t i = 0; i < parts; ++i) {
#if BITGAUGE_X86 && !defined(__clang__)
      // GCC would insert lane after lane where the translation unit's own vectors are narrower
      if constexpr (Bytes > 16) {
        asm("vbroadcastss %1, %0" : "=v"(out.in[i]) : "vm"(value));
        continue;
      }
#endif
      part filled{};
      for (std::size_t lane = 0; lane < part_lanes; ++lane) filled[lane] = value;
      out.in[i] = filled;
    }
    return out;
  }
  /// bytes[i] - zero, the difference within eight bits. By doubling widths, for which GCC has instructions;
  /// asked for more at once it converts one by one, and only told by name does it use the instruction for
  /// whole registers.
  [[gnu::always_inline]] static lanes from_bytes(const std::int8_t* bytes, std::int8_t zero) noexcept {
    lanes out;
    for (std::size_t i = 0; i < parts; ++i) {
      byte_part narrow;
      std::memcpy(&narrow, bytes + i * sizeof narrow, sizeof narrow);
      narrow -= zero;
#if BITGAUGE_X86 && !defined(__clang__)
      if constexpr (Bytes > 16) {
        integer_part wide;
        asm("vpmovsxbd %1, %0" : "=v"(wide) : "v"(narrow));
        out.in[i] = __builtin_convertvector(wide, part);
        continue;
      }
#endif
      const auto words = __builtin_convertvector(narrow, word_part);
      out.in[i] = __builtin_convertvector(__builtin_convertvector(words, integer_part), part);
    }
    return out;
  }
  /// Integers 0..255 as bytes.
  [[gnu::always_inline]] void to_bytes(std::uint8_t* bytes) const noexcept {
    for (std::size_t i = 0; i < parts; ++i) {
      const auto words = __builtin_convertvector(__builtin_convertvector(in[i], integer_part), word_part);
      const auto narrow = __builtin_convertvector(words, byte_part);
      std::memcpy(bytes + i * sizeof narrow, &narrow, sizeof narrow);
    }
  }
  [[gnu::always_inline]] void store(float* to) const noexcept {
    for (std::size_t i = 0; i < parts; ++i) std::memcpy(to + i * part_lanes, &in[i], Bytes);
  }
  /// The sum of all lanes in double, one after the other.
  [[gnu::always_inline]] double total() const noexcept {
    std::array<float, count> all;
    store(all.data());
    double sum = 0.0;
    for (const float lane : all) sum += static_cast<double>(lane);
    return sum;
  }

  [[gnu::always_inline]] friend lanes operator+(const lanes& a, const lanes& b) noexcept {
    lanes out;
    for (std::size_t i = 0; i < parts; ++i) out.in[i] = a.in[i] + b.in[i];
    return out;
  }
  [[gnu::always_inline]] friend lanes operator-(const lanes& a, const lanes& b) noexcept {
    lanes out;
    for (std::size_t i = 0; i < parts; ++i) out.in[i] = a.in[i] - b.in[i];
    return out;
  }
  /// The product, which no compiler fuses with a sum.
  [[gnu::always_inline]] friend lanes operator*(const lanes& a, const lanes& b) noexcept {
#if defined(__clang__)
#pragma clang fp contract(off) reassociate(off)
#endif
    lanes out;
    for (std::size_t i = 0; i < parts; ++i) {
      out.in[i] = a.in[i] * b.in[i];
      hide(out.in[i]);
    }
    return out;
  }
  [[gnu::always_inline]] friend lanes operator/(const lanes& a, const lanes& b) noexcept {
    lanes out;
    for (std::size_t i = 0; i < parts; ++i) out.in[i] = a.in[i] / b.in[i];
    return out;
  }
  [[gnu::always_inline]] lanes& operator+=(const lanes& b) noexcept { return *this = *this + b; }

  [[gnu::always_inline]] friend lanes smaller(const lanes& a, const lanes& b) noexcept {
    return where_less(a, b, a, b);
  }
  [[gnu::always_inline]] friend lanes greater(const lanes& a, const lanes& b) noexcept {
    return where_less(b, a, a, b);
  }
  /// a < b ? yes : no, lane by lane.
  [[gnu::always_inline]] friend lanes where_less(const lanes& a, const lanes& b, const lanes& yes,
                                                 const lanes& no) noexcept {
    lanes out;
    for (std::size_t i = 0; i < parts; ++i) out.in[i] = a.in[i] < b.in[i] ? yes.in[i] : no.in[i];
    return out;
  }
  /// Rounded to integers, ties to even, for magnitudes below 2^22: by adding 1.5 * 2^23, which leaves no
  /// fraction, and taking it away.
  [[gnu::always_inline]] lanes rounded() const noexcept {
#if defined(__clang__)
#pragma clang fp contract(off) reassociate(off)
#endif
    lanes out;
    for (std::size_t i = 0; i < parts; ++i) {
      out.in[i] = in[i] + 12582912.0f;
      hide(out.in[i]);
      out.in[i] -= 12582912.0f;
    }
    return out;
  }

  /// The nearest integers, ties to even, within least..most, magnitudes below 2^22; for any number, of which
  /// NaN gives one end. The sum with 1.5 * 2^23 has the integer in its low bits, and the patterns have the
  /// order of the integers, so they are clamped as integers, which also holds under -ffinite-math-only.
  [[gnu::always_inline]] lanes nearest_within(int least, int most) const noexcept {
    constexpr std::int32_t zero = 0x4b400000;
    lanes out;
    for (std::size_t i = 0; i < parts; ++i) {
      const part shifted = in[i] + 12582912.0f;
      integer_part pattern;
      std::memcpy(&pattern, &shifted, sizeof pattern);
      const integer_part low = integer_part{} + (zero + least), high = integer_part{} + (zero + most);
      pattern = pattern < high ? pattern : high;
      pattern = pattern > low ? pattern : low;
      std::memcpy(&out.in[i], &pattern, sizeof pattern);
      out.in[i] -= 12582912.0f;
    }
    return out;
  }

 private:
  using byte_part = vector<std::int8_t, Bytes / 4>;
  using word_part = vector<std::int16_t, Bytes / 4>;
  using integer_part = vector<std::int32_t, Bytes / 4>;

  /// numeric::make_opaque. clang, which takes no vector there that is wider than the translation unit's, is
  /// told by a pragma.
  [[gnu::always_inline]] static void hide([[maybe_unused]] part& value) noexcept {
#if !defined(__clang__)
    numeric::make_opaque(value);
#endif
  }
};

}  // namespace bitgauge::simd
