#include "arithmetic_limits.hpp"

#include "arithmetic_loops.hpp"
#include "groups.hpp"
#include "measure.hpp"
#include "threads.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

namespace bench {
namespace {

const arithmetic_loops& loops() {
  static const arithmetic_loops found = loops_of_processor();
  return found;
}

/// Steps that take some 10 ms, so that starting a thread costs nothing beside them.
std::int64_t enough_steps(const arithmetic_loop& loop) {
  std::int64_t steps = 1024;
  while (seconds_of([&] { loop.run(steps); }) < 0.01) steps *= 2;
  return steps;
}

double measured_rate(const arithmetic_loop& loop, std::int64_t steps, int threads) {
  const double seconds = least_seconds([&] { on_threads(threads, [&](int) { loop.run(steps); }); });
  return loop.operations * static_cast<double>(steps) * threads / seconds;
}

rate measured_rate(const arithmetic_loop& loop) {
  if (loop.run == nullptr) return {};
  const std::int64_t steps = enough_steps(loop);
  return {measured_rate(loop, steps, 1), measured_rate(loop, steps, 2)};
}

/// limit/<name>/registers/threads:T
void register_limit(const std::string& name, const arithmetic_loop& loop, rate arithmetic_limits::*limit) {
  if (loop.run == nullptr) return;
  for (const int threads : {1, 2}) {
    const std::string title = "limit/" + name + "/registers/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(title.c_str(), [=, &loop](benchmark::State& state) {
      const std::int64_t steps = enough_steps(loop);
      const double operations = loop.operations * static_cast<double>(steps) * threads;
      const double seconds =
          iteration_seconds(state, [&] { on_threads(threads, [&](int) { loop.run(steps); }); });
      state.counters["operations_per_second"] = operations / seconds;
      state.counters["fraction"] = operations / seconds / (machine_arithmetic().*limit).with(threads);
    });
  }
}

}  // namespace

const arithmetic_limits& machine_arithmetic() {
  static const arithmetic_limits measured{measured_rate(loops().fma_f32), measured_rate(loops().int8_dot),
                                          measured_rate(loops().bf16_dot), measured_rate(loops().amx_int8),
                                          measured_rate(loops().amx_bf16)};
  return measured;
}

void register_arithmetic_limits() {
  register_limit("fma_f32", loops().fma_f32, &arithmetic_limits::fma_f32);
  register_limit("int8_dot", loops().int8_dot, &arithmetic_limits::int8_dot);
  register_limit("bf16_dot", loops().bf16_dot, &arithmetic_limits::bf16_dot);
  register_limit("amx_int8", loops().amx_int8, &arithmetic_limits::amx_int8);
  register_limit("amx_bf16", loops().amx_bf16, &arithmetic_limits::amx_bf16);
}

}  // namespace bench
