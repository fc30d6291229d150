#pragma once

/// \file
/// The row primitives that quantizing and dequantizing are made of, and the portable version of each.
///
/// A row is `count` elements in runs of `run` that share parameters; the last run may be shorter. Parameters
/// are arrays with one entry per run.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/simd/portable/bits.hpp>
#include <bitgauge/simd/x86/target.hpp>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>

namespace bitgauge::simd {

/// How a row moves through memory. Results never depend on it.
struct memory_hints {
  const float* next = nullptr;  ///< a row of the same length that is read after this one: fetched meanwhile
  bool past_caches = false;     ///< writes codes past the caches, for results larger than they are; then call
                                ///< finish_stores() before another thread reads them
};

/// Floats from row to row of a buffer for transposed rows of `cols` elements: whole cache lines, an odd
/// number of them, so that an element of each row does not fall into the same set of a cache.
constexpr index_t transpose_stride(index_t cols) noexcept {
  return ((cols + 15) / 16 | 1) * 16;
}

/// Makes what was written past the caches visible to other threads. Once per piece of work, not per row.
inline void finish_stores() {
#if BITGAUGE_X86
  _mm_sfence();
#endif
}

/// Fetches `bytes` bytes that are read soon, or written where `Write`.
template <bool Write = false>
void fetch(const std::uint8_t* from, index_t bytes) {
  constexpr index_t line = 64;
  for (index_t i = 0; i < bytes; i += line) __builtin_prefetch(from + i, Write ? 1 : 0, Write ? 3 : 2);
}

namespace portable {

inline std::uint32_t extents(const float* x, index_t count, index_t run, float* low, float* high) {
  std::uint32_t largest = 0;
  for (index_t begin = 0; begin < count; begin += run, ++low, ++high) {
    const index_t end = std::min(begin + run, count);
    float smallest = 0, greatest = 0;
    for (index_t j = begin; j < end; ++j) {
      smallest = x[j] < smallest ? x[j] : smallest;
      greatest = x[j] > greatest ? x[j] : greatest;
      largest = std::max(largest, numeric::magnitude_bits(x[j]));
    }
    *low = smallest;
    *high = greatest;
  }
  return largest;
}

inline float scales(const float* low, const float* high, index_t runs, bool symmetric, float steps,
                    float smallest, float* scale) {
  float largest = 0;
  for (index_t i = 0; i < runs; ++i) {
    const float length = high[i] - low[i];
    float s = symmetric                    ? (-low[i] > high[i] ? -low[i] : high[i]) / steps
              : numeric::is_finite(length) ? length / steps
                                           : high[i] / steps - low[i] / steps;
    s = std::max(s, smallest);
    if (s > 0 && s < FLT_MIN) s = FLT_MIN;
    scale[i] = s;
    largest = std::max(largest, s);
  }
  return largest;
}

inline void inverses(const float* scale, index_t runs, float* inverse) {
  for (index_t i = 0; i < runs; ++i) inverse[i] = scale[i] > 0 || scale[i] < 0 ? 1.0f / scale[i] : 0.0f;
}

inline void zero_points(const float* low, const float* scale, index_t runs, int lowest, int highest,
                        bool steady, std::int32_t* zero_point) {
  for (index_t i = 0; i < runs; ++i) {
    float steps = scale[i] > 0 ? std::clamp(low[i] / scale[i], -512.0f, 0.0f) : static_cast<float>(lowest);
    const float halves = 2 * steps, odd = std::nearbyint(halves);
    if (steady && std::fabs(halves - odd) <= std::fabs(halves) * (2 * FLT_EPSILON)) steps = odd / 2;
    zero_point[i] = std::clamp(lowest - static_cast<int>(std::nearbyint(steps)), lowest, highest);
  }
}

inline void encode(const float* x, index_t count, index_t run, const float* inverse,
                   const std::int32_t* zero_point, int lowest, int highest, std::uint8_t* codes,
                   const memory_hints&) {
  for (index_t begin = 0; begin < count; begin += run, ++inverse, ++zero_point) {
    const index_t end = std::min(begin + run, count);
    const auto low = static_cast<float>(lowest - *zero_point),
               high = static_cast<float>(highest - *zero_point);
    for (index_t j = begin; j < end; ++j) {
      const float steps = x[j] * *inverse;
      const float clamped = steps < low ? low : steps > high ? high : steps;
      codes[j] = static_cast<std::uint8_t>(static_cast<int>(std::nearbyint(clamped)) + *zero_point);
    }
  }
}

inline void decode(const std::uint8_t* codes, index_t count, index_t run, const float* scale,
                   const std::int32_t* zero_point, bool is_signed, float* out) {
  const int sign = is_signed ? 0x80 : 0;
  for (index_t begin = 0; begin < count; begin += run, ++scale, ++zero_point) {
    const index_t end = std::min(begin + run, count);
    const int shift = sign + *zero_point;  // (code ^ sign) - sign is the signed value of the byte
    for (index_t j = begin; j < end; ++j) out[j] = *scale * static_cast<float>((codes[j] ^ sign) - shift);
  }
}

inline void transpose(const float* x, index_t column_stride, index_t rows, index_t cols, float* out,
                      index_t row_stride, bool) {
  for (index_t c = 0; c < cols; ++c)
    for (index_t r = 0; r < rows; ++r) out[r * row_stride + c] = x[c * column_stride + r];
}

}  // namespace portable

// Tables of their own for what is needed without the rest: a unit compiles every operation of the tables that it uses.

/// See simd::extents.
struct extent_operations {
  std::uint32_t (*extents)(const float* x, index_t count, index_t run, float* low,
                           float* high) = portable::extents;
};

/// See simd::transpose.
struct transpose_operations {
  void (*transpose)(const float* x, index_t column_stride, index_t rows, index_t cols, float* out,
                    index_t row_stride, bool past_caches) = portable::transpose;
};

/// See simd::pack and simd::unpack.
struct bit_operations {
  void (*pack)(const std::uint8_t* codes, index_t count, int bits, std::uint8_t* out) = portable::pack;
  void (*unpack)(const std::uint8_t* packed, index_t count, int bits, bool sign_extend,
                 std::uint8_t* codes) = portable::unpack;
};

/// The functions of one instruction set between values and codes.
struct row_operations {
  /// The scale of each run from its extents, low <= 0 <= high: max(-low, high) / steps if `symmetric`, else
  /// (high - low) / steps; at least `smallest`, and a positive one at least the smallest normal number.
  /// Returns the largest.
  float (*scales)(const float* low, const float* high, index_t runs, bool symmetric, float steps,
                  float smallest, float* scale) = portable::scales;

  /// 1 / scale, or 0 where the scale is 0.
  void (*inverses)(const float* scale, index_t runs, float* inverse) = portable::inverses;

  /// integer_grid::zero_point_for of each run from its low <= 0 and its scale; `steady` is the grid's steady_ties.
  void (*zero_points)(const float* low, const float* scale, index_t runs, int lowest, int highest,
                      bool steady, std::int32_t* zero_point) = portable::zero_points;

  /// codes[j] = clamp(rint(x[j] * inverse) + zero_point, lowest, highest), a byte each (two's complement).
  /// Every x is finite; a product that overflows is clamped. Not for one-bit symmetric grids.
  void (*encode)(const float* x, index_t count, index_t run, const float* inverse,
                 const std::int32_t* zero_point, int lowest, int highest, std::uint8_t* codes,
                 const memory_hints& memory) = portable::encode;

  /// out[j] = scale * (code - zero_point), where code is the byte codes[j], signed or not.
  void (*decode)(const std::uint8_t* codes, index_t count, index_t run, const float* scale,
                 const std::int32_t* zero_point, bool is_signed, float* out) = portable::decode;
};

}  // namespace bitgauge::simd
