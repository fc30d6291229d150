#pragma once

/// \file
/// Wall time of each iteration, and the counters that every benchmark reports. Other programs only ever add
/// time, so the tenth percentile is taken; limits are measured as the best of some tries.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace bench {

template <class Action>
double seconds_of(const Action& action) {
  using clock = std::chrono::steady_clock;
  const auto start = clock::now();
  action();
  benchmark::ClobberMemory();
  return std::chrono::duration<double>(clock::now() - start).count();
}

/// The best of some tries: a limit is what the machine can do when left alone.
template <class Action>
double least_seconds(const Action& action) {
  action();
  double best = seconds_of(action);
  for (int i = 1; i < 20; ++i) best = std::min(best, seconds_of(action));
  return best;
}

/// Runs `action` once an iteration and returns what it takes.
template <class Action>
double iteration_seconds(benchmark::State& state, const Action& action) {
  action();  // the first touch of every page belongs to the system, not to the loop
  std::vector<double> seconds;
  for (auto _ : state) seconds.push_back(seconds_of(action));
  const auto tenth = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 10);
  std::nth_element(seconds.begin(), tenth, seconds.end());
  return *tenth;
}

/// Runs `action` once an iteration. Reports `bytes_per_second`, with `bytes` the float side (or what a limit
/// moves), and `fraction`, its share of `limit` bytes per second.
template <class Action>
void measure(benchmark::State& state, double bytes, double limit, const Action& action) {
  const double seconds = iteration_seconds(state, action);
  state.counters["bytes_per_second"] = bytes / seconds;
  state.counters["fraction"] = bytes / seconds / limit;
}

}  // namespace bench
