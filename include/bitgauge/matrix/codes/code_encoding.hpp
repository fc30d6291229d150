#pragma once

/// \file
/// What the codes of a matrix stand for, and which combinations of that make sense.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/grid/stored_levels.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace bitgauge {

/// What the fields of a matrix stand for. `levels` is empty for integer grids.
struct code_encoding {
  int bits = 8;
  bool is_signed = false;        ///< integer codes in two's complement
  bool is_sign_only = false;     ///< one bit: 0 is -1 and 1 is +1
  bool has_zero_points = false;  ///< one per group; otherwise `center` for all
  int center = 0;
  std::vector<float> levels{};  ///< the value of each of the 2^bits fields, where the grid is a codebook
  bool levels_by_row = false;   ///< every row has 2^bits levels of its own, row after row
  level_type stored_levels = level_type::f32;  ///< of levels by row; each is a number of this type

  /// Whether fields stand for levels, also before these are known.
  bool has_levels() const noexcept { return levels_by_row || !levels.empty(); }
  /// The levels of stored row `row`.
  const float* levels_of(index_t row) const noexcept {
    return levels.data() + (levels_by_row ? row << bits : index_t{0});
  }

  /// Levels are compared by their bits: an FP8 grid has codes of NaN, which equal themselves.
  friend bool operator==(const code_encoding& a, const code_encoding& b) {
    return a.bits == b.bits && a.is_signed == b.is_signed && a.is_sign_only == b.is_sign_only &&
           a.has_zero_points == b.has_zero_points && a.center == b.center &&
           a.levels_by_row == b.levels_by_row && a.stored_levels == b.stored_levels &&
           std::equal(a.levels.begin(), a.levels.end(), b.levels.begin(), b.levels.end(),
                      [](float x, float y) {
                        return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
                      });
  }
};

namespace detail {

/// The field of an encoding that does not go with the others, by its name in descriptions, and why; `field` is
/// null where all go together.
struct encoding_fault {
  const char* field = nullptr;
  std::string problem{};
};

/// Decoding relies on this: bits 1..8; sign codes have one bit; sign codes and levels are neither signed nor
/// shifted; a zero point that all groups share is a code. The number of levels is the caller's to check, who
/// may not have read them yet.
inline encoding_fault fault_of(const code_encoding& m, bool has_levels) {
  if (m.bits < 1 || m.bits > 8) return {"bits", message_of({"expected 1 to 8, found ", m.bits})};
  const int kinds = int{m.is_signed} + int{m.is_sign_only} + int{has_levels};
  if (kinds > 1)
    return {"codes", message_of({"expected one of unsigned, signed, sign and levels, found ", kinds})};
  if (m.levels_by_row && !has_levels) return {"codes", "expected levels, as rows have their own"};
  if (!m.levels_by_row && m.stored_levels != level_type::f32)
    return {"levels", "expected f32, as all rows share them"};
  if (m.is_sign_only && m.bits != 1)
    return {"bits", message_of({"expected 1 for sign codes, found ", m.bits})};
  const bool is_integer = !m.is_sign_only && !has_levels;
  if (!is_integer && m.has_zero_points)
    return {"zero_point", "expected 0 for sign codes and levels, found one a group"};
  const int lowest = m.is_signed ? -(1 << (m.bits - 1)) : 0;
  const int highest = is_integer ? lowest + (1 << m.bits) - 1 : 0;
  if (m.center < lowest || m.center > highest || (m.has_zero_points && m.center != 0))
    return {"zero_point",
            lowest == highest || m.has_zero_points
                ? message_of({"expected 0, found ", m.center})
                : message_of({"expected a code, ", lowest, " to ", highest, ", found ", m.center})};
  return {};
}

/// The largest magnitude, in units of the scale, that a code stands for: of levels, of the finite ones.
inline float reach_of(const code_encoding& m) {
  if (m.is_sign_only) return 1;
  float reach = 0;
  for (const float level : m.levels)
    if (numeric::is_finite(level)) reach = std::max(reach, std::fabs(level));
  if (!m.levels.empty()) return reach;
  const int lowest = m.is_signed ? -(1 << (m.bits - 1)) : 0, span = (1 << m.bits) - 1;
  // a stored zero point may be any code
  const int below = m.has_zero_points ? span : std::abs(lowest - m.center);
  const int above = m.has_zero_points ? span : std::abs(lowest + span - m.center);
  return static_cast<float>(std::max(below, above));
}

}  // namespace detail
}  // namespace bitgauge
