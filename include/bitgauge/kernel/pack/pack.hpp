#pragma once

/// \file
/// From rows of fields and parameters to packed weights.

#include <bitgauge/base/aligned_buffer.hpp>
#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/kernel/pack/layout.hpp>
#include <bitgauge/numeric/half.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace bitgauge::kernel {

/// Packed weights and the memory that their view points to.
struct packed_data {
  packed_data() = default;
  packed_data(const packed_data&) = delete;
  packed_data& operator=(const packed_data&) = delete;

  weights_view view;
  /// Fields and parameters, array after array, so that short ones lie in huge pages too.
  bitgauge::detail::aligned_buffer<std::uint8_t> memory;
  index_t used = 0;  ///< of the memory
  std::vector<float> column_scales, column_zeros;

  index_t bytes() const noexcept { return used + 4 * (std::ssize(column_scales) + std::ssize(column_zeros)); }
};

/// One row as it is given to be packed.
struct unpacked_row {
  std::uint8_t* fields;         ///< [columns]
  float* scales;                ///< [groups], or of super-groups where there are factors
  std::uint8_t* zero_points;    ///< [groups], where the weights have them
  float* offsets;               ///< as scales, likewise
  std::int8_t* scale_factors;   ///< [groups], likewise
  std::int8_t* offset_factors;  ///< [groups], likewise
};

/// Packs an unpacked unit: the inverse of what kernels do, see layout.hpp.
inline void pack_unit(const std::uint8_t* unit, int bits, std::uint8_t* packed) {
  int done = 0;
  for (const int part : {8, 4, 2, 1}) {
    if ((bits & part) == 0) continue;
    const index_t bytes = panel_rows * part;
    const unsigned mask = (1u << part) - 1u;
    for (index_t i = 0; i < bytes; ++i) {
      unsigned byte = 0;
      for (int place = 0; place < 8 / part; ++place)
        byte |= (unit[place * bytes + i] >> done & mask) << (place * part);
      packed[i] = static_cast<std::uint8_t>(byte);
    }
    packed += bytes;
    done += part;
  }
}

/// What the rows of some weights have.
struct row_parts {
  bool halves = false;  ///< every scale and offset is a binary16 number
  bool zero_points = false;
  bool offsets = false;
  bool factors = false;  ///< scales, and offsets where there are any, are products, see weights_view
};

/// Where the fields and parameters of packed weights go; null what they do not have.
struct packed_arrays {
  std::uint8_t *fields = nullptr, *zero_points = nullptr;
  float *scales = nullptr, *offsets = nullptr;
  std::uint16_t *half_scales = nullptr, *half_offsets = nullptr;
  std::int8_t *scale_factors = nullptr, *offset_factors = nullptr;

  /// Fetches the memory of `data`, whose view is complete but for pointers, parameters 0. `of_groups`, `of_scales`:
  /// parameters of groups, and scales.
  packed_arrays(packed_data& data, const row_parts& parts, index_t of_groups, index_t of_scales) {
    const weights_view& w = data.view;
    // twice: how much there is, and where it lies. Parameters come first: the end may miss its huge page
    for (const bool placed : {false, true}) {
      index_t at = 0;
      const auto place = [&]<class Value>(bool wanted, Value*& values, index_t count) {
        if (!wanted) return;
        if (placed) values = reinterpret_cast<Value*>(data.memory.data() + at);
        at = (at + count * index_t{sizeof(Value)} + line - 1) / line * line;
      };
      place(parts.halves, half_scales, of_scales);
      place(!parts.halves, scales, of_scales);
      place(parts.offsets && parts.halves, half_offsets, of_scales);
      place(parts.offsets && !parts.halves, offsets, of_scales);
      place(parts.zero_points, zero_points, of_groups);
      place(parts.factors, scale_factors, of_groups);
      place(parts.factors && parts.offsets, offset_factors, of_groups);
      const index_t of_parameters = at;
      place(true, fields, w.panels * w.units * unit_bytes(w.bits));
      if (placed) continue;
      data.used = at;
      std::fill_n(data.memory.reserve(whole_pages(static_cast<std::size_t>(at + line))), of_parameters,
                  std::uint8_t{0});
    }
  }

 private:
  static constexpr index_t line = 64;

