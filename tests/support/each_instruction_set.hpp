#pragma once

#include <bitgauge/simd/instruction_set.hpp>

#include "support/emulated_amx.hpp"

namespace test {

/// Calls check() with every instruction set here, and with AMX emulated where it is not but can be.
template <class Check>
void on_each_instruction_set(const Check& check) {
  for (const bitgauge::simd::instruction_set set : bitgauge::simd::available()) {
    const bitgauge::simd::scoped_instruction_set use(set);
    check();
  }
  if (!emulated_amx::possible()) return;
  const emulated_amx use;
  check();
}

}  // namespace test
