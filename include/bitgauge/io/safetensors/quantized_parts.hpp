#pragma once

/// \file
/// Which tensors of a .safetensors file hold a quantized one.

#include <bitgauge/io/bytes/dtype.hpp>
#include <bitgauge/model/quantized_entry.hpp>
#include <bitgauge/scale/type.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge::io::detail {

/// One part of a quantized tensor: how the file lists it.
struct tensor_part {
  std::string name;
  dtype type;
  std::vector<std::uint64_t> shape;
};

/// The element types of levels by row, in the order of level_type.
inline constexpr dtype level_dtypes[] = {dtype::f32, dtype::f16, dtype::i8};

/// The parts of an entry in the order in which they are written.
inline std::vector<tensor_part> parts_of(const quantized_entry& entry) {
  const quantized_layout& layout = entry.layout;
  const auto extent = [](index_t n) { return static_cast<std::uint64_t>(n); };
  const auto with_factors = [&](std::vector<tensor_part> parts) {
    if (entry.transform && entry.transform->has_input_factors())
      parts.push_back({entry.name + ".input_factors", dtype::f32, {extent(layout.groups.cols())}});
    if (entry.transform && entry.transform->has_output_factors())
      parts.push_back({entry.name + ".output_factors", dtype::f32, {extent(layout.groups.rows())}});
    return parts;
  };
  if (entry.trellis_bytes)
    return with_factors({{entry.name + ".codes", dtype::u8, {extent(*entry.trellis_bytes)}}});
  const bool floats = layout.scales.type <= scale_type::bf16;
  constexpr dtype scale_dtypes[] = {dtype::f32, dtype::f16, dtype::bf16};
  std::vector<tensor_part> parts{
      {entry.name + ".codes", dtype::u8, {extent(layout.groups.rows()), extent(layout.row_bytes())}},
      {entry.name + ".scales",
       floats ? scale_dtypes[static_cast<int>(layout.scales.type)] : dtype::u8,
       {extent(floats ? layout.groups.count() : layout.scale_bytes())}}};
  if (layout.encoding.has_zero_points)
    parts.push_back({entry.name + ".zero_points", dtype::u8, {extent(layout.zero_point_bytes())}});
  if (layout.encoding.levels_by_row) {
    parts.push_back({entry.name + ".levels",
                     level_dtypes[static_cast<int>(layout.encoding.stored_levels)],
                     {extent(layout.groups.rows()), std::uint64_t{1} << layout.encoding.bits}});
  } else if (entry.has_levels) {
    parts.push_back({entry.name + ".levels", dtype::f32, {std::uint64_t{1} << layout.encoding.bits}});
  }
  return with_factors(std::move(parts));
}

}  // namespace bitgauge::io::detail
