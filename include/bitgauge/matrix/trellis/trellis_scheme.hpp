#pragma once

/// \file
/// How a matrix becomes entropy-coded levels of a trellis, in one value and one text.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>

#include <string>
#include <string_view>

namespace bitgauge {

/// Entropy-coded levels of a trellis. Bits are a real number: any size is a setting.
///
///     trellis_scheme s = parse_trellis("trellis:bits=2.25,states=64,rounding=gptq");
struct trellis_scheme {
  static constexpr double least_bits = 0.1, most_bits = 8;

  double bits = 2;                                  ///< of a weight, all that is stored counted: 0.1 to 8
  int states = 8;                                   ///< 1 (no trellis), or 4, 8, 16, 32, 64, 128, 256
  rounding_kind rounding = rounding_kind::nearest;  ///< or gptq: errors are fed back, which takes a Hessian

  friend bool operator==(const trellis_scheme&, const trellis_scheme&) = default;
};

/// True where a text begins as that of a trellis_scheme does.
BITGAUGE_DECLARE bool is_trellis_text(std::string_view text);
/// Reads "trellis:bits=B[,states=N][,rounding=nearest|gptq]", blanks and the case of the name ignored. Raises
/// invalid_scheme with what is allowed.
BITGAUGE_DECLARE trellis_scheme parse_trellis(std::string_view text);
/// The text of a scheme; parse_trellis(to_text(s)) == s. Keys at their default are left out, but for the bits.
BITGAUGE_DECLARE std::string to_text(const trellis_scheme& s);

/// The bytes that a result of rows x cols takes, whatever its numbers: bits * rows * cols / 8, or what steps, classes and
/// tiles need where that is more.
constexpr index_t storage_bytes(const trellis_scheme& s, index_t rows, index_t cols) noexcept {
  const auto wanted =
      static_cast<index_t>(s.bits * (static_cast<double>(rows) * static_cast<double>(cols)) / 8);
  const index_t least = 256 + (rows + 255) / 256 * 68 + rows + 2 * cols;
  return wanted > least ? wanted : least;
}

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/matrix/trellis/trellis_scheme_definitions.hpp>
#endif
