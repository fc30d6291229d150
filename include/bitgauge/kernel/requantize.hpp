#pragma once

/// \file
/// From int32 sums of products of codes to 8-bit codes: code = clamp(round(sum * multiplier) + zero point).

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/simd/multiversion.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace bitgauge {

/// How sum * multiplier is computed and rounded to an integer.
enum class requantization : std::uint8_t {
  exact,        ///< in binary64, nearest, ties to even
  single,       ///< in binary32, nearest, ties to even: QLinearMatMul of ONNX, as ONNX Runtime computes it
  fixed_point,  ///< in integers alone: fixed_point_multiplier, as gemmlowp and TensorFlow Lite compute it
};

/// An 8-bit code that products of codes take and make.
template <class Code>
concept byte_code = std::same_as<Code, std::int8_t> || std::same_as<Code, std::uint8_t>;

/// x * y / 2^31, rounded to nearest with ties towards +infinity; -2^31 * -2^31 gives 2^31 - 1. (gemmlowp's
/// SaturatingRoundingDoublingHighMul, ARM's SQRDMULH.)
constexpr std::int32_t rounding_doubling_high_multiply(std::int32_t x, std::int32_t y) noexcept {
  constexpr std::int32_t lowest = std::numeric_limits<std::int32_t>::min();
  if (x == lowest && y == lowest) return std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>((std::int64_t{x} * y + (std::int64_t{1} << 30)) >> 31);
}

/// x / 2^exponent, rounded to nearest with ties away from zero; 0 <= exponent <= 31. (gemmlowp's
/// RoundingDivideByPOT.)
constexpr std::int32_t rounding_shift_right(std::int32_t x, int exponent) noexcept {
  const std::int64_t half = (std::int64_t{1} << exponent) >> 1;
  return static_cast<std::int32_t>((x + half - (x < 0 && exponent > 0 ? 1 : 0)) >> exponent);
}

/// A multiplier in integers: mantissa * 2^(shift - 31), the mantissa 0 or from 2^30 to 2^31 - 1 and the shift
/// from -31 to 31. x * multiplier is x shifted left by a positive shift (saturating at the ends of int32),
/// multiplied by rounding_doubling_high_multiply(), and shifted right by a negative shift, rounding. The
/// source is gemmlowp (Jacob and Warden, 2015, doc/quantization.md); the result is off the exact product
/// by less than one.
struct fixed_point_multiplier {
  std::int32_t mantissa = 0;
  std::int32_t shift = 0;

  constexpr std::int32_t operator()(std::int32_t x) const noexcept {
    constexpr std::int64_t lowest = std::numeric_limits<std::int32_t>::min(),
                           highest = std::numeric_limits<std::int32_t>::max();
    const int left = std::max(shift, 0), right = std::max(-shift, 0);
    const auto shifted =
        static_cast<std::int32_t>(std::clamp(x * (std::int64_t{1} << left), lowest, highest));
    return rounding_shift_right(rounding_doubling_high_multiply(shifted, mantissa), right);
  }

  friend constexpr bool operator==(const fixed_point_multiplier&, const fixed_point_multiplier&) = default;
};

/// The nearest such multiplier. Below 2^-32 it is 0, from 2^31 on the largest, which saturates every sum but
/// 0. Throws data_error unless `real` is finite and not negative.
inline fixed_point_multiplier make_fixed_point_multiplier(double real) {
  if (!numeric::binary64::is_finite(real) || !(real >= 0))
    detail::raise_message<data_error>({"multiplier: expected a finite number from 0 up, found ", real});
  constexpr std::int64_t one = std::int64_t{1} << 31;
  int shift = 0;
  std::int64_t mantissa = std::llround(std::frexp(real, &shift) * static_cast<double>(one));
  if (mantissa == one) {
    mantissa /= 2;
    ++shift;
  }
  if (shift < -31) return {};
  if (shift > 31) return {static_cast<std::int32_t>(one - 1), 31};
  return {static_cast<std::int32_t>(mantissa), shift};
}

namespace detail {

/// One sample's sums to codes, in the three forms. A number is rounded by adding 1.5 * 2^52 (2^23), after
/// which the low bits of its fraction are the integer: compilers make vectors of it, and no -ffast-math takes
/// it apart. The clamp stands between product and sum, so that the two are never contracted.
template <class Code>
struct requantize_row {
  const std::int32_t* sums;
  const std::int32_t* bias;  ///< or null
  Code* out;
  index_t count;
  const double* exact;                  ///< the multipliers of the form that is asked for, else null
  const float* single;                  ///< likewise
  const fixed_point_multiplier* fixed;  ///< likewise
  std::int32_t zero_point;

  template <class Width>
  [[gnu::always_inline]] void operator()(Width) const {
    if (exact != nullptr)
      rounded<double, std::int64_t>(exact, 0x1.8p52);
    else if (single != nullptr)
      rounded<float, std::int32_t>(single, 0x1.8p23f);
    else
      for (index_t i = 0; i < count; ++i) out[i] = clamped(std::int64_t{fixed[i](sum(i))} + zero_point);
  }

 private:
  static constexpr std::int32_t lowest = std::numeric_limits<Code>::min(),
                                highest = std::numeric_limits<Code>::max();

  [[gnu::always_inline]] std::int32_t sum(index_t i) const {
    return bias == nullptr ? sums[i] : sums[i] + bias[i];
  }
  [[gnu::always_inline]] static Code clamped(std::int64_t code) {
    return static_cast<Code>(std::clamp<std::int64_t>(code, lowest, highest));
  }
  template <class Real, class Bits>
  [[gnu::always_inline]] void rounded(const Real* multipliers, Real magic) const {
    const auto least = static_cast<Real>(lowest - zero_point), most = static_cast<Real>(highest - zero_point);
    const Bits origin = std::bit_cast<Bits>(magic) - zero_point;
    for (index_t i = 0; i < count; ++i) {
      Real value = static_cast<Real>(sum(i)) * multipliers[i];
      value = value < least ? least : value;
      value = value > most ? most : value;
      out[i] = static_cast<Code>(std::bit_cast<Bits>(value + magic) - origin);
    }
  }
};

}  // namespace detail

/// The multipliers of a layer's outputs, and the codes that they make of sums.
///
///     const requantizer codes(multipliers, 3, requantization::fixed_point);
///     codes(sums, bias, out);   // one sample: std::span<const std::int32_t>, out of int8_t or uint8_t
class requantizer {
 public:
  requantizer() = default;
  /// `multipliers`: one an output, scale of inputs * scale of weights / scale of outputs. `zero_point` is one
  /// of the codes. Throws data_error unless multipliers are finite, in the form's own numbers, and not
  /// negative.
  requantizer(std::span<const double> multipliers, std::int32_t zero_point, requantization form)
      : zero_point_(zero_point), form_(form), count_(std::ssize(multipliers)) {
    for (const double multiplier : multipliers) {
      const fixed_point_multiplier fixed = make_fixed_point_multiplier(multiplier);
      if (form == requantization::exact) exact_.push_back(multiplier);
      if (form == requantization::single) {
        single_.push_back(static_cast<float>(multiplier));
        if (!numeric::is_finite(single_.back()))
          detail::raise_message<data_error>({"multiplier: expected a finite float, found ", multiplier});
      }
      if (form == requantization::fixed_point) fixed_.push_back(fixed);
    }
  }

  index_t size() const noexcept { return count_; }
  std::int32_t zero_point() const noexcept { return zero_point_; }
  requantization form() const noexcept { return form_; }

  /// out[i] = clamp(round((sums[i] + bias[i]) * multiplier i) + zero point). No bias: an empty span. sums +
  /// bias must fit int32. Throws shape_error where the sizes differ.
  template <byte_code Code>
  void operator()(std::span<const std::int32_t> sums, std::span<const std::int32_t> bias,
                  std::span<Code> out) const {
    if (std::ssize(sums) != count_ || std::ssize(out) != count_ ||
        (!bias.empty() && std::ssize(bias) != count_))
      detail::raise_message<shape_error>({"requantizer of ", count_, " outputs: found ", std::ssize(sums),
                                          " sums, ", std::ssize(bias), " biases, ", std::ssize(out),
                                          " codes"});
    simd::multiversion(detail::requantize_row<Code>{
        sums.data(), bias.empty() ? nullptr : bias.data(), out.data(), count_,
        form_ == requantization::exact ? exact_.data() : nullptr,
        form_ == requantization::single ? single_.data() : nullptr,
        form_ == requantization::fixed_point ? fixed_.data() : nullptr, zero_point_});
  }

 private:
  std::vector<double> exact_;
  std::vector<float> single_;
  std::vector<fixed_point_multiplier> fixed_;
  std::int32_t zero_point_ = 0;
  requantization form_ = requantization::exact;
  index_t count_ = 0;
};

}  // namespace bitgauge
