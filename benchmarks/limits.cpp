#include "limits.hpp"

#include "groups.hpp"
#include "measure.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

namespace bench {
namespace {

constexpr std::size_t buffer_words = std::size_t{1} << 27;  // 1 GiB

/// Written once, so that every page has memory of its own.
std::uint64_t* buffer() {
  static const std::unique_ptr<std::uint64_t[]> words = [] {
    std::unique_ptr<std::uint64_t[]> fresh(new std::uint64_t[buffer_words]);
    std::memset(fresh.get(), 1, buffer_words * sizeof(std::uint64_t));
    return fresh;
  }();
  return words.get();
}

/// Calls part(i) for i in [0, threads), each on a thread.
template <class Part>
void on_threads(int threads, const Part& part) {
  if (threads == 1) return part(0);
  std::thread other([&] { part(1); });
  part(0);
  other.join();
}

/// The sum of all words, in four streams, a cache line of each in turn.
std::uint64_t sum(const std::uint64_t* words, std::size_t count) {
  constexpr std::size_t line = 8;
  const std::size_t quarter = count / 4;
  std::uint64_t lanes[4 * line] = {};
  for (std::size_t i = 0; i < quarter; i += line)
    for (std::size_t stream = 0; stream < 4; ++stream)
      for (std::size_t lane = 0; lane < line; ++lane)
        lanes[stream * line + lane] += words[stream * quarter + i + lane];
  std::uint64_t total = 0;
  for (const std::uint64_t lane : lanes) total += lane;
  return total;
}

void read_all(int threads) {
  const std::size_t share = buffer_words / static_cast<std::size_t>(threads);
  const std::uint64_t* const words = buffer();
  on_threads(threads, [&](int i) {
    benchmark::DoNotOptimize(sum(words + static_cast<std::size_t>(i) * share, share));
  });
}

/// memcpy of more than a cache's worth writes past the caches (glibc's non-temporal threshold).
void copy_half(int threads) {
  const std::size_t half = buffer_words / 2, share = half / static_cast<std::size_t>(threads);
  std::uint64_t* const words = buffer();
  on_threads(threads, [&](int i) {
    const std::size_t first = static_cast<std::size_t>(i) * share;
    std::memcpy(words + half + first, words + first, share * sizeof(std::uint64_t));
  });
}

constexpr double buffer_bytes = static_cast<double>(buffer_words * sizeof(std::uint64_t));

/// The best of some tries: a limit is what the machine can do when left alone.
template <class Action>
double best_rate(const Action& action) {
  action();
  double best = 0;
  for (int i = 0; i < 6; ++i) {
    const auto start = std::chrono::steady_clock::now();
    action();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::max(best, buffer_bytes / elapsed.count());
  }
  return best;
}

}  // namespace

const limits& machine_limits() {
  static const limits measured{{best_rate([] { read_all(1); }), best_rate([] { read_all(2); })},
                               {best_rate([] { copy_half(1); }), best_rate([] { copy_half(2); })}};
  return measured;
}

void register_limits() {
  for (const int threads : {1, 2}) {
    const std::string suffix = "/1GiB/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(
        ("limit/read_bandwidth" + suffix).c_str(), [threads](benchmark::State& state) {
          measure(state, buffer_bytes, machine_limits().read.with(threads), [&] { read_all(threads); });
        });
    benchmark::RegisterBenchmark(
        ("limit/copy_bandwidth" + suffix).c_str(), [threads](benchmark::State& state) {
          measure(state, buffer_bytes, machine_limits().copy.with(threads), [&] { copy_half(threads); });
        });
  }
}

}  // namespace bench
