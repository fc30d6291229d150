#pragma once

/// \file
/// What every fuzz target needs: bytes in, and nothing but success or one of the library's errors out.

#include <bitgauge/error.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace fuzz {

using bytes = std::span<const std::byte>;

inline std::string_view text_of(bytes input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

/// Runs a target; returns whether the bytes were accepted.
template <class Target>
bool accepts(Target target, bytes input) {
  try {
    target(input);
  } catch (const bitgauge::bitgauge_error&) {
    return false;
  }
  return true;
}

/// Ends the program where a target's own promise is broken.
inline void require(bool kept) {
  if (!kept) std::abort();
}

/// Runs a target from libFuzzer, on portable code alone where BITGAUGE_FUZZ_PORTABLE is set.
template <class Target>
int run(Target target, const std::uint8_t* data, std::size_t size) {
  using namespace bitgauge::simd;
  static std::optional<scoped_instruction_set> portable;
  if (!portable && std::getenv("BITGAUGE_FUZZ_PORTABLE") != nullptr)
    portable.emplace(instruction_set::portable);
  accepts(target, std::as_bytes(std::span(data, size)));
  return 0;
}

}  // namespace fuzz
