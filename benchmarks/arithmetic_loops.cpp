#include "arithmetic_loops.hpp"

#include <bitgauge/simd/instruction_set.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>

#if BITGAUGE_X86
#include <cpuid.h>
#include <immintrin.h>
#elif defined(__aarch64__)
#include <bitgauge/simd/arm/target.hpp>
#endif
#if BITGAUGE_X86 && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace bench {
namespace {

/// As many sums as two units with a latency of four to six steps keep busy; with operands they fit 16 registers.
constexpr int chains = 12;

#if BITGAUGE_X86

[[gnu::target("avx512f")]] void fma_zmm(std::int64_t steps) {
  const __m512 half = _mm512_set1_ps(0.5f);
  __m512 sums[chains] = {};
  benchmark::DoNotOptimize(sums);  // or the compiler sees that all are the same
  for (; steps > 0; --steps) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sums[i] = _mm512_fmadd_ps(sums[i], half, half);
  }
  benchmark::DoNotOptimize(sums);
}

[[gnu::target("avx2,fma")]] void fma_ymm(std::int64_t steps) {
  const __m256 half = _mm256_set1_ps(0.5f);
  __m256 sums[chains] = {};
  benchmark::DoNotOptimize(sums);  // or the compiler sees that all are the same
  for (; steps > 0; --steps) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sums[i] = _mm256_fmadd_ps(sums[i], half, half);
  }
  benchmark::DoNotOptimize(sums);
}

[[gnu::target("avx512f,avx512vnni")]] void int8_zmm(std::int64_t steps) {
  const __m512i ones = _mm512_set1_epi8(1);
  __m512i sums[chains] = {};
  benchmark::DoNotOptimize(sums);  // or the compiler sees that all are the same
  for (; steps > 0; --steps) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sums[i] = _mm512_dpbusd_epi32(sums[i], ones, ones);
  }
  benchmark::DoNotOptimize(sums);
}

[[gnu::target("avx2,avxvnni")]] void int8_ymm(std::int64_t steps) {
  const __m256i ones = _mm256_set1_epi8(1);
  __m256i sums[chains] = {};
  benchmark::DoNotOptimize(sums);  // or the compiler sees that all are the same
  for (; steps > 0; --steps) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sums[i] = _mm256_dpbusd_avx_epi32(sums[i], ones, ones);
  }
  benchmark::DoNotOptimize(sums);
}

/// Without sums of four products: pairs in 16 bits, pairs of those, and the addition.
[[gnu::target("avx2")]] void int8_pairs_ymm(std::int64_t steps) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i codes = _mm256_set1_epi8(1), sums[chains] = {};
  benchmark::DoNotOptimize(sums);
  for (; steps > 0; --steps) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) {
      asm("" : "+x"(codes));  // or the compiler multiplies once for all
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(_mm256_maddubs_epi16(codes, codes), ones));
    }
  }
  benchmark::DoNotOptimize(sums);
}

[[gnu::target("avx512f,avx512bf16")]] void bf16_zmm(std::int64_t steps) {
  const auto halves = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3f00));
  __m512 sums[chains] = {};
  benchmark::DoNotOptimize(sums);  // or the compiler sees that all are the same
  for (; steps > 0; --steps) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sums[i] = _mm512_dpbf16_ps(sums[i], halves, halves);
  }
  benchmark::DoNotOptimize(sums);
}

/// What ldtilecfg takes: here eight tiles of 16 rows of 64 bytes.
struct alignas(64) tile_shapes {
  std::uint8_t palette = 1, first_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
// Constants both: GCC 12 does not tell the optimiser that tile instructions read memory, so that stores before them
// might come late.
constexpr tile_shapes full_tiles;
alignas(64) constexpr std::array<std::uint8_t, 1024> tile_of_ones = [] {
  std::array<std::uint8_t, 1024> ones{};
  for (auto& one : ones) one = 1;
  return ones;
}();
constexpr double tile_bytes_multiplied = 16.0 * 16 * 64, tile_products = 4;

[[gnu::target("amx-tile,amx-int8")]] void int8_tiles(std::int64_t steps) {
  _tile_loadconfig(&full_tiles);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, tile_of_ones.data(), 64);
  _tile_loadd(5, tile_of_ones.data(), 64);
  _tile_loadd(6, tile_of_ones.data(), 64);
  _tile_loadd(7, tile_of_ones.data(), 64);
  for (; steps > 0; --steps) {
    _tile_dpbssd(0, 4, 6);
    _tile_dpbssd(1, 4, 7);
    _tile_dpbssd(2, 5, 6);
    _tile_dpbssd(3, 5, 7);
  }
  _tile_release();
}

