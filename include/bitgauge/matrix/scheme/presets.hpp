#pragma once

/// \file
/// What the named formats answer to the questions that their text leaves open.

#include <bitgauge/granularity/granularity.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>
#include <bitgauge/scale/type.hpp>

#include <string_view>

namespace bitgauge {

/// The groups, the scale storage and the bits that come with a name.
struct scheme_preset {
  std::string_view name;
  granularity groups;
  scale_storage scales;
  int bits = 8;  ///< of grids of several widths
};

/// One row a name; a name that is not listed has a scheme's own defaults, one f32 scale a row.
inline constexpr scheme_preset scheme_presets[] = {
    {"nf4", per_block{64}, f32_scales},         {"fp4", per_block{64}, f32_scales},
    {"lookup", per_row{}, f32_scales, 4},       {"normal_float", per_block{64}, f32_scales, 4},
    {"dynamic8", per_block{256}, f32_scales},   {"mxfp4", per_block{32}, e8m0_scales},
    {"mxfp6_e3m2", per_block{32}, e8m0_scales}, {"mxfp6_e2m3", per_block{32}, e8m0_scales},
    {"mxfp8_e4m3", per_block{32}, e8m0_scales}, {"mxfp8_e5m2", per_block{32}, e8m0_scales},
    {"mxint8", per_block{32}, e8m0_scales},     {"nvfp4", per_block{16}, e4m3_scales},
};

/// The scheme that a bare name stands for.
///
///     auto q = quantize(W, named_scheme("mxfp4"));   // blocks of 32 under powers of two
constexpr scheme named_scheme(format_name name) noexcept {
  scheme result;
  result.grid = name;
  for (const scheme_preset& preset : scheme_presets) {
    if (preset.name != name.view()) continue;
    result.groups = preset.groups;
    result.scales = preset.scales;
    result.bits = preset.bits;
  }
  return result;
}

}  // namespace bitgauge
