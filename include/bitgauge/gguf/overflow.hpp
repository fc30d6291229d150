#pragma once

/// \file
/// Numbers beyond what a block can store: found after encoding, whatever encoder it was.

#include <bitgauge/error.hpp>
#include <bitgauge/gguf/format/decode_block.hpp>
#include <bitgauge/gguf/format/scales.hpp>
#include <bitgauge/gguf/row.hpp>
#include <bitgauge/gguf/search/affine_error.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

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

/// The error of a block with numbers that are not finite.
inline constexpr double lost = 1e300;

/// The sum of squared errors of a block as stored, in units of 2^exponent.
template <class Format>
double stored_error(const float* x, const std::uint8_t* bytes, int exponent) noexcept {
  std::array<float, static_cast<std::size_t>(Format::elements)> decoded;
  decode_block<Format>(bytes, decoded.data());
  double error = 0.0;
  for (std::size_t j = 0; j < decoded.size(); ++j) {
    if (!numeric::is_finite(decoded[j])) return lost;
    const double rest = std::scalbn(static_cast<double>(x[j]) - static_cast<double>(decoded[j]), -exponent);
    error += product(rest, rest);
  }
  if constexpr (requires { Format::derived::is_finite(bytes); }) {
    if (!Format::derived::is_finite(bytes)) return lost;
  }
  return error;
}

/// True where a block of its own, its greatest magnitude 2^exponent to twice that, is held as well as one
/// that is divided by a power of two: no scale is at the end of its range. `encode(x, bytes)` encodes a
/// block.
template <class Format, class Encode>
bool is_held(const float* x, int exponent, const Encode& encode) noexcept {
  block<Format> stored;
  encode(x, stored.bytes.data());
  const double error = stored_error<Format>(x, stored.bytes.data(), exponent);
  std::array<float, static_cast<std::size_t>(Format::elements)> smaller;
  std::transform(x, x + Format::elements, smaller.begin(), best::power_divisor(exponent - 6));
  encode(smaller.data(), stored.bytes.data());
  const double expected = stored_error<Format>(smaller.data(), stored.bytes.data(), 6);
  return error <= product(1.01, expected) + 0x1p-24;
}

/// Encodes the block with its elements held within the greatest bounds that the format can store, to one part
/// in 64.
template <class Format, class Encode>
void saturate(const float* x, int exponent, const Encode& encode, std::uint8_t* bytes) noexcept {
  std::array<float, static_cast<std::size_t>(Format::elements)> within;
  const auto fits = [&](float bound) {
    std::transform(x, x + Format::elements, within.begin(),
                   [&](float value) { return std::clamp(value, -bound, bound); });
    return is_held<Format>(within.data(), std::ilogb(bound), encode);
  };
  int low = std::ilogb(certain_magnitude<Format>());
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

template <class Format>
[[noreturn, gnu::cold]] void refuse_overflow(index_t row, index_t first, float magnitude) {
  raise(data_error("row " + std::to_string(row) + ", columns " + std::to_string(first) + " to " +
                   std::to_string(first + Format::elements - 1) + ": magnitudes up to " +
                   std::to_string(magnitude) + " overflow the " + scale_name<Format>() + " of " +
                   std::string(traits_of(Format::type).name) +
                   ": scale the matrix down (or ask for nonfinite::saturate)"));
}

}  // namespace detail

/// Looks for blocks of a row whose elements are too large for the scales of the format: they would decode to
/// infinity or NaN, or be cut off in silence. Raises data_error that names row and columns, or, where
/// saturation is asked for, sees that they are cut off where the format ends.
///
/// `greatest` is the largest magnitude of the row. `encode(x, importance, bytes)` encodes a block. Cost: a
/// comparison for a row that is certain to fit; else the large blocks are encoded once more.
template <class Format, class Encode>
void mend_overflow(const float* x, index_t columns, const float* importance, float greatest,
                   const row_place& place, const Encode& encode, std::uint8_t* out) {
  if (greatest <= detail::certain_magnitude<Format>()) return;
  for (index_t j = 0; j < columns; j += Format::elements, out += Format::bytes) {
    float magnitude = 0.0f;
    for (index_t k = 0; k < Format::elements; ++k) magnitude = std::max(magnitude, std::abs(x[j + k]));
    if (magnitude <= detail::certain_magnitude<Format>()) continue;
    const auto encode_here = [&](const float* values, std::uint8_t* bytes) {
      encode(values, importance == nullptr ? nullptr : importance + j, bytes);
    };
    const int exponent = std::ilogb(magnitude);
    const bool is_finite = detail::stored_error<Format>(x + j, out, exponent) < detail::lost;
    if (is_finite && detail::is_held<Format>(x + j, exponent, encode_here)) continue;
    if (place.saturates) {
      // most encoders hold their scales within the range; a block of theirs is cut off already
      if (!is_finite) detail::saturate<Format>(x + j, exponent, encode_here, out);
      continue;
    }
    detail::refuse_overflow<Format>(place.row, place.column + j, magnitude);
  }
}

}  // namespace bitgauge::gguf
