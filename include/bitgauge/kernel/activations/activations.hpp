#pragma once

/// \file
/// Activations laid out for kernels: tiles of codes or of floats.

#include <bitgauge/base/aligned_buffer.hpp>
#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/activations/rows.hpp>
#include <bitgauge/kernel/operations.hpp>
#include <bitgauge/kernel/pack/tiles.hpp>
#include <bitgauge/kernel/product_options.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/numeric/half.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace bitgauge::kernel {

/// Units that are unpacked to floats together: they and the activations stay in the first-level cache.
inline constexpr index_t exact_units = 32;

/// Samples of one call as tiles. Buffers are kept from call to call.
struct packed_activations {
  index_t samples = 0, blocks = 0;
  bool less_128 = false;  ///< codes are signed, see packed_tile
  bool in_rows = false;   ///< see rows.hpp
  index_t fours = 0;      ///< columns of a step / 4 of codes in rows
  bitgauge::detail::aligned_buffer<std::uint8_t> codes;
  bool unscaled = false;  ///< of codes: sums of products are multiplied by sample_scales in the end
  bitgauge::detail::aligned_buffer<float> scales, scaled_sums, sample_scales, floats, group_sums,
      column_terms;
  bitgauge::detail::aligned_buffer<std::uint16_t> bfloats;
  bitgauge::detail::aligned_buffer<std::int32_t> zero_points, sums;

  tile_shares shares() const noexcept { return tile_shares(samples, in_rows ? row_tile_samples : 0); }
};

/// What one thread needs to lay out a tile.
struct tile_scratch {
  std::vector<float> rows;
  bitgauge::detail::aligned_buffer<float> row, finite, low, high, scales, inverses;
  bitgauge::detail::aligned_buffer<std::int32_t> zero_points;
  bitgauge::detail::aligned_buffer<std::uint8_t> codes;
  bitgauge::detail::aligned_buffer<std::uint16_t> bfloats;
};

/// How activations become codes: the rule of quantize() for a grid, in blocks of `block` columns.
struct code_rule {
  integer_grid grid = make_symmetric(8);
  const parameters* frozen = nullptr;
  index_t block = 1;  ///< columns
};

namespace detail {

template <class T>
T* resized(bitgauge::detail::aligned_buffer<T>& values, index_t count) {
  return values.reserve(static_cast<std::size_t>(count));
}

/// Parameters and codes of one sample; a block that holds what is not finite has the scale NaN and the codes
/// of zeros, so that all products with it are NaN.
inline void encode_sample(const float* x, index_t cols, const code_rule& rule, tile_scratch& scratch,
                          std::uint8_t* codes) {
  const auto& kernels = simd::row_kernels();
  const integer_grid& grid = rule.grid;
  const index_t blocks = (cols + rule.block - 1) / rule.block;
  float* const low = resized(scratch.low, blocks);
  float* const high = resized(scratch.high, blocks);
  float* const scales = resized(scratch.scales, blocks);
  float* const inverses = resized(scratch.inverses, blocks);
  std::int32_t* const zeros = resized(scratch.zero_points, blocks);
  const auto lost = [&](index_t b) {
    return !std::all_of(x + b * rule.block, x + std::min(cols, (b + 1) * rule.block), numeric::is_finite);
  };
  const float* finite = x;
  if (simd::extents(x, cols, rule.block, low, high) >= numeric::infinity_bits) {
    float* const zeroed = resized(scratch.finite, cols);
    std::copy_n(x, cols, zeroed);
    for (index_t b = 0; b < blocks; ++b)
      if (lost(b)) std::fill(zeroed + b * rule.block, zeroed + std::min(cols, (b + 1) * rule.block), 0.0f);
    simd::extents(zeroed, cols, rule.block, low, high);
    finite = zeroed;
  }
  for (index_t b = 0; b < blocks; ++b) {
    const interval range{low[b], high[b]};
    scales[b] = rule.frozen != nullptr ? rule.frozen->scale : grid.scale_for(range);
    zeros[b] = rule.frozen != nullptr ? rule.frozen->zero_point : grid.zero_point_for(range, scales[b]);
  }
  kernels.inverses(scales, blocks, inverses);
  kernels.encode(finite, cols, rule.block, inverses, zeros, grid.lowest, grid.highest, codes, {});
  for (index_t b = 0; b < blocks && finite != x; ++b)
    if (lost(b)) scales[b] = std::numeric_limits<float>::quiet_NaN();
}

/// Turns the bits of `turn` in each of `count` bytes, a multiple of 8.
inline void turn_bytes(std::uint8_t* bytes, index_t count, int turn) {
  const auto turns = static_cast<std::uint64_t>(turn) * 0x0101010101010101u;
  for (index_t i = 0; i < count; i += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, bytes + i, sizeof eight);
    eight ^= turns;
    std::memcpy(bytes + i, &eight, sizeof eight);
  }
}

