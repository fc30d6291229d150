#pragma once

/// \file
/// Codebooks: grids whose levels are listed.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/simd/levels.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace bitgauge {

/// A grid of 1 to 256 given levels; field i stands for levels[i], in any order. Sorted once, when made: as a
/// constant at compile time, from data at run time.
///
///     constexpr std::array<float, 5> levels{-1, -0.25f, 0, 0.25f, 1};
///     auto q = quantize(W, codebook_grid(levels), per_group{64});
///
/// A value goes to the nearest level, decided by the midpoints (a + b) / 2 of neighbouring levels rounded in
/// binary32; a value on a midpoint goes to the lower level. Cost: log2(levels) comparisons. Many elements at
/// once are encoded faster: up to 16 levels by comparisons side by side, more by simd::level_buckets.
class codebook_grid {
 public:
  static constexpr std::size_t capacity = 256;

  /// Throws invalid_scheme on no level, more than 256, or one that is not finite.
  constexpr explicit codebook_grid(std::span<const float> levels) {
    const std::size_t count = levels.size();
    if (count < 1 || count > capacity)
      raise(invalid_scheme("codebook: expected 1 to 256 levels, found " + std::to_string(count)));
    for (std::size_t i = 0; i < count; ++i) {
      if (!numeric::is_finite(levels[i]))
        raise(invalid_scheme("codebook: level " + std::to_string(i) + " is not finite"));
      levels_[i] = levels[i];
      fields_[i] = static_cast<std::uint8_t>(i);
    }
    bits_ = count < 2 ? 1 : static_cast<int>(std::bit_width(count - 1));
    // stable: of equal levels, such as +0 and -0, the first given is chosen
    std::sort(fields_.begin(), fields_.begin() + static_cast<std::ptrdiff_t>(count),
              [&](std::uint8_t a, std::uint8_t b) {
                return levels_[a] < levels_[b] || (levels_[a] == levels_[b] && a < b);
              });
    std::size_t distinct = 0;
    for (std::size_t i = 0; i < count; ++i)
      if (i == 0 || levels_[fields_[i]] != levels_[fields_[distinct - 1]]) fields_[distinct++] = fields_[i];
    lowest_ = levels_[fields_[0]];
    highest_ = levels_[fields_[distinct - 1]];
    for (std::size_t i = 0; i + 1 < distinct; ++i)
      midpoints_[i] = (levels_[fields_[i]] + levels_[fields_[i + 1]]) / 2;
    steps_ = static_cast<unsigned>(std::bit_floor(std::max<std::size_t>(distinct - 1, 1)));
    // fields that no level was given for stand for the highest; they are never chosen
    for (std::size_t i = count; i < capacity; ++i) levels_[i] = highest_;
    for (std::size_t i = distinct; i < fields_.size(); ++i) fields_[i] = fields_[distinct - 1];
    for (std::size_t i = distinct - 1; i < capacity; ++i) midpoints_[i] = FLT_MAX;
    if (bits_ > 4) buckets_ = {midpoints_, distinct - 1};
  }

  constexpr int bits() const noexcept { return bits_; }
  constexpr float level(int field) const noexcept { return levels_[static_cast<std::size_t>(field)]; }

  /// The field of the level nearest to `value`.
  constexpr int nearest(float value) const noexcept {
    unsigned below = 0;  // midpoints known to lie below the value
    for (unsigned step = steps_; step > 0; step /= 2)
      below += midpoints_[below + step - 1] < value ? step : 0u;
    return fields_[below];
  }

  /// fields[i] = nearest(x[i] * inverse_scale).
  void encode(const float* x, index_t count, float inverse_scale, std::uint8_t* fields) const noexcept {
    if (bits_ <= 4)
      return simd::encode_levels(x, count, inverse_scale, midpoints_.data(), fields_.data(), fields);
    simd::encode_many_levels(x, count, inverse_scale, midpoints_, buckets_, fields_.data(), fields);
  }

  /// The scale that covers `range` without clipping. A side on which the codebook has no level is left out.
  constexpr float scale_for(interval range) const noexcept {
    const float above = highest_ > 0 ? range.high / highest_ : 0.0f;
    const float below = lowest_ < 0 ? range.low / lowest_ : 0.0f;
    return above > below ? above : below;
  }

 private:
  std::array<float, capacity> levels_{};
  std::array<float, capacity> midpoints_{};
  std::array<std::uint8_t, capacity + 3> fields_{};  ///< padded for simd::encode_many_levels
  simd::level_buckets buckets_;                      ///< of codes of more than 4 bits
  float lowest_ = 0, highest_ = 0;
  unsigned steps_ = 1;  ///< largest power of two of the search
  int bits_ = 1;
};

/// A grid whose levels are fixed at compile time: an empty type, so that it names itself in quantize(W,
/// nf4{}).
template <const auto& Levels>
struct fixed_codebook {
  static constexpr codebook_grid codebook{Levels};

  constexpr int bits() const noexcept { return codebook.bits(); }
  constexpr float level(int field) const noexcept { return codebook.level(field); }
  constexpr int nearest(float value) const noexcept { return codebook.nearest(value); }
  constexpr float scale_for(interval range) const noexcept { return codebook.scale_for(range); }
  void encode(const float* x, index_t count, float inverse_scale, std::uint8_t* fields) const noexcept {
    codebook.encode(x, count, inverse_scale, fields);
  }
};

}  // namespace bitgauge
