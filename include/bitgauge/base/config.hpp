#pragma once

/// \file
/// What is decided once for every header: the processor family, whether exceptions exist, and how a product
/// is kept from being contracted.

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
