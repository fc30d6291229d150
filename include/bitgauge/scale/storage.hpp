#pragma once

/// \file
/// How the scales themselves are stored.

#include <bitgauge/error.hpp>
#include <bitgauge/grid/scale_rounding.hpp>
#include <bitgauge/numeric/half.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace bitgauge {

/// The element types a scale may be stored in.
enum class scale_type : std::uint8_t { f32, f16, bf16 };

constexpr index bytes_of(scale_type type) noexcept {
  return type == scale_type::f32 ? 4 : 2;
}

/// The answer to "how are the parameters stored?": scale_storage{scale_type::f16}.
struct scale_storage {
  scale_type type = scale_type::f32;
  friend constexpr bool operator==(const scale_storage&, const scale_storage&) = default;
};
inline constexpr scale_storage f32_scales{scale_type::f32};
inline constexpr scale_storage f16_scales{scale_type::f16};
inline constexpr scale_storage bf16_scales{scale_type::bf16};

/// Rounds a scale to f32, f16 or bf16.
class float_scale_rounding final : public scale_rounding {
 public:
  explicit float_scale_rounding(scale_type type) : type_(type) {}

  float nearest(float scale) const override {
    const float floor = type_ == scale_type::f16 ? 0x1p-24f : 0x1p-126f;
    if (!(scale > 0)) return 0;
    if (scale < floor) return floor;
    if (type_ == scale_type::f32) return scale;
    const float stored = type_ == scale_type::f16
                             ? numeric::half_to_float(numeric::half_from_float(scale))
                             : numeric::bfloat16_to_float(numeric::bfloat16_from_float(scale));
    if (!numeric::is_finite(stored))
      raise(data_error("scale " + std::to_string(scale) + " overflows " +
                       (type_ == scale_type::f16 ? "f16" : "bf16") + ": store scales as " +
                       (type_ == scale_type::f16 ? "bf16 or f32" : "f32")));
    return stored;
  }

 private:
  scale_type type_;
};

/// The stored scales of a matrix, one after the other, little-endian.
class scale_array {
 public:
  scale_array() = default;
  scale_array(scale_type type, index count)
      : type_(type), bytes_(static_cast<std::size_t>(count * bytes_of(type))) {}
  /// Takes over stored bytes, as read from a file. Throws shape_error where their number is not `count`
  /// scales.
  scale_array(scale_type type, index count, std::vector<std::uint8_t> bytes)
      : type_(type), bytes_(std::move(bytes)) {
    if (static_cast<index>(bytes_.size()) != count * bytes_of(type))
      raise(shape_error("scales: expected " + std::to_string(count * bytes_of(type)) + " bytes, found " +
                        std::to_string(bytes_.size())));
  }

  scale_type type() const noexcept { return type_; }
  index size() const noexcept { return static_cast<index>(bytes_.size()) / bytes_of(type_); }
  const std::vector<std::uint8_t>& bytes() const noexcept { return bytes_; }

  float operator[](index i) const noexcept {
    const std::uint8_t* at = bytes_.data() + i * bytes_of(type_);
    if (type_ == scale_type::f32) return read<float>(at);
    const auto pattern = read<std::uint16_t>(at);
    return type_ == scale_type::f16 ? numeric::half_to_float(pattern) : numeric::bfloat16_to_float(pattern);
  }
  /// Stores `scale`, which must be a value that scale_rounding gave.
  void set(index i, float scale) noexcept {
    std::uint8_t* at = bytes_.data() + i * bytes_of(type_);
    if (type_ == scale_type::f32) {
      std::memcpy(at, &scale, sizeof scale);
    } else {
      const std::uint16_t pattern =
          type_ == scale_type::f16 ? numeric::half_from_float(scale) : numeric::bfloat16_from_float(scale);
      std::memcpy(at, &pattern, sizeof pattern);
    }
  }

 private:
  template <class T>
  static T read(const std::uint8_t* at) noexcept {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }

  scale_type type_ = scale_type::f32;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace bitgauge
