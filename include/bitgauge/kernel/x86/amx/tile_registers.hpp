#pragma once

/// \file
/// The eight tile registers of AMX: Intel, Architectures Software Developer's Manual, volume 1, chapter 18. In words
/// of the assembler: compilers' own intrinsics want literal numbers, and GCC 12 tells itself too little of the memory
/// that they read (`_tile_loadconfig`: 8 of 64 bytes; `_tile_loadd`: none), so that stores before them vanish.
///
/// How this folder was tested, and what was never run: tests/kernel/amx.cpp runs the very code of this folder on
/// processors without AMX, each of its AMX instructions decoded and carried out by tests/support/emulated_tiles.hpp as
/// the manual defines it, with its faults. So its shapes, addresses, arithmetic and encodings have been run. No
/// processor with AMX has: what is not known is its speed, and whether Linux lets a process use tiles that asks as
/// simd/x86/features.hpp does.

#include <bitgauge/simd/x86/target.hpp>

#if BITGAUGE_X86
#include <bitgauge/base/config.hpp>

#include <cstdint>

namespace bitgauge::kernel::amx {

/// What LDTILECFG reads.
struct alignas(64) tile_shapes {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};

  constexpr void set(int tile, index_t row_count, index_t bytes) noexcept {
    rows[tile] = static_cast<std::uint8_t>(row_count);
    row_bytes[tile] = static_cast<std::uint16_t>(bytes);
  }
};
static_assert(sizeof(tile_shapes) == 64);

/// Makes tiles of these shapes, all zero. The thread has them until release_tiles().
[[BITGAUGE_AMX, gnu::always_inline]] inline void configure_tiles(const tile_shapes& shapes) {
  asm volatile("ldtilecfg %0" : : "m"(shapes) : "memory");
}

/// As the thread was before it had tiles: a system need not save them, and other libraries find none.
[[BITGAUGE_AMX, gnu::always_inline]] inline void release_tiles() {
  asm volatile("tilerelease" : : : "memory");
}

template <int Tile>
[[BITGAUGE_AMX, gnu::always_inline]] inline void zero_tile() {
  asm volatile("{tilezero\t%%tmm%c0|tilezero\ttmm%c0}" : : "i"(Tile));
}

/// Rows from `from` on, `stride` bytes apart.
template <int Tile>
[[BITGAUGE_AMX, gnu::always_inline]] inline void load_tile(const void* from, index_t stride) {
  asm volatile("{tileloadd\t(%0,%1,1), %%tmm%c2|tileloadd\ttmm%c2, [%0+%1*1]}"
               :
               : "r"(from), "r"(stride), "i"(Tile)
               : "memory");
}

template <int Tile>
[[BITGAUGE_AMX, gnu::always_inline]] inline void store_tile(void* to, index_t stride) {
  asm volatile("{tilestored\t%%tmm%c2, (%0,%1,1)|tilestored\t[%0+%1*1], tmm%c2}"
               :
               : "r"(to), "r"(stride), "i"(Tile)
               : "memory");
}

/// Sum(m, n) += the sum over k and i of X(m, 4 k + i) * W(k, 4 n + i), signed bytes, in int32.
template <int Sum, int X, int W>
[[BITGAUGE_AMX, gnu::always_inline]] inline void add_dot_bytes() {
  asm volatile("{tdpbssd\t%%tmm%c2, %%tmm%c1, %%tmm%c0|tdpbssd\ttmm%c0, tmm%c1, tmm%c2}"
               :
               : "i"(Sum), "i"(X), "i"(W));
}

/// Sum(m, n) += the sum over k and i of X(m, 2 k + i) * W(k, 2 n + i), bfloat16, in float; subnormal numbers count as
/// zero.
template <int Sum, int X, int W>
[[BITGAUGE_AMX, gnu::always_inline]] inline void add_dot_bfloat16() {
  asm volatile("{tdpbf16ps\t%%tmm%c2, %%tmm%c1, %%tmm%c0|tdpbf16ps\ttmm%c0, tmm%c1, tmm%c2}"
               :
               : "i"(Sum), "i"(X), "i"(W));
}

/// Tiles 0 to 3 for sums of `low` and `high` samples by two panels, 4 and 5 for the samples, `x_bytes` each, 6 and 7
/// for the panels, `w_rows` rows.
inline tile_shapes shapes_of(index_t low, index_t high, index_t x_bytes, index_t w_rows) noexcept {
  constexpr index_t full = 64;
  tile_shapes shapes;
  for (const int sums : {0, 1}) shapes.set(sums, low, full);
  shapes.set(4, low, x_bytes);
  for (const int weights : {6, 7}) shapes.set(weights, w_rows, full);
  if (high == 0) return shapes;
  for (const int sums : {2, 3}) shapes.set(sums, high, full);
  shapes.set(5, high, x_bytes);
  return shapes;
}

}  // namespace bitgauge::kernel::amx
#endif  // BITGAUGE_X86
