#pragma once

/// \file
/// The one place where work is spread over threads: OpenMP where the program is built with it, otherwise
/// serial, or whatever the user installs. Results never depend on it: work items are independent and each is
/// done by one thread.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/work_stealing_ranges.hpp>

#include <algorithm>
#include <exception>
#include <functional>
#include <mutex>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace bitgauge {

/// Runs body(i) for every i in [0, count), on at most `threads` threads (0: as many as the pool likes).
using parallel_hook =
    std::function<void(index_t count, int threads, const std::function<void(index_t)>& body)>;

/// Replaces the built-in parallel loop, to bring a thread pool of one's own; an empty hook restores the
/// built-in one. Not to be called while a quantization runs.
inline parallel_hook& parallel_for_hook() {
  static parallel_hook hook;
  return hook;
}

namespace detail {

/// A body of a loop whose type is no longer known, so that the loop is compiled once for all.
struct item_body {
  const void* body;
  void (*call)(const void* body, index_t item);
  void operator()(index_t item) const { call(body, item); }
};

/// Keeps the failure with the smallest item number, so that the error reported does not depend on timing.
class first_failure {
 public:
  void guard(index_t item, const item_body& body) noexcept {
#if BITGAUGE_EXCEPTIONS
    try {
      body(item);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_ || item < item_) {
        failure_ = std::current_exception();
        item_ = item;
      }
    }
#else
    body(item);
#endif
  }

  void rethrow() const {
#if BITGAUGE_EXCEPTIONS
    if (failure_) std::rethrow_exception(failure_);
#endif
  }

 private:
  std::mutex mutex_;
  std::exception_ptr failure_;
  index_t item_ = 0;
};

#ifdef _OPENMP
inline int most_threads() {
  return std::max(256, 4 * omp_get_num_procs());
}
#endif

inline void run_in_parallel(index_t count, int threads, const item_body& body) {
  if (count <= 1 || threads == 1) {
    for (index_t i = 0; i < count; ++i) body(i);
    return;
  }
  first_failure failure;
  if (parallel_for_hook()) {
    parallel_for_hook()(count, threads, [&](index_t i) { failure.guard(i, body); });
  } else {
#ifdef _OPENMP
    const int wanted = threads > 0 ? std::min(threads, most_threads()) : omp_get_max_threads();
    const int team = static_cast<int>(std::min<index_t>(count, wanted));
    work_stealing_ranges shares(count, team);
#pragma omp parallel num_threads(team)
    while (const auto i = shares.take(omp_get_thread_num())) failure.guard(*i, body);
#else
    for (index_t i = 0; i < count; ++i) failure.guard(i, body);
#endif
  }
  failure.rethrow();
}

/// `threads`, or one where `multiplications` are all that there is to do: where they take no longer than waking threads
/// up and waiting for all of them, several times over.
constexpr int threads_worth(index_t multiplications, int threads) noexcept {
  return multiplications < index_t{1} << 19 ? 1 : threads;
}

}  // namespace detail

/// Calls body(i) for every i in [0, count). `threads` 0 means the OpenMP default; more than 256 and than four
/// a processor are never started, as OpenMP ends the program where the system refuses one. Of several
/// exceptions, the one of the smallest i is thrown after all work has ended.
template <class Body>
void parallel_for(index_t count, int threads, const Body& body) {
  detail::run_in_parallel(count, threads,
                          {&body, [](const void* b, index_t item) { (*static_cast<const Body*>(b))(item); }});
}

}  // namespace bitgauge
