// The steps of products of every instruction set that this processor has: for processors that are emulated, and without
// a test framework.

#include "../support/product_steps.hpp"

#include "../support/emulated_amx.hpp"

#include <cstdio>

int main() {
  int faults = 0;
  const auto check = [&](bitgauge::simd::instruction_set set) {
    const std::string fault = test::fault_of_steps(set, 400);
    std::printf("%s: %s\n", name_of(set), fault.empty() ? "no fault" : fault.c_str());
    faults += fault.empty() ? 0 : 1;
  };
  for (const auto set : bitgauge::simd::available()) check(set);
  if (test::emulated_amx::possible()) {
    const test::emulated_amx use;
    check(bitgauge::simd::instruction_set::amx);
  }
  return faults;
}
