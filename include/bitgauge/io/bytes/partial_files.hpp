#pragma once

/// \file
/// The temporary files that exist at the moment, so that a signal handler can remove them.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <string>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace bitgauge::io {
namespace detail {

/// A file's path where a signal handler can read it: the memory is never given back.
struct partial_file {
  enum class state { free, taken, listed };
  std::atomic<state> now{state::free};
  std::array<char, 4096> path{};
};
static_assert(std::atomic<partial_file::state>::is_always_lock_free, "a signal handler reads it");

/// Few files are written at once; one that finds no place here is only not removed by a signal.
inline std::array<partial_file, 8> partial_files;

/// Lists `path`; returns its place, or null where there is none for it.
inline partial_file* list_partial_file(const std::string& path) noexcept {
  for (partial_file& file : partial_files) {
    auto expected = partial_file::state::free;
    if (path.size() >= file.path.size()) return nullptr;
    if (!file.now.compare_exchange_strong(expected, partial_file::state::taken)) continue;
    std::copy_n(path.c_str(), path.size() + 1, file.path.begin());
    file.now = partial_file::state::listed;
    return &file;
  }
  return nullptr;
}
/// Takes a path off the list. `file` may be null.
inline void forget_partial_file(partial_file* file) noexcept {
  if (file != nullptr) file->now = partial_file::state::free;
}

}  // namespace detail

/// Removes every temporary file that an atomic_file of this program has not finished. Safe to call in a
/// signal handler, which is to end the program afterwards; for an atomic_file left alive a commit fails.
///
///     std::signal(SIGTERM, [](int number) {
///       bitgauge::io::remove_partial_files();
///       std::signal(number, SIG_DFL);
///       std::raise(number);
///     });
inline void remove_partial_files() noexcept {
#if defined(__unix__) || defined(__APPLE__)
  for (const detail::partial_file& file : detail::partial_files)
    if (file.now == detail::partial_file::state::listed) ::unlink(file.path.data());
#endif
}

}  // namespace bitgauge::io