/// The sum of `count` bytes, a multiple of 8 and at most 8 longest_segment, each with the bits of `turn` turned:
/// eight at a time in sums of 16 bits.
inline std::int32_t sum_of_bytes(const std::uint8_t* from, index_t count, int turn) {
  constexpr std::uint64_t low_bytes = 0x00ff00ff00ff00ff;
  static_assert(longest_segment * 2 * 255 < 1 << 16);
  const auto turns = static_cast<std::uint64_t>(turn) * 0x0101010101010101u;
  std::uint64_t sums = 0;
  for (index_t i = 0; i < count; i += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, from + i, sizeof eight);
    eight ^= turns;
    sums += (eight & low_bytes) + (eight >> 8 & low_bytes);
  }
  return static_cast<std::int32_t>((sums & 0xffff) + (sums >> 16 & 0xffff) + (sums >> 32 & 0xffff) +
                                   (sums >> 48));
}

/// Moves the codes of a sample to where those of units lie: behind the last of a group come zero points, as there are
/// products with what fills up the weights.
inline void fill_units(const weights_view& w, const std::vector<segment>& segments, const std::int32_t* zeros,
                       std::uint8_t* codes) {
  for (auto s = segments.rbegin(); s != segments.rend(); ++s) {  // to the right, the last first
    const index_t unit_in_group = s->first_unit - s->group * w.group_units;
    const index_t column = s->group * w.group + unit_in_group * unit_columns;
    const index_t place = s->first_unit * unit_columns, count = s->units * unit_columns;
    const index_t columns = std::min(count, w.columns_of(s->group) - unit_in_group * unit_columns);
    if (column != place) std::memmove(codes + place, codes + column, static_cast<std::size_t>(columns));
    std::memset(codes + place + columns, zeros[s->block], static_cast<std::size_t>(count - columns));
    if (w.groups == 1 || w.group % unit_columns == 0) return;  // the others are where they belong
  }
}

}  // namespace detail

/// What `column_scales` and `column_zeros` of the weights make of a sample: x, multiplied, and the sum of what
/// its zero points take from every row.
inline const float* scale_columns(const weights_view& w, const float* x, tile_scratch& scratch, float& term) {
  if (w.column_scales == nullptr) return x;
  float* const row = detail::resized(scratch.row, w.cols);
  double sum = 0;
  for (index_t c = 0; c < w.cols; ++c) {
    row[c] = x[c] * w.column_scales[c];
    if (w.column_zeros != nullptr)
      sum -= static_cast<double>(row[c]) * static_cast<double>(w.column_zeros[c]);
  }
  term = static_cast<float>(sum);
  return row;
}

/// Room for a call's tiles. `columns` of a sample: with what is filled up.
inline void reserve_codes(index_t columns, index_t samples, index_t blocks, index_t segments,
                          packed_activations& to) {
  to.samples = samples;
  to.blocks = blocks;
  detail::resized(to.codes, samples * columns);
  detail::resized(to.scales, samples * blocks);
  detail::resized(to.zero_points, samples * blocks);
  detail::resized(to.sums, samples * segments);
  detail::resized(to.scaled_sums, samples * segments);
  detail::resized(to.sample_scales, samples);
  detail::resized(to.column_terms, samples);
}
inline void reserve_floats(const weights_view& w, index_t samples, packed_activations& to) {
  to.samples = samples;
  detail::resized(to.floats, samples * w.units * unit_columns);
  detail::resized(to.group_sums, samples * w.groups);
  detail::resized(to.column_terms, samples);
}

/// Where the values of a tile, which begins with sample `begin`, lie in a chunk: chunk after chunk, so that
/// those of a chunk, which are used together, lie together.
inline index_t place_of_tile(index_t first_unit, index_t units, index_t samples, index_t begin) noexcept {
  return (first_unit * samples + units * begin) * unit_columns;
}