[[gnu::target("amx-tile,amx-bf16")]] void bf16_tiles(std::int64_t steps) {
  _tile_loadconfig(&full_tiles);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, tile_of_ones.data(), 64);
  _tile_loadd(5, tile_of_ones.data(), 64);
  _tile_loadd(6, tile_of_ones.data(), 64);
  _tile_loadd(7, tile_of_ones.data(), 64);
  for (; steps > 0; --steps) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
}

/// Asks Linux, once for the process, to let it use tiles.
bool tiles_permitted() {
#if defined(__linux__)
  constexpr long request_permission = 0x1023, tile_data = 18;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}

bool has_bit(std::uint32_t word, int bit) {
  return (word >> bit & 1) != 0;
}

}  // namespace

arithmetic_loops loops_of_processor() {
  using namespace bitgauge::simd;
  std::uint32_t a = 0, b = 0, c = 0, d = 0,
                more = 0;  // leaf 7, registers of sub-leaf 0 and eax of sub-leaf 1
  if (__get_cpuid_count(7, 1, &more, &b, &c, &d) == 0) more = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) d = 0;
  const bool avx2 = supports(instruction_set::avx2), avx512 = supports(instruction_set::avx512),
             vnni = supports(instruction_set::avx512_vnni), avx_vnni = avx2 && has_bit(more, 4),
             bf16 = avx512 && has_bit(more, 5), tiles = supports(instruction_set::amx) && tiles_permitted();
  arithmetic_loops found;
  if (avx2) {
    found.fma_f32 = {chains * 8 * 2, fma_ymm};
    found.int8_dot = {chains * 32 * 2, avx_vnni ? int8_ymm : int8_pairs_ymm};
  }
  if (avx512) found.fma_f32 = {chains * 16 * 2, fma_zmm};
  if (vnni) found.int8_dot = {chains * 64 * 2, int8_zmm};
  if (bf16) found.bf16_dot = {chains * 32 * 2, bf16_zmm};
  if (tiles) found.amx_int8 = {tile_products * tile_bytes_multiplied * 2, int8_tiles};
  if (tiles && has_bit(d, 22)) found.amx_bf16 = {tile_products * tile_bytes_multiplied, bf16_tiles};
  return found;
}

#elif defined(__aarch64__)

void fma_neon(std::int64_t steps) {
  const float32x4_t half = vdupq_n_f32(0.5f);
  float32x4_t sums[chains] = {};
  benchmark::DoNotOptimize(sums);  // or the compiler sees that all are the same
  for (; steps > 0; --steps) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sums[i] = vfmaq_f32(half, sums[i], half);
  }
  benchmark::DoNotOptimize(sums);
}

[[gnu::target("arch=armv8.2-a+dotprod")]] void int8_neon(std::int64_t steps) {
  const int8x16_t ones = vdupq_n_s8(1);
  int32x4_t sums[chains] = {};
  benchmark::DoNotOptimize(sums);  // or the compiler sees that all are the same
  for (; steps > 0; --steps) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sums[i] = vdotq_s32(sums[i], ones, ones);
  }
  benchmark::DoNotOptimize(sums);
}

// In words of the assembler: clang before version 16 hides the intrinsic from functions that name their target themselves.
[[BITGAUGE_NEON_I8MM]] void int8_matrices_neon(std::int64_t steps) {
  const int8x16_t ones = vdupq_n_s8(1);
  int32x4_t sums[chains] = {};
  benchmark::DoNotOptimize(sums);  // or the compiler sees that all are the same
  for (; steps > 0; --steps) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) asm volatile("smmla %0.4s, %1.16b, %1.16b" : "+w"(sums[i]) : "w"(ones));
  }
  benchmark::DoNotOptimize(sums);
}

}  // namespace

arithmetic_loops loops_of_processor() {
  arithmetic_loops found;
  found.fma_f32 = {chains * 4 * 2, fma_neon};
  if (bitgauge::simd::supports(bitgauge::simd::instruction_set::neon_dotprod))
    found.int8_dot = {chains * 16 * 2, int8_neon};
  if (bitgauge::simd::supports(bitgauge::simd::instruction_set::neon_i8mm))
    found.int8_dot = {chains * 32 * 2, int8_matrices_neon};
  return found;
}

#else

}  // namespace

arithmetic_loops loops_of_processor() {
  return {};
}

#endif

}  // namespace bench
