#pragma once

/// \file
/// Which instruction sets this processor has, and which one the library uses. Every set gives the same bits:
/// the choice is a matter of speed alone.

#include <bitgauge/base/config.hpp>

#include <algorithm>
#include <atomic>
#include <vector>

namespace bitgauge::simd {

/// Slowest first.
enum class instruction_set {
  portable,     ///< plain C++
  neon,         ///< every aarch64 processor
  avx2,         ///< x86-64-v3: AVX2, FMA, F16C, BMI2
  avx512,       ///< x86-64-v4: AVX-512 F, BW, DQ, VL
  avx512_vbmi,  ///< the same with VBMI: byte permutations across a register (Ice Lake, Zen 4)
};

constexpr const char* name_of(instruction_set set) noexcept {
  switch (set) {
    case instruction_set::neon:
      return "neon";
    case instruction_set::avx2:
      return "avx2";
    case instruction_set::avx512:
      return "avx512";
    case instruction_set::avx512_vbmi:
      return "avx512_vbmi";
    default:
      return "portable";
  }
}

/// True where this processor (and its operating system) can run `set`.
inline bool supports(instruction_set set) {
#if BITGAUGE_X86
  __builtin_cpu_init();
  const bool avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (set == instruction_set::avx2) return avx2;
  if (set == instruction_set::avx512) return avx512;
  if (set == instruction_set::avx512_vbmi) return avx512 && __builtin_cpu_supports("avx512vbmi");
#elif defined(__aarch64__)
  if (set == instruction_set::neon) return true;
#endif
  return set == instruction_set::portable;
}

/// The sets that this processor can run, slowest first.
inline std::vector<instruction_set> available() {
  using enum instruction_set;
  std::vector<instruction_set> found{portable, neon, avx2, avx512, avx512_vbmi};
  std::erase_if(found, [](instruction_set set) { return !supports(set); });
  return found;
}

namespace detail {

inline std::atomic<instruction_set>& selection() {
  static std::atomic<instruction_set> selected{available().back()};
  return selected;
}

}  // namespace detail

/// The set in use: the fastest available one, unless a scoped_instruction_set is alive.
inline instruction_set selected() {
  return detail::selection().load(std::memory_order_relaxed);
}

/// Uses another set, or the nearest slower one that the processor has, for the lifetime of the object, in all
/// threads: for tests and measurements.
class scoped_instruction_set {
 public:
  explicit scoped_instruction_set(instruction_set wanted) : before_(selected()) {
    for (const instruction_set set : available())
      if (set <= wanted) detail::selection() = set;
  }
  ~scoped_instruction_set() { detail::selection() = before_; }
  scoped_instruction_set(const scoped_instruction_set&) = delete;
  scoped_instruction_set& operator=(const scoped_instruction_set&) = delete;

 private:
  instruction_set before_;
};

}  // namespace bitgauge::simd
