#pragma once

/// \file
/// The features of an x86 processor from what its instructions cpuid and xgetbv answer: Intel, Architectures
/// Software Developer's Manual, volume 1, chapters 13 to 18, and volume 2, CPUID. And the permission to use
/// tiles: Linux, Documentation/arch/x86/xstate.rst.

#include <bitgauge/base/config.hpp>
#include <bitgauge/simd/feature.hpp>

#include <cstdint>

#if BITGAUGE_X86
#include <cpuid.h>
#endif
#if BITGAUGE_X86 && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace bitgauge::simd::x86 {

/// The registers in which a processor and its operating system say what programs may use.
struct cpuid_answers {
  std::uint32_t leaf_1_ecx = 0, leaf_7_ebx = 0, leaf_7_ecx = 0, leaf_7_edx = 0;
  std::uint64_t xcr0 = 0;  ///< the registers that the system saves when it switches between programs
  std::uint32_t leaf_7_1_eax = 0;
};

constexpr std::uint32_t features_of(const cpuid_answers& a) noexcept {
  const auto has = [](std::uint64_t answer, auto... bit) { return ((answer >> bit & 1) && ...); };
  constexpr int fma = 12, f16c = 29, bmi2 = 8, avx2 = 5;
  constexpr int avx512_f = 16, avx512_dq = 17, avx512_bw = 30, avx512_vl = 31, vbmi = 1, vnni = 11;
  constexpr int amx_tile = 24, amx_int8 = 25, amx_bf16 = 22, avx512_bf16 = 5, avx_vnni = 4;
  const bool saves_avx = has(a.xcr0, 1, 2), saves_avx512 = saves_avx && has(a.xcr0, 5, 6, 7),
             saves_tiles = has(a.xcr0, 17, 18);
  std::uint32_t found = 0;
  if (saves_avx && has(a.leaf_1_ecx, fma, f16c) && has(a.leaf_7_ebx, avx2, bmi2)) {
    found |= feature::avx2;
    if (has(a.leaf_7_1_eax, avx_vnni)) found |= feature::avx_vnni;
  }
  if (saves_avx512 && has(a.leaf_7_ebx, avx512_f, avx512_dq, avx512_bw, avx512_vl)) {
    found |= feature::avx512;
    if (has(a.leaf_7_ecx, vnni)) found |= feature::vnni;
    if (has(a.leaf_7_ecx, vbmi)) found |= feature::vbmi;
  }
  if (saves_tiles && saves_avx512 && has(a.leaf_7_edx, amx_tile, amx_int8, amx_bf16) &&
      has(a.leaf_7_1_eax, avx512_bf16))
    found |= feature::amx;
  return found;
}

#if BITGAUGE_X86
inline cpuid_answers ask_processor() {
  cpuid_answers found;
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0) found.leaf_1_ecx = c;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
    found.leaf_7_ebx = b;
    found.leaf_7_ecx = c;
    found.leaf_7_edx = d;
    const std::uint32_t last_of_leaf_7 = a;
    if (last_of_leaf_7 >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) found.leaf_7_1_eax = a;
  }
  if ((found.leaf_1_ecx >> 27 & 1) != 0) {  // OSXSAVE: xgetbv may be executed
    asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    found.xcr0 = std::uint64_t{d} << 32 | a;
  }
  return found;
}

/// Asks the system to let this process use tiles, whose 8 KiB of registers it saves for those alone that asked.
/// False where it refuses. A signal stack that the program sets up later has to hold them too.
inline bool request_tiles() {
#if defined(__linux__)
  constexpr long get_permission = 0x1022, request_permission = 0x1023, tile_data = 18;
  unsigned long permitted = 0;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0 &&
         syscall(SYS_arch_prctl, get_permission, &permitted) == 0 && (permitted >> tile_data & 1) != 0;
#else
  return false;
#endif
}

/// What this process may use.
inline std::uint32_t usable_features() {
  const std::uint32_t found = features_of(ask_processor());
  return (found & feature::amx) == 0 || request_tiles() ? found : found & ~feature::amx;
}
#endif

}  // namespace bitgauge::simd::x86
