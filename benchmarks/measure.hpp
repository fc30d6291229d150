#pragma once

/// \file
/// Wall time of each iteration, and the counters that every benchmark reports. Other programs only ever add
/// time, so the tenth percentile is taken; limits are measured as the best of some tries.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace bench {

/// Runs `action` once an iteration. Reports `bytes_per_second`, with `bytes` the float side (or the memory_hints
/// of a limit), and `fraction`, its share of `limit` bytes per second.
template <class Action>
void measure(benchmark::State& state, double bytes, double limit, const Action& action) {
  using clock = std::chrono::steady_clock;
  action();  // the first touch of every page belongs to the system, not to the loop
  std::vector<double> seconds;
  for (auto _ : state) {
    const auto start = clock::now();
    action();
    benchmark::ClobberMemory();
    seconds.push_back(std::chrono::duration<double>(clock::now() - start).count());
  }
  const auto tenth = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 10);
  std::nth_element(seconds.begin(), tenth, seconds.end());
  state.counters["bytes_per_second"] = bytes / *tenth;
  state.counters["fraction"] = bytes / *tenth / limit;
}

}  // namespace bench
