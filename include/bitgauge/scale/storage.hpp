#pragma once

/// \file
/// The stored scales of a matrix.

#include <bitgauge/base/reset_on_move.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/e8m0.hpp>
#include <bitgauge/numeric/half.hpp>
#include <bitgauge/scale/codec.hpp>
#include <bitgauge/scale/float_codec.hpp>
#include <bitgauge/scale/nested.hpp>
#include <bitgauge/scale/type.hpp>

#include <algorithm>
#include <cfloat>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge {

/// The stored scales of a matrix, one after the other, little-endian; behind them, where the type has one,
/// the f32 parameters of the second level: e4m3 its factor (or divisor); dynamic8 the offset and then each
/// block's factor; affine8 each block's factor and offset.
class scale_array {
 public:
  scale_array() = default;
  /// Throws invalid_scheme where a type of blocks has none.
  scale_array(scale_storage storage, index_t count) : storage_(storage), count_(count) {
    if (second_level_needs_block(storage.type) && storage.block < 1)
      detail::raise_message<invalid_scheme>(
          {"double quantization: expected blocks of at least 1 scale, found ", storage.block});
    bytes_.resize(static_cast<std::size_t>(scale_bytes(storage, count)));
  }
  /// Takes over stored bytes, as read from a file. Throws shape_error where their number is not that of
  /// `count` scales.
  scale_array(scale_storage storage, index_t count, std::vector<std::uint8_t> bytes)
      : scale_array(storage, count) {
    if (bytes.size() != bytes_.size())
      detail::raise_message<shape_error>(
          {"scales: expected ", bytes_.size(), " bytes, found ", bytes.size()});
    bytes_ = std::move(bytes);
  }

  scale_type type() const noexcept { return storage_.type; }
  const scale_storage& storage() const noexcept { return storage_; }
  index_t size() const noexcept { return count_; }
  const std::vector<std::uint8_t>& bytes() const noexcept { return bytes_; }

  float operator[](index_t i) const noexcept {
    const std::uint8_t* at = bytes_.data() + i * bytes_of(storage_.type);
    switch (storage_.type) {
      case scale_type::f32:
        return read<float>(at);
      case scale_type::f16:
        return numeric::half_to_float(read<std::uint16_t>(at));
      case scale_type::bf16:
        return numeric::bfloat16_to_float(read<std::uint16_t>(at));
      case scale_type::e8m0:
        return numeric::e8m0::from_code(*at).to_float();
      default:
        return nested(i).value(*at);
    }
  }
  /// Writes scales first .. first + count - 1 to `out`: many at once, the type looked at once.
  void read_into(index_t first, index_t count, float* out) const noexcept {
    if (count == 0) return;  // memcpy takes no null, not even for nothing
    const std::uint8_t* at = bytes_.data() + first * bytes_of(storage_.type);
    switch (storage_.type) {
      case scale_type::f32:
        std::memcpy(out, at, static_cast<std::size_t>(count) * sizeof(float));
        return;
      case scale_type::f16:
        for (index_t i = 0; i < count; ++i) out[i] = numeric::half_to_float(read<std::uint16_t>(at + 2 * i));
        return;
      case scale_type::bf16:
        for (index_t i = 0; i < count; ++i)
          out[i] = numeric::bfloat16_to_float(read<std::uint16_t>(at + 2 * i));
        return;
      case scale_type::e8m0:
        for (index_t i = 0; i < count; ++i) out[i] = numeric::e8m0::from_code(at[i]).to_float();
        return;
      default:
        for_each_block(first, count,
                       [&](const detail::nested_codes& codes, index_t i) { out[i] = codes.value(at[i]); });
    }
  }
  /// Stores `scale`, which must be a value that the rounding of scale `i` gave.
  void set(index_t i, float scale) noexcept {
    std::uint8_t* at = bytes_.data() + i * bytes_of(storage_.type);
    switch (storage_.type) {
      case scale_type::f32:
        return write(at, scale);
      case scale_type::f16:
        return write(at, numeric::half_from_float(scale));
      case scale_type::bf16:
        return write(at, numeric::bfloat16_from_float(scale));
      case scale_type::e8m0:
        *at = numeric::e8m0::from_float(scale).code;
        return;
      default:
        *at = static_cast<std::uint8_t>(nested(i).nearest(scale));
    }
  }

