#pragma once

/// \file
/// How packed weights lie in memory, for kernels and for what packs.
///
/// Rows are dealt into panels of 16, one row to a 32-bit lane of a 64-byte vector, and the groups of a row into
/// units of 8 columns, the last filled up with zeros. A unit of a panel is 128 fields; unpacked, that of row r
/// and column c lies at byte c / 4 * 64 + r * 4 + c % 4: two vectors whose lanes hold four columns of a row, as
/// sums of products of bytes want them. Packed, a field of `bits` bits is cut into parts of 8, 4, 2 and 1 bits,
/// the low ones first (5 = 4 + 1, 6 = 4 + 2); a part of w bits takes 16 w bytes, of which byte i holds those of
/// the fields i, i + 16 w, i + 32 w ... from its lowest bit on. So a unit is 16 * bits bytes, and each part is
/// unpacked by shifts of whole vectors.

#include <bitgauge/base/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace bitgauge::kernel {

inline constexpr index_t panel_rows = 16, unit_columns = 8, unit_fields = panel_rows * unit_columns;

/// Where the field of a row of a panel and a column of a unit lies in the unpacked unit.
constexpr index_t place_in_unit(index_t row, index_t column) noexcept {
  return column / 4 * 64 + row * 4 + column % 4;
}

/// Bytes of a packed unit.
constexpr index_t unit_bytes(int bits) noexcept {
  return panel_rows * bits;
}

/// Packed weights as kernels read them: W(r, c) = scale * (value(field) - zero) - offset, parameters by group.
/// Arrays of parameters hold 16 values for each panel and group, panel after panel. Where there are factors, the
/// scale (or offset) of a group is the product, exact in binary32, of its factor and the number that it shares
/// with its super-group, and of these numbers there are 16 for each panel and super-group.
struct weights_view {
  index_t rows = 0, cols = 0;
  index_t panels = 0;       ///< even: the last may hold rows of zeros
  index_t groups = 0;       ///< of a row
  index_t group = 0;        ///< columns of a group, but for the last
  index_t group_units = 0;  ///< units of a group, but for the last
  index_t units = 0;        ///< of a row
  int bits = 8;
  const std::uint8_t* fields = nullptr;        ///< [panel][unit][unit_bytes(bits)], and a line to read
  const float* scales = nullptr;               ///< or half_scales
  const std::uint16_t* half_scales = nullptr;  ///< binary16
  const std::uint8_t* zero_points = nullptr;   ///< fields that stand for zero; null where all have `center`
  const float* offsets = nullptr;              ///< or half_offsets; null where there are none
  const std::uint16_t* half_offsets = nullptr;
  const std::int8_t* scale_factors = nullptr;   ///< null where scales are those of groups
  const std::int8_t* offset_factors = nullptr;  ///< likewise
  int super_shift = 0;  ///< a super-group is 2^super_shift groups, of which a row is a multiple
  const float* column_scales =
      nullptr;                          ///< of weights by column: what activations are multiplied by, or null
  const float* column_zeros = nullptr;  ///< and their zero points, less `center`, or null
  int center = 0;
  bool has_levels = false;  ///< fields are numbers of levels, else value(field) = field
  /// Of levels: value(field) for exact products; round(value(field) / level_step), within +-127, for integer
  /// ones.
  std::array<float, 256> levels{};
  std::array<std::int8_t, 256> codes{};
  float level_step = 1;

  const std::uint8_t* unit(index_t panel, index_t index) const noexcept {
    return fields + (panel * units + index) * unit_bytes(bits);
  }
  /// The first of the 16 parameters of a group of a panel.
  index_t parameter(index_t panel, index_t group_index) const noexcept {
    return (panel * groups + group_index) * panel_rows;
  }
  /// Of parameter(panel, group), where the number lies that the super-group shares.
  index_t shared_parameter(index_t at) const noexcept {
    return (at / panel_rows >> super_shift) * panel_rows + at % panel_rows;
  }
  bool has_stored_offsets() const noexcept { return offsets != nullptr || half_offsets != nullptr; }
  /// The columns of group `index`.
  index_t columns_of(index_t index) const noexcept {
    return index + 1 < groups ? group : cols - index * group;
  }
};

}  // namespace bitgauge::kernel
