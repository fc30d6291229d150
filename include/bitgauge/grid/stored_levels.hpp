#pragma once

/// \file
/// How levels that belong to one row are stored.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/numeric/half.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace bitgauge {

/// The types in which levels are stored: f32, f16, and int8, where the byte k stands for k / 127.
enum class level_type : std::uint8_t { f32, f16, int8 };

/// Bytes of a stored level.
constexpr index_t bytes_of(level_type type) noexcept {
  return type == level_type::f32 ? 4 : type == level_type::f16 ? 2 : 1;
}

namespace detail {

/// The stored level nearest to `level`. int8 ends at -1 and 1. Throws data_error where f16 overflows.
inline float stored_level(level_type type, float level) {
  if (type == level_type::f32) return level;
  if (type == level_type::int8)  // by way of an integer, which has no -0
    return static_cast<float>(static_cast<int>(std::nearbyint(std::clamp(level, -1.0f, 1.0f) * 127))) / 127;
  const float stored = numeric::half_to_float(numeric::half_from_float(level));
  if (!numeric::is_finite(stored) && numeric::is_finite(level))
    raise_message<data_error>({"level ", level, " overflows f16: store levels as f32"});
  return stored;
}

/// Stored levels as their bytes, little-endian.
inline std::vector<std::uint8_t> level_bytes(level_type type, std::span<const float> levels) {
  std::vector<std::uint8_t> bytes(levels.size() * static_cast<std::size_t>(bytes_of(type)));
  if (type == level_type::f32 && !levels.empty()) std::memcpy(bytes.data(), levels.data(), bytes.size());
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (type == level_type::f16) {
      const std::uint16_t half = numeric::half_from_float(levels[i]);
      std::memcpy(bytes.data() + 2 * i, &half, sizeof half);
    } else if (type == level_type::int8) {
      bytes[i] = static_cast<std::uint8_t>(static_cast<int>(std::nearbyint(levels[i] * 127)));
    }
  }
  return bytes;
}

/// And back.
inline std::vector<float> levels_of_bytes(level_type type, std::span<const std::byte> bytes) {
  std::vector<float> levels(bytes.size() / static_cast<std::size_t>(bytes_of(type)));
  if (type == level_type::f32 && !levels.empty())
    std::memcpy(levels.data(), bytes.data(), levels.size() * sizeof(float));
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (type == level_type::f16) {
      std::uint16_t half = 0;
      std::memcpy(&half, bytes.data() + 2 * i, sizeof half);
      levels[i] = numeric::half_to_float(half);
    } else if (type == level_type::int8) {
      levels[i] = static_cast<float>(std::bit_cast<std::int8_t>(bytes[i])) / 127;
    }
  }
  return levels;
}

}  // namespace detail
}  // namespace bitgauge
