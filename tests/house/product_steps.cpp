// The steps of products of every instruction set that this processor has: for processors that are emulated, and without
// a test framework. EXPECTED_SET: one that the processor must have, or nothing of it would be tested unnoticed.

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
#if defined(EXPECTED_SET)
  if (!supports(bitgauge::simd::instruction_set::EXPECTED_SET)) {
    std::printf("expected a processor with every set up to the one named, found one without\n");
    ++faults;
  }
#endif
  if (test::emulated_amx::possible()) {
    const test::emulated_amx use;
    check(bitgauge::simd::instruction_set::amx);
  }
  return faults;
}