  /// Rounds scales first, first + 1, .. as rounding(*this, i) does, stores them, and leaves the stored values
  /// in `scales`.
  void round_and_set(index_t first, std::span<float> scales) {
    if (!is_nested(storage_.type)) return round_and_set_alone(first, scales);
    for_each_block(first, std::ssize(scales), [&](const detail::nested_codes& codes, index_t i) {
      float& scale = scales[static_cast<std::size_t>(i)];
      const int code = codes.nearest(scale);
      bytes_[static_cast<std::size_t>(first + i)] = static_cast<std::uint8_t>(code);
      scale = codes.value(code);
    });
  }

  /// Chooses the second level that suits the scales wanted, one for each stored scale; to be done before the
  /// first is set. Nothing to do for types without one.
  void prepare(std::span<const float> wanted) {
    if (!is_nested(storage_.type)) return;
    const std::vector<float> level = detail::second_level_for(storage_, wanted);
    if (!level.empty()) std::memcpy(bytes_.data() + count_, level.data(), level.size() * sizeof(float));
  }

  /// How scale `i` is rounded. Throws data_error as float_scale_codec does.
  class rounding final : public scale_codec {
   public:
    /// To f32, for when the second level is not yet known.
    rounding() = default;
    rounding(const scale_array& array, index_t i) : type_(array.type()) {
      if (is_nested(type_)) codes_ = array.nested(i);
    }
    float nearest(float scale) const override {
      if (!is_nested(type_)) return float_scale_codec(type_).nearest(scale);
      return codes_.value(codes_.nearest(scale));
    }
    bool is_exact() const override { return type_ == scale_type::f32; }
    neighbours around(double scale) const override {
      return is_nested(type_) ? codes_.around(scale) : float_scale_codec(type_).around(scale);
    }
    std::size_t following(float from, bool up, std::span<float> found) const override {
      return is_nested(type_) ? codes_.following(from, up, found) : scale_codec::following(from, up, found);
    }

   private:
    scale_type type_ = scale_type::f32;
    detail::nested_codes codes_{};
  };

 private:
  static constexpr bool second_level_needs_block(scale_type type) noexcept {
    return type == scale_type::dynamic8 || type == scale_type::affine8;
  }

  /// round_and_set() for types without a second level, the type looked at once.
  void round_and_set_alone(index_t first, std::span<float> scales) {
    std::uint8_t* at = bytes_.data() + first * bytes_of(storage_.type);
    switch (storage_.type) {
      case scale_type::f32:
        for (float& scale : scales)
          scale = scale > 0 ? std::max(scale, FLT_MIN) : scale < 0 ? std::min(scale, -FLT_MIN) : 0.0f;
        if (!scales.empty()) std::memcpy(at, scales.data(), scales.size_bytes());
        return;
      case scale_type::e8m0:
        for (float& scale : scales) {
          const numeric::e8m0 stored = numeric::e8m0::from_float(scale);
          *at++ = stored.code;
          scale = stored.to_float();
        }
        return;
      default:
        const float_scale_codec alone(storage_.type);
        for (float& scale : scales) set(first++, scale = alone.nearest(scale));
    }
  }

  /// Calls action(codes, i) for scales first + i, i = 0 .. count-1, the second level looked at once a block.
  template <class Action>
  void for_each_block(index_t first, index_t count, const Action& action) const {
    for (index_t i = 0; i < count;) {
      const index_t end =
          storage_.block > 0 ? std::min(count, i + storage_.block - (first + i) % storage_.block) : count;
      const detail::nested_codes codes = nested(first + i);
      for (; i < end; ++i) action(codes, i);
    }
  }

  /// What the code of scale `i` stands for.
  detail::nested_codes nested(index_t i) const noexcept {
    if (storage_.type == scale_type::dynamic8)
      return {storage_.type, parameter(1 + i / storage_.block), parameter(0)};
    if (storage_.type == scale_type::affine8)
      return {storage_.type, parameter(2 * (i / storage_.block)), parameter(2 * (i / storage_.block) + 1)};
    return {storage_.type, parameter(0), 0};
  }
  /// Parameter `i` of the second level.
  float parameter(index_t i) const noexcept { return read<float>(bytes_.data() + count_ + 4 * i); }

  template <class T>
  static T read(const std::uint8_t* at) noexcept {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  template <class T>
  static void write(std::uint8_t* at, T value) noexcept {
    std::memcpy(at, &value, sizeof value);
  }

  detail::reset_on_move<scale_storage> storage_;
  detail::reset_on_move<index_t> count_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace bitgauge
