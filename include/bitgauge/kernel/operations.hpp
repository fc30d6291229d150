#pragma once

/// \file
/// The steps of a product that exist for several instruction sets.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/activations/rows.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/portable/product.hpp>

#include <cstdint>

namespace bitgauge::kernel {

/// The steps of one instruction set.
struct product_operations {
  /// Unpacks the segments of a panel that follow each other.
  void (*unpack_codes)(const weights_view& w, index_t panel, const segment* segments, index_t count,
                       const unpacked_codes& out) = portable::unpack_codes;
  /// Byte r * 8 + c of an unpacked unit is that of row r and column c, since multiply_codes wants it there.
  bool unpacks_codes_by_row = false;
  /// Unpacks units of a panel into values, [column][16]. What was filled up is finite.
  void (*unpack_floats)(const weights_view& w, index_t panel, index_t first_unit, index_t units,
                        float* out) = portable::unpack_floats;
  void (*multiply_codes)(const integer_tile& tile) = portable::multiply_codes;
  void (*multiply_floats)(const exact_tile& tile) = portable::multiply_floats;
  /// Whether multiply_codes, and multiply_packed_codes of tiles, fetch the upcoming memory of a tile, a little with each
  /// unit: the cores can have so many lines underway, and wait for a free place where more are wanted at once.
  bool fetches_upcoming = false;

  /// Products without unpacking to memory, for up to packed_samples samples, packed_float_samples of floats, of
  /// weights for which `multiplies_packed` is true; null where there are none.
  bool (*multiplies_packed)(const weights_view& w) = nullptr;
  /// Other weights that multiply_packed_codes takes, for up to packed_samples samples; null where there are none.
  bool (*multiplies_few_packed)(const weights_view& w) = nullptr;
  void (*multiply_packed_codes)(const packed_tile& tile) = nullptr;
  /// Where it is tile_samples, multiply_packed_codes takes tiles, and some segments of a row, too.
  index_t packed_code_samples = packed_samples;
  void (*multiply_packed_floats)(const packed_exact_tile& tile) = nullptr;

  /// Not null where multiply_codes takes codes in rows, see rows.hpp: lays out those of a sample and a segment,
  /// and gives their sum.
  std::int32_t (*pack_code_row)(const code_row& row) = nullptr;

  /// Products of bfloat16, all null where there are none: the nearest of `count` floats, ties to even; units of a
  /// panel as values, [pair of columns][16][2], 0 to the end of a step of bfloat16_step columns.
  void (*round_row)(const float* x, index_t count, std::uint16_t* out) = nullptr;
  void (*unpack_bfloat16)(const weights_view& w, index_t panel, index_t first_unit, index_t units,
                          std::uint16_t* out) = nullptr;
  void (*multiply_bfloat16)(const bfloat16_tile& tile) = nullptr;
};

}  // namespace bitgauge::kernel
