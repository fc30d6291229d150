#pragma once

/// \file
/// What is decided once for every header: the processor family, whether exceptions exist, and where definitions
/// are.

#include <Eigen/Core>

#include <cstddef>
#include <type_traits>

static_assert(__cplusplus >= 202002L, "bitgauge needs C++20: compile with -std=c++20 or newer");

#if defined(__x86_64__) || defined(_M_X64)
#define BITGAUGE_X86 1
#else
#define BITGAUGE_X86 0
#endif

#if defined(__cpp_exceptions)
#define BITGAUGE_EXCEPTIONS 1
#else
#define BITGAUGE_EXCEPTIONS 0
#endif

// Functions that take long to compile are declared in <name>.hpp by BITGAUGE_DECLARE and defined in
// <name>_definitions.hpp by BITGAUGE_DEFINE. Header-only they are templates without a use for their parameter, so that
// a program compiles those alone that it calls. Where it links bitgauge::compiled, which sets BITGAUGE_COMPILED, they
// are the library's functions, and <name>_definitions.hpp is not included: as their names differ to the linker, files
// of both kinds may meet in one program.
#if defined(BITGAUGE_COMPILED)
#define BITGAUGE_DECLARE
#define BITGAUGE_DEFINE
#else
#define BITGAUGE_DECLARE template <int = 0>
#define BITGAUGE_DEFINE template <int>
#endif

namespace bitgauge {

/// Rows, columns and element counts: signed 64 bit, so that more than 2^31 elements are addressed.
using index_t = Eigen::Index;

namespace detail {

/// `count` as a size of memory, of whatever width that is here; what does not fit has been refused before.
template <class Count>
constexpr std::size_t as_size(Count count) noexcept {
  if constexpr (std::is_same_v<Count, std::size_t>) {
    return count;
  } else {
    return static_cast<std::size_t>(count);
  }
}

}  // namespace detail

}  // namespace bitgauge
