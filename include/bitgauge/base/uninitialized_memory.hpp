#pragma once

/// \file
/// Memory for results: not zeroed, since all of it is written, and in huge pages where the system has them.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace bitgauge::detail {

/// A huge page of x86-64 and, with base pages of 4 KiB, of AArch64.
inline constexpr std::size_t huge_page = std::size_t{2} << 20;

/// Tells the system that `bytes` bytes from `memory` on will be written in full, so that it may back them by
/// huge pages: a page comes with its first write, and one of 2 MiB costs a tenth or less of what 512 of 4 KiB
/// do. A hint: nothing happens where the system does not know it.
inline void advise_huge_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = (begin + huge_page - 1) / huge_page * huge_page;
  const std::uintptr_t last = (begin + bytes) / huge_page * huge_page;
  if (first < last) madvise(static_cast<std::byte*>(memory) + (first - begin), last - first, MADV_HUGEPAGE);
#endif
}

/// The same for a whole Eigen matrix or array.
template <class Plain>
void advise_huge_pages(Plain& matrix) noexcept {
  advise_huge_pages(matrix.data(), static_cast<std::size_t>(matrix.size()) * sizeof(*matrix.data()));
}

/// From this size on an allocator such as glibc's asks the system for new pages every time, so that memory is
/// best all huge pages. What is smaller it keeps for the next time.
inline constexpr std::size_t never_kept = std::size_t{32} << 20;

/// From this size on memory begins at a cache line, so that its lines can be written past the caches.
inline constexpr std::size_t from_a_line = std::size_t{1} << 20, line_bytes = 64;

/// Memory for `bytes` bytes, their values indeterminate. release_memory() gives it back.
inline void* uninitialized_memory(std::size_t bytes) {
  if (bytes < from_a_line) return ::operator new(bytes);
  std::byte* memory = nullptr;
  if (bytes >= never_kept) {
    if (bytes <= SIZE_MAX - huge_page) bytes = (bytes + huge_page - 1) / huge_page * huge_page;
    memory = static_cast<std::byte*>(::operator new(bytes, std::align_val_t{huge_page}));
  } else {  // an aligned new is not kept; where the memory begins is noted before the line
    std::byte* const whole = static_cast<std::byte*>(::operator new(bytes + line_bytes));
    memory = whole + (line_bytes - reinterpret_cast<std::uintptr_t>(whole) % line_bytes);
    std::memcpy(memory - sizeof whole, &whole, sizeof whole);
  }
  advise_huge_pages(memory, bytes);
  return memory;
}

/// Gives back what uninitialized_memory(bytes) gave.
inline void release_memory(void* memory, std::size_t bytes) noexcept {
  if (bytes >= never_kept) return ::operator delete(memory, std::align_val_t{huge_page});
  if (memory != nullptr && bytes >= from_a_line)
    std::memcpy(&memory, static_cast<std::byte*>(memory) - sizeof memory, sizeof memory);
  ::operator delete(memory);
}

}  // namespace bitgauge::detail
