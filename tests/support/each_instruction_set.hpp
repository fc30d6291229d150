#pragma once

#include <bitgauge/simd/instruction_set.hpp>

namespace test {

/// Calls check() with every instruction set here.
template <class Check>
void on_each_instruction_set(const Check& check) {
  for (const bitgauge::simd::instruction_set set : bitgauge::simd::available()) {
    const bitgauge::simd::scoped_instruction_set use(set);
    check();
  }
}

}  // namespace test
