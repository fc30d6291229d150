#include "limits.hpp"

#include "groups.hpp"
#include "measure.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace bench {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 30, huge_page = std::size_t{2} << 20;

/// Eight words that are added at once.
using line [[gnu::vector_size(64)]] = std::uint64_t;
constexpr std::size_t buffer_lines = buffer_bytes / sizeof(line);

/// In huge pages where the system has them: at the ends of small ones the processor stops fetching ahead.
/// Written once, so that every page has memory of its own.
line* buffer() {
  static const std::unique_ptr<void, void (*)(void*)> memory = [] {
    std::unique_ptr<void, void (*)(void*)> fresh(std::aligned_alloc(huge_page, buffer_bytes), std::free);
#if defined(__linux__)
    madvise(fresh.get(), buffer_bytes, MADV_HUGEPAGE);
#endif
    std::memset(fresh.get(), 1, buffer_bytes);
    return fresh;
  }();
  return static_cast<line*>(memory.get());
}

/// Calls part(i) for i in [0, threads), each on a thread.
template <class Part>
void on_threads(int threads, const Part& part) {
  if (threads == 1) return part(0);
  std::thread other([&] { part(1); });
  part(0);
  other.join();
}

/// The sum of all lines, in four streams, two lines of each in turn and each into a sum of its own, fetched
/// 1 KiB ahead.
line sum(const line* lines, std::size_t count) {
  constexpr std::size_t streams = 4, together = 2, ahead = 16;
  const std::size_t length = count / streams;
  line sums[streams][together] = {};
  for (std::size_t i = 0; i < length; i += together) {
#pragma GCC unroll 4
    for (std::size_t stream = 0; stream < streams; ++stream) {
#pragma GCC unroll 2
      for (std::size_t j = 0; j < together; ++j) {
        const line* const next = lines + stream * length + i + j;
        __builtin_prefetch(next + ahead);
        sums[stream][j] += *next;
      }
    }
  }
  line total = {};
  for (const auto& both : sums) total += both[0] + both[1];
  return total;
}

void read_all(int threads) {
  const std::size_t share = buffer_lines / static_cast<std::size_t>(threads);
  const line* const lines = buffer();
  on_threads(threads, [&](int i) {
    line total = sum(lines + static_cast<std::size_t>(i) * share, share);
    benchmark::DoNotOptimize(total);
  });
}

/// Writes past the caches where the compiler knows how. (memcpy does so from a size that glibc guesses.)
void copy(line* to, const line* from, std::size_t count) {
#if defined(__AVX512F__)
  for (std::size_t i = 0; i < count; ++i)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to + i), _mm512_load_si512(from + i));
  _mm_sfence();
#else
  std::memcpy(to, from, count * sizeof(line));
#endif
}

void copy_half(int threads) {
  const std::size_t half = buffer_lines / 2, share = half / static_cast<std::size_t>(threads);
  line* const lines = buffer();
  on_threads(threads, [&](int i) {
    const std::size_t first = static_cast<std::size_t>(i) * share;
    copy(lines + half + first, lines + first, share);
  });
}

constexpr double memory_hints = static_cast<double>(buffer_bytes);

/// The best of some tries: a limit is what the machine can do when left alone.
template <class Action>
double best_rate(const Action& action) {
  action();
  double best = 0;
  for (int i = 0; i < 6; ++i) {
    const auto start = std::chrono::steady_clock::now();
    action();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::max(best, memory_hints / elapsed.count());
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
          measure(state, memory_hints, machine_limits().read.with(threads), [&] { read_all(threads); });
        });
    benchmark::RegisterBenchmark(
        ("limit/copy_bandwidth" + suffix).c_str(), [threads](benchmark::State& state) {
          measure(state, memory_hints, machine_limits().copy.with(threads), [&] { copy_half(threads); });
        });
  }
}

}  // namespace bench
