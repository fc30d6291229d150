#pragma once

#include <bitgauge/simd/instruction_set.hpp>

#include "emulated_tiles.hpp"

namespace test {

#if defined(__x86_64__) && defined(__linux__)
/// The instruction set amx for the lifetime of the object, on a processor that has the rest of it: see
/// emulated_tiles.
class emulated_amx {
 public:
  static bool possible() {
    using bitgauge::simd::supports, bitgauge::simd::instruction_set;
    if (!supports(instruction_set::avx512_vbmi) || supports(instruction_set::amx)) return false;
    constexpr int avx512_bf16 = 5;
    return (bitgauge::simd::x86::ask_processor().leaf_7_1_eax >> avx512_bf16 & 1) != 0;
  }

  emulated_amx() : before_(static_cast<int>(bitgauge::simd::selected())) {
    bitgauge::simd::detail::selection = static_cast<int>(bitgauge::simd::instruction_set::amx);
  }
  ~emulated_amx() { bitgauge::simd::detail::selection = before_; }
  emulated_amx(const emulated_amx&) = delete;
  emulated_amx& operator=(const emulated_amx&) = delete;

 private:
  emulated_tiles tiles_;
  int before_;
};
#else
class emulated_amx {
 public:
  static bool possible() { return false; }
};
#endif

}  // namespace test
