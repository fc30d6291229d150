#pragma once

/// \file
/// Replaces operator new by one that fills memory, so that what a result takes from memory as it was shows.
/// To be included by one file of a program.

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

namespace test {

/// What every byte of new memory holds.
inline unsigned char fresh_byte = 0;

inline void* filled(void* memory, std::size_t bytes) {
  if (memory == nullptr) std::abort();
  return std::memset(memory, fresh_byte, bytes);
}

}  // namespace test

// Not to be inlined: GCC would compare malloc() with operator delete and free() with operator new.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  return test::filled(std::malloc(bytes + 1), bytes);
}
// std::stable_sort's, which under the address sanitizer would be another than what operator delete returns it to
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return test::filled(std::malloc(bytes + 1), bytes);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
