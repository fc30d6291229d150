#pragma once

/// \file
/// Eight numbers side by side, in vectors of GCC's and clang's own that become registers of whatever width
/// there is: for code that is compiled for several instruction sets at once. Functions take them by
/// reference, as vectors wider than a unit's own cannot be passed.

#include <bitgauge/base/config.hpp>

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

namespace bitgauge::simd {

inline constexpr index_t double_lane_count = 8;
using double_lanes [[gnu::vector_size(64)]] = double;
using word_lanes [[gnu::vector_size(64)]] = std::int64_t;
using float_lanes [[gnu::vector_size(32)]] = float;
using integer_lanes [[gnu::vector_size(32)]] = std::int32_t;
using byte_lanes [[gnu::vector_size(8)]] = std::uint8_t;

/// Eight doubles in an array, where they lie within a cache line.
struct alignas(64) double_cell {
  double values[double_lane_count];

  [[gnu::always_inline]] void read(double_lanes& out) const { std::memcpy(&out, values, sizeof out); }
  [[gnu::always_inline]] void write(const double_lanes& x) { std::memcpy(values, &x, sizeof x); }
};

/// x rounded to floats: products of two such doubles are exact.
[[gnu::always_inline]] inline void round_to_float(double_lanes& x) {
  x = __builtin_convertvector(__builtin_convertvector(x, float_lanes), double_lanes);
}

/// Eight floats as doubles.
[[gnu::always_inline]] inline void load_floats(const float* from, double_lanes& out) {
  float_lanes narrow;
  std::memcpy(&narrow, from, sizeof narrow);
  out = __builtin_convertvector(narrow, double_lanes);
}

/// Calls body(0) ... body(Count - 1). For vectors of more than 16 bytes (see multiversion.hpp) the numbers
/// are known to the compiler, so that arrays that they index stay in registers; narrower ones have too few
/// registers to gain by it, and code many times as long.
template <index_t Count, int Bytes, class Body>
[[gnu::always_inline]] inline void repeat(std::integral_constant<int, Bytes>, const Body& body) {
  if constexpr (Bytes > 16) {
    [&]<index_t... I>(std::integer_sequence<index_t, I...>) __attribute__((always_inline)) {
      (body(std::integral_constant<index_t, I>{}), ...);
    }
    (std::make_integer_sequence<index_t, Count>{});
  } else {
    for (index_t i = 0; i < Count; ++i) body(i);
  }
}

}  // namespace bitgauge::simd