/// Lays out samples first .. of tile `tile` as codes; `first` is the first sample of the call in `x`.
inline void pack_codes(const weights_view& w, const row_source& x, index_t first, index_t tile,
                       const code_rule& rule, const std::vector<segment>& segments,
                       const std::vector<chunk>& chunks, const product_operations& steps,
                       packed_activations& to, tile_scratch& scratch) {
  const tile_shares shares = to.shares();
  const index_t width = shares.width(tile), begin = shares.begin(tile);
  const row_source::panel rows = x.read(first + begin, width, scratch.rows);
  float* const scales = to.scales.data() + begin * to.blocks;
  std::int32_t* const zero_points = to.zero_points.data() + begin * to.blocks;
  const auto count = static_cast<index_t>(segments.size());
  const index_t columns = w.units * unit_columns, stride = simd::transpose_stride(columns / 4);
  std::uint8_t* const codes = detail::resized(scratch.codes, width * stride * 4);
  const int turn = rule.grid.is_signed() ? 0x80 : 0;
  const bool has_sums = to.in_rows || to.less_128 || has_offsets(w);
  for (index_t j = 0; j < width; ++j) {
    const float* const row =
        scale_columns(w, rows.row(j), scratch, to.column_terms[static_cast<std::size_t>(begin + j)]);
    std::uint8_t* const own = codes + j * stride * 4;
    detail::encode_sample(row, w.cols, rule, scratch, own);
    detail::fill_units(w, segments, scratch.zero_points.data(), own);
    if (to.unscaled) {
      to.sample_scales[static_cast<std::size_t>(begin + j)] = scratch.scales[0];
      scratch.scales[0] = 1;
    }
    for (index_t b = 0; b < to.blocks; ++b) {
      scales[b * width + j] = scratch.scales[static_cast<std::size_t>(b)] * w.level_step;
      zero_points[b * width + j] = scratch.zero_points[static_cast<std::size_t>(b)] + turn;
    }
    const chunk* part = chunks.data();
    for (index_t i = 0; i < count && has_sums; ++i) {
      const segment& s = segments[static_cast<std::size_t>(i)];
      if (i == part->first_segment + part->segments) ++part;
      const std::uint8_t* const from = own + s.first_unit * unit_columns;
      const index_t filled = s.units * unit_columns;
      std::int32_t sum = 0;
      if (to.in_rows) {
        const row_place place =
            place_in_rows(part->first_step, part->steps, 4 * to.fours, to.samples, begin, width, j);
        const index_t steps_before = s.first_step - part->first_step;
        const index_t unit_in_group = s.first_unit - s.group * w.group_units;
        const index_t there = std::min(filled, w.columns_of(s.group) - unit_in_group * unit_columns);
        const auto zero = static_cast<std::uint8_t>(zero_points[s.block * width + j] ^ 0x80);
        sum = steps.pack_code_row({from, there, filled, static_cast<std::uint8_t>(turn ^ 0x80), zero, s.steps,
                                   to.fours, to.codes.data() + place.first + steps_before * place.stride,
                                   place.stride}) +
              static_cast<std::int32_t>(there) * (128 - zero_points[s.block * width + j]);
      } else {
        sum = detail::sum_of_bytes(from, filled, turn) -
              static_cast<std::int32_t>(filled) * zero_points[s.block * width + j];
      }
      const auto at = static_cast<std::size_t>((begin * count) + i * width + j);
      to.sums[at] = sum;
      to.scaled_sums[at] = scratch.scales[static_cast<std::size_t>(s.block)] * static_cast<float>(sum);
    }
    if (!to.in_rows && (turn != 0) != to.less_128) detail::turn_bytes(own, columns, 0x80);
  }
  if (to.in_rows) return;
  if (to.samples == 1) {  // they lie as they are
    std::memcpy(to.codes.data(), codes, static_cast<std::size_t>(columns));
    return;
  }
  // four codes that lie together are moved as one number
  for (const chunk& part : chunks)
    simd::transpose(reinterpret_cast<const float*>(codes + part.first_unit * unit_columns), stride,
                    2 * part.units, width,
                    reinterpret_cast<float*>(to.codes.data() +
                                             place_of_tile(part.first_unit, part.units, to.samples, begin)),
                    width, false);
}

}  // namespace bitgauge::kernel
