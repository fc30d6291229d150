#include "limits.hpp"

#include "groups.hpp"
#include "measure.hpp"
#include "threads.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

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

void read(int threads, std::size_t count) {
  const std::size_t share = count / static_cast<std::size_t>(threads);
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

constexpr double all_bytes = static_cast<double>(buffer_bytes);

void read_all(int threads) {
  read(threads, buffer_lines);
}

/// A cache may be shared with other machines, and larger or smaller than the system says: it is measured.
std::size_t size_beyond_caches(double read_rate) {
  for (std::size_t bytes = buffer_bytes / 4; bytes < buffer_bytes; bytes *= 2) {
    const double seconds = least_seconds([bytes] { read(1, bytes / sizeof(line)); });
    if (static_cast<double>(bytes) / seconds < 1.05 * read_rate) return bytes;
  }
  return buffer_bytes;
}

limits measure_limits() {
  limits found;
  found.read = {all_bytes / least_seconds([] { read_all(1); }),
                all_bytes / least_seconds([] { read_all(2); })};
  found.copy = {all_bytes / least_seconds([] { copy_half(1); }),
                all_bytes / least_seconds([] { copy_half(2); })};
  found.beyond_caches = size_beyond_caches(found.read.one_thread);
  return found;
}

}  // namespace

const limits& machine_limits() {
  static const limits measured = measure_limits();
  return measured;
}

void register_limits() {
  for (const int threads : {1, 2}) {
    const std::string suffix = "/1GiB/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(
        ("limit/read_bandwidth" + suffix).c_str(), [threads](benchmark::State& state) {
          measure(state, all_bytes, machine_limits().read.with(threads), [&] { read_all(threads); });
        });
    benchmark::RegisterBenchmark(
        ("limit/copy_bandwidth" + suffix).c_str(), [threads](benchmark::State& state) {
          measure(state, all_bytes, machine_limits().copy.with(threads), [&] { copy_half(threads); });
        });
  }
}

}  // namespace bench
