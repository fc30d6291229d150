#pragma once

/// \file
/// Loops of one instruction on registers, in chains that wait for nothing but themselves. Each is compiled for an
/// instruction set of its own, whatever the program is compiled for.

#include <cstdint>

namespace bench {

struct arithmetic_loop {
  double operations = 0;  ///< of a step; a multiplication and an addition count as two
  void (*run)(std::int64_t steps) = nullptr;
};

/// What this processor and its system run best; a loop that they do not run is null.
struct arithmetic_loops {
  arithmetic_loop fma_f32, int8_dot, bf16_dot, amx_int8, amx_bf16;
};

arithmetic_loops loops_of_processor();

}  // namespace bench
