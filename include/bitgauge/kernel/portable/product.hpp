#pragma once

/// \file
/// The steps of products in plain C++.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/pack/layout.hpp>
#include <bitgauge/kernel/pack/segments.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/numeric/half.hpp>

#include <cstdint>
#include <cstring>

namespace bitgauge::kernel::portable {

/// The fields of a packed unit, see layout.hpp.
inline void unpack_unit(const std::uint8_t* packed, int bits, std::uint8_t* fields) {
  std::memset(fields, 0, unit_fields);
  int done = 0;
  for (const int part : {8, 4, 2, 1}) {
    if ((bits & part) == 0) continue;
    const index_t bytes = panel_rows * part;
    const unsigned mask = (1u << part) - 1u;
    for (index_t place = 0; place < unit_fields; ++place) {
      const unsigned cut = packed[place % bytes] >> (place / bytes * part) & mask;
      fields[place] = static_cast<std::uint8_t>(fields[place] | cut << done);
    }
    packed += bytes;
    done += part;
  }
}

/// A number as it is stored, times its factor where there are factors.
inline float parameter_at(const weights_view& w, const float* floats, const std::uint16_t* halves,
                          const std::int8_t* factors, index_t at) {
  const index_t shared = factors != nullptr ? w.shared_parameter(at) : at;
  const float number = halves != nullptr ? numeric::half_to_float(halves[shared]) : floats[shared];
  return factors != nullptr ? number * static_cast<float>(factors[at]) : number;
}
inline float scale_at(const weights_view& w, index_t at) {
  return parameter_at(w, w.scales, w.half_scales, w.scale_factors, at);
}
/// Of weights that have stored offsets.
inline float offset_at(const weights_view& w, index_t at) {
  return parameter_at(w, w.offsets, w.half_offsets, w.offset_factors, at);
}

/// The scales, and offsets where there are any, that integer products of a group of a panel have.
inline void integer_parameters(const weights_view& w, index_t parameter, segment_parameters& to) {
  for (index_t r = 0; r < panel_rows; ++r) to.scales[r] = scale_at(w, parameter + r);
  if (w.has_stored_offsets()) {
    for (index_t r = 0; r < panel_rows; ++r) to.offsets[r] = offset_at(w, parameter + r);
  } else if (has_offsets(w)) {
    for (index_t r = 0; r < panel_rows; ++r)
      to.offsets[r] = to.scales[r] * static_cast<float>(w.zero_points[parameter + r] - 128);
  }
}

inline void unpack_codes(const weights_view& w, index_t panel, const segment* segments, index_t count,
                         const unpacked_codes& out) {
  std::uint8_t fields[unit_fields];
  std::int8_t* to = out.codes;
  for (index_t i = 0; i < count; ++i) {
    const segment& s = segments[i];
    const index_t parameter = w.parameter(panel, s.group);
    integer_parameters(w, parameter, out.parameters[i]);
    int zero[panel_rows];
    for (index_t r = 0; r < panel_rows; ++r)
      zero[r] = w.zero_points == nullptr ? w.center : w.bits == 8 ? 128 : w.zero_points[parameter + r];
    std::int32_t(&sums)[panel_rows] = out.parameters[i].code_sums;
    std::memset(sums, 0, sizeof sums);
    for (index_t u = 0; u < s.units; ++u, to += unit_fields) {
      unpack_unit(w.unit(panel, s.first_unit + u), w.bits, fields);
      for (index_t place = 0; place < unit_fields; ++place) {
        const index_t row = place % 64 / 4;
        const int code = w.has_levels ? w.codes[fields[place]] : fields[place] - zero[row];
        to[place] = static_cast<std::int8_t>(code);
        sums[row] += code;
      }
    }
  }
}

inline void unpack_floats(const weights_view& w, index_t panel, index_t first_unit, index_t units,
                          float* out) {
  std::uint8_t fields[unit_fields];
  for (index_t u = first_unit; u < first_unit + units; ++u, out += unit_fields) {
    unpack_unit(w.unit(panel, u), w.bits, fields);
    const index_t parameter = w.parameter(panel, u / w.group_units);
    for (index_t r = 0; r < panel_rows; ++r) {
      const float scale = scale_at(w, parameter + r);
      const float offset = w.has_stored_offsets() ? offset_at(w, parameter + r) : 0.0f;
      const int zero = w.zero_points == nullptr ? w.center : w.zero_points[parameter + r];
      for (index_t c = 0; c < unit_columns; ++c) {
        const std::uint8_t field = fields[place_in_unit(r, c)];
        const float value = w.has_levels ? w.levels[field] : static_cast<float>(field - zero);
        const float scaled = scale * value;
        out[c * panel_rows + r] = scaled - offset;
      }
    }
  }
}

inline void multiply_codes(const integer_tile& tile) {
  const index_t samples = tile.x.samples;
  for (index_t p = 0; p < tile_panels; ++p) {
    const unpacked_codes& w = tile.weights[p];
    const std::int8_t* codes = w.codes;
    const std::uint8_t* x = tile.x.codes;
    for (index_t i = 0; i < tile.count; ++i) {
      const segment& s = tile.segments[i];
      const segment_parameters& parameters = w.parameters[i];
      for (index_t j = 0; j < samples; ++j) {
        const index_t of_block = s.block * samples + j;
        const std::int32_t zero = tile.x.zero_points != nullptr ? tile.x.zero_points[of_block] : 128;
        std::int32_t sums[panel_rows];
        for (index_t r = 0; r < panel_rows; ++r) sums[r] = -zero * parameters.code_sums[r];
        for (index_t step = 0; step < 2 * s.units; ++step)
          for (index_t r = 0; r < panel_rows; ++r)
            for (index_t c = 0; c < 4; ++c)
              sums[r] += codes[step * 64 + r * 4 + c] * x[(step * samples + j) * 4 + c];
        float* const y = tile.y + j * tile.y_stride + p * panel_rows;
        for (index_t r = 0; r < panel_rows; ++r)
          y[r] += static_cast<float>(sums[r]) * (parameters.scales[r] * tile.x.scales[of_block]);
        if (!tile.has_offsets) continue;
        for (index_t r = 0; r < panel_rows; ++r)
          y[r] -= parameters.offsets[r] * tile.x.scaled_sums[i * samples + j];
      }
      codes += s.units * unit_fields;
      x += s.units * unit_columns * samples;
    }
  }
}

inline void multiply_floats(const exact_tile& tile) {
  for (index_t p = 0; p < tile_panels; ++p)
    for (index_t j = 0; j < tile.samples; ++j) {
      float* const y = tile.y + j * tile.y_stride + p * panel_rows;
      for (index_t c = 0; c < tile.columns; ++c)
        for (index_t r = 0; r < panel_rows; ++r)
          y[r] += tile.weights[p][c * panel_rows + r] * tile.x[c * tile.samples + j];
    }
}

}  // namespace bitgauge::kernel::portable