  /// Up to the end of the last huge page, where that is little more: it is one then, not hundreds of small ones.
  static constexpr std::size_t whole_pages(std::size_t bytes) noexcept {
    constexpr std::size_t page = bitgauge::detail::huge_page, little = 6;  // a sixth
    const std::size_t whole = (bytes + page - 1) / page * page;
    return whole - bytes <= bytes / little ? whole : bytes;
  }
};

/// Fills `data`, whose view says rows, cols, group (columns that share parameters), bits and what fields stand
/// for, with rows that `read(row, unpacked_row)` gives. Rows are read by several threads. Cost: one pass.
template <class Read>
void pack_rows(packed_data& data, const row_parts& parts, int threads, const Read& read) {
  weights_view& w = data.view;
  w.group = std::max<index_t>(w.group, 1);
  w.groups = (w.cols + w.group - 1) / w.group;
  w.group_units = (std::min(w.group, w.cols) + unit_columns - 1) / unit_columns;
  const index_t last_columns = w.groups > 0 ? w.columns_of(w.groups - 1) : 0;
  w.units =
      std::max<index_t>(w.groups - 1, 0) * w.group_units + (last_columns + unit_columns - 1) / unit_columns;
  w.panels = (w.rows + 2 * panel_rows - 1) / (2 * panel_rows) * 2;
  const index_t of_groups = w.panels * w.groups * panel_rows;
  const packed_arrays to(data, parts, of_groups, parts.factors ? of_groups >> w.super_shift : of_groups);

  parallel_for(w.panels, threads, [&](index_t panel) {
    const auto size = [](index_t n) { return static_cast<std::size_t>(n); };
    std::vector<std::uint8_t> units(size(w.units * unit_fields)), fields(size(w.cols)), zeros(size(w.groups));
    std::vector<float> scales(size(w.groups)), offsets(size(w.groups));
    std::vector<std::int8_t> scale_factors(size(w.groups)), offset_factors(size(w.groups));
    const auto store = [&](float value, std::uint16_t* halves, float* floats, std::size_t at) {
      if (parts.halves) {
        halves[at] = numeric::half_from_float(value);
      } else {
        floats[at] = value;
      }
    };
    for (index_t r = 0; r < panel_rows && panel * panel_rows + r < w.rows; ++r) {
      read(panel * panel_rows + r, unpacked_row{fields.data(), scales.data(), zeros.data(), offsets.data(),
                                                scale_factors.data(), offset_factors.data()});
      for (index_t g = 0; g < (parts.factors ? w.groups >> w.super_shift : w.groups); ++g) {
        const index_t of_group = w.parameter(panel, parts.factors ? g << w.super_shift : g) + r;
        const auto at = size(parts.factors ? w.shared_parameter(of_group) : of_group), from = size(g);
        store(scales[from], to.half_scales, to.scales, at);
        if (parts.offsets) store(offsets[from], to.half_offsets, to.offsets, at);
      }
      for (index_t g = 0; g < w.groups; ++g) {
        const auto at = size(w.parameter(panel, g) + r), from = size(g);
        if (parts.zero_points) to.zero_points[at] = zeros[from];
        if (parts.factors) to.scale_factors[at] = scale_factors[from];
        if (parts.factors && parts.offsets) to.offset_factors[at] = offset_factors[from];
        std::uint8_t* const unit = units.data() + g * w.group_units * unit_fields;
        for (index_t c = 0; c < w.columns_of(g); ++c)
          unit[c / unit_columns * unit_fields + place_in_unit(r, c % unit_columns)] =
              fields[size(g * w.group + c)];
      }
    }
    std::uint8_t* const packed = to.fields + panel * w.units * unit_bytes(w.bits);
    for (index_t u = 0; u < w.units; ++u)
      pack_unit(units.data() + u * unit_fields, w.bits, packed + u * unit_bytes(w.bits));
  });

  w.fields = to.fields;
  w.scales = to.scales;
  w.half_scales = to.half_scales;
  w.zero_points = to.zero_points;
  w.offsets = to.offsets;
  w.half_offsets = to.half_offsets;
  w.scale_factors = to.scale_factors;
  w.offset_factors = to.offset_factors;
  const auto pointer = [](const std::vector<float>& values) {
    return values.empty() ? nullptr : values.data();
  };
  w.column_scales = pointer(data.column_scales);
  w.column_zeros = pointer(data.column_zeros);
}

}  // namespace bitgauge::kernel
