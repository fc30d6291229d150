#pragma once

/// \file
/// Numbers beyond what a block can store: found after encoding, whatever encoder it was.

#include <bitgauge/base/config.hpp>
#include <bitgauge/effort.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/gguf/format/decode_block.hpp>
#include <bitgauge/gguf/format/scales.hpp>
#include <bitgauge/gguf/rows/row.hpp>
#include <bitgauge/gguf/search/affine_error.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bitgauge::gguf {

namespace detail {

/// What stores the scales of a format.
template <class Format>
constexpr const char* scale_name() noexcept {
  if (std::same_as<typename Format::scale, float_scale>) return "f32 scale";
  if (!std::same_as<typename Format::derived, no_derived_field>) return "f16 sum";
  if (!has_byte<typename Format::scale>) return "f16 scales";
  return Format::type == tensor_type::mxfp4 ? "E8M0 scales" : "E4M3 scales";
}

/// Up to this magnitude no scale, minimum or sum of any encoder leaves the range of its storage: no level but
/// 0 is below 7/8 of a unit, 32 levels are summed, and a fitted minimum lies within a few lengths of the
/// block.
template <class Format>
constexpr float certain_magnitude() noexcept {
  if constexpr (has_byte<typename Format::scale>) {
    return std::min(code_values<typename Format::scale>.back(), 0x1p100f);
  } else {
    return std::same_as<typename Format::scale, float_scale> ? 0x1p100f : 1024.0f;
  }
}

/// What is asked of a format, so that one function serves all: what is too large is rare.
struct overflow_format {
  tensor_type type;
  index_t elements, bytes;
  float certain_magnitude;
  const char* scale_name;
  void (*decode)(const std::uint8_t* bytes, float* out);
  bool (*has_finite_sums)(const std::uint8_t* bytes);
};

template <class Format>
inline constexpr overflow_format overflow_format_of{
    Format::type,
    Format::elements,
    Format::bytes,
    certain_magnitude<Format>(),
    scale_name<Format>(),
    [](const std::uint8_t* bytes, float* out) { decode_block<Format>(bytes, out); },
    []([[maybe_unused]] const std::uint8_t* bytes) {
      if constexpr (requires { Format::derived::is_finite(bytes); }) {
        return Format::derived::is_finite(bytes);
      } else {
        return true;
      }
    }};

/// Encodes a block as its row is encoded.
struct block_encoder {
  void (*encode)(const float* x, const float* importance, effort level, std::uint8_t* bytes);
  effort level;
  const float* importance;  ///< of the block, or null

  void operator()(const float* x, std::uint8_t* bytes) const { encode(x, importance, level, bytes); }
};

/// The error of a block with numbers that are not finite.
inline constexpr double lost = 1e300;

/// The sum of squared errors of a block as stored, in units of 2^exponent.
inline double stored_error(const overflow_format& format, const float* x, const std::uint8_t* bytes,
                           int exponent) {
  std::vector<float> decoded(bitgauge::detail::as_size(format.elements));
  format.decode(bytes, decoded.data());
  double error = 0.0;
  for (std::size_t j = 0; j < decoded.size(); ++j) {
    if (!numeric::is_finite(decoded[j])) return lost;
    const double rest = std::scalbn(static_cast<double>(x[j]) - static_cast<double>(decoded[j]), -exponent);
    error += product(rest, rest);
  }
  return format.has_finite_sums(bytes) ? error : lost;
}

/// True where a block of its own, its greatest magnitude 2^exponent to twice that, is held as well as one
/// that is divided by a power of two: no scale is at the end of its range.
inline bool is_held(const overflow_format& format, const float* x, int exponent,
                    const block_encoder& encode) {
  std::vector<std::uint8_t> stored(bitgauge::detail::as_size(format.bytes));
  encode(x, stored.data());
  const double error = stored_error(format, x, stored.data(), exponent);
  std::vector<float> smaller(bitgauge::detail::as_size(format.elements));
  std::transform(x, x + format.elements, smaller.begin(), best::power_divisor(exponent - 6));
  encode(smaller.data(), stored.data());
  const double expected = stored_error(format, smaller.data(), stored.data(), 6);
  return error <= product(1.01, expected) + 0x1p-24;
}

/// Encodes the block with its elements held within the greatest bounds that the format can store, to one part
/// in 64.
inline void saturate(const overflow_format& format, const float* x, int exponent, const block_encoder& encode,
                     std::uint8_t* bytes) {
  std::vector<float> within(bitgauge::detail::as_size(format.elements));
  const auto fits = [&](float bound) {
    std::transform(x, x + format.elements, within.begin(),
                   [&](float value) { return std::clamp(value, -bound, bound); });
    return is_held(format, within.data(), std::ilogb(bound), encode);
  };
  int low = std::ilogb(format.certain_magnitude);
  for (int high = exponent; low < high;) {
    const int middle = (low + high + 1) / 2;
    if (fits(std::scalbn(1.0f, middle))) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  float bound = std::scalbn(1.0f, low);
  for (float step = 0.5f * bound; step > bound / 128.0f; step *= 0.5f) {
    if (fits(bound + step)) bound += step;
  }
  fits(bound);
  encode(within.data(), bytes);
}

[[noreturn, gnu::cold]] inline void refuse_overflow(const overflow_format& format, index_t row, index_t first,
                                                    float magnitude) {
  bitgauge::detail::raise_message<data_error>(
      {"row ", row, ", columns ", first, " to ", first + format.elements - 1, ": magnitudes up to ",
       magnitude, " overflow the ", format.scale_name, " of ", traits_of(format.type).name,
       ": scale the matrix down (or ask for nonfinite::saturate)"});
}

/// Looks for blocks of a row whose elements are too large for the scales of the format: they would decode to
/// infinity or NaN, or be cut off in silence. Raises data_error that names row and columns, or, where
/// saturation is asked for, sees that they are cut off where the format ends.
///
/// `greatest` is the largest magnitude of the row, `encode.importance` the weights of the row or null. Cost: a comparison for
/// a row that is certain to fit; else the large blocks are encoded once more.
inline void mend_overflow(const overflow_format& format, const float* x, index_t columns, float greatest,
                          const row_place& place, const block_encoder& encode, std::uint8_t* out) {
  if (greatest <= format.certain_magnitude) return;
  for (index_t j = 0; j < columns; j += format.elements, out += format.bytes) {
    float magnitude = 0.0f;
    for (index_t k = 0; k < format.elements; ++k) magnitude = std::max(magnitude, std::abs(x[j + k]));
    if (magnitude <= format.certain_magnitude) continue;
    block_encoder encode_here = encode;
    if (encode.importance != nullptr) encode_here.importance += j;
    const int exponent = std::ilogb(magnitude);
    const bool is_finite = stored_error(format, x + j, out, exponent) < lost;
    if (is_finite && is_held(format, x + j, exponent, encode_here)) continue;
    if (place.saturates) {
      // most encoders hold their scales within the range; a block of theirs is cut off already
      if (!is_finite) saturate(format, x + j, exponent, encode_here, out);
      continue;
    }
    refuse_overflow(format, place.row, place.column + j, magnitude);
  }
}

}  // namespace detail

}  // namespace bitgauge::gguf
