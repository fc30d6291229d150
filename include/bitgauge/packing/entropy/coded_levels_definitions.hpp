#pragma once

/// \file
/// What coded_levels.hpp declares, but for the encoder.

#include <bitgauge/error.hpp>
#include <bitgauge/packing/dense.hpp>
#include <bitgauge/packing/entropy/coded_levels.hpp>
#include <bitgauge/simd/rans.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge::packing {

namespace detail {

inline constexpr const char* coded_name = "entropy-coded levels: ";

/// Takes `count` bytes from the front of what is left.
inline std::span<const std::uint8_t> taken(std::span<const std::uint8_t>& bytes, index_t count,
                                           const char* what) {
  if (static_cast<index_t>(bytes.size()) < count)
    bitgauge::detail::raise_message<data_error>(
        {coded_name, what, ": expected ", count, " bytes, found ", bytes.size()});
  const auto front = bytes.first(static_cast<std::size_t>(count));
  bytes = bytes.subspan(static_cast<std::size_t>(count));
  return front;
}

/// Classes as bits of a field and packed fields.
inline std::vector<std::uint8_t> read_classes(std::span<const std::uint8_t>& bytes, index_t count,
                                              const char* what) {
  std::vector<std::uint8_t> classes(static_cast<std::size_t>(count));
  const int bits = taken(bytes, 1, what)[0];
  if (bits > 8)
    bitgauge::detail::raise_message<data_error>({coded_name, what, ": expected 0 to 8 bits, found ", bits});
  if (bits > 0)
    unpack_dense(taken(bytes, dense_bytes(count, bits), what).data(), count, bits, classes.data());
  return classes;
}

inline std::uint32_t read_word(const std::uint8_t* at) noexcept {
  return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8 |
         static_cast<std::uint32_t>(at[2]) << 16 | static_cast<std::uint32_t>(at[3]) << 24;
}

[[noreturn, gnu::cold]] inline void refuse_tile(index_t tile, const char* problem) {
  bitgauge::detail::raise_message<data_error>({coded_name, "tile ", tile, ": ", problem});
}

}  // namespace detail

BITGAUGE_DEFINE coded_levels::coded_levels(const coded_shape& shape, buffer<std::uint8_t> bytes)
    : shape_(shape), bytes_(std::move(bytes)) {
  using bitgauge::detail::raise_message;
  constexpr index_t most = index_t{1} << 31;
  if (shape.rows < 0 || shape.cols < 0 || shape.cols >= most || shape.tile_rows < 1 ||
      shape.tile_rows >= most ||
      (shape.cols > 0 && shape.rows > std::numeric_limits<index_t>::max() / 8 / shape.cols))
    raise_message<data_error>({detail::coded_name,
                               "expected rows, columns and rows of a tile that can be, found ", shape.rows,
                               " x ", shape.cols, ", ", shape.tile_rows});
  static_cast<void>(trellis_code(shape.states));  // raises
  std::span<const std::uint8_t> rest(bytes_.data(), bytes_.size());
  const int classes = detail::taken(rest, 1, "classes")[0];
  // each row or column takes at least a bit, or there is but one class: nothing here is larger than the bytes allow
  for (int i = 0; i < classes; ++i) models_.push_back(level_model::read(rest, shape.states > 1));
  const auto columns = detail::read_classes(rest, shape.cols, "classes of columns");
  row_classes_ = detail::read_classes(rest, shape.rows, "classes of rows");
  const int last_row_class =
      row_classes_.empty() ? 0 : *std::max_element(row_classes_.begin(), row_classes_.end());
  std::vector<std::size_t> firsts(static_cast<std::size_t>(classes) + 2, 0);
  for (const int c : columns) {
    if (c > classes || (c < classes && c + last_row_class >= classes))
      raise_message<data_error>({detail::coded_name, "classes of columns: expected those of ", classes,
                                 " distributions, found ", c, " + ", last_row_class});
    ++firsts[static_cast<std::size_t>(c) + 1];
  }
  for (std::size_t i = 1; i < firsts.size(); ++i) firsts[i] += firsts[i - 1];
  order_.resize(firsts[static_cast<std::size_t>(classes)]);
  order_classes_.resize(order_.size());
  for (std::size_t j = 0; j < columns.size(); ++j) {
    if (columns[j] == classes) continue;
    const std::size_t place = firsts[columns[j]]++;
    order_[place] = static_cast<std::int32_t>(j);
    order_classes_[place] = columns[j];
  }
  const auto sizes = detail::taken(rest, 4 * shape.tiles(), "bytes of tiles");
  side_bytes_ = static_cast<index_t>(bytes_.size() - rest.size());
  tile_offsets_.push_back(side_bytes_);
  for (index_t t = 0; t < shape.tiles(); ++t)
    tile_offsets_.push_back(tile_offsets_.back() + detail::read_word(sizes.data() + 4 * t));
  if (tile_offsets_.back() != static_cast<index_t>(bytes_.size()))
    raise_message<data_error>({detail::coded_name, "bytes of tiles: expected ", tile_offsets_.back(),
                               " bytes in all, found ", bytes_.size()});
}

BITGAUGE_DEFINE level_decoder::level_decoder(const coded_levels& levels)
    : levels_(&levels), code_(levels.shape_.states) {
  using simd::rans_lanes;
  const bool is_trellis = levels.shape_.states > 1;
  const std::size_t parities = is_trellis ? 2 : 1;
  tables_.resize(std::max<std::size_t>(levels.models_.size(), 1) * parities * rans_lanes::slots);
  auto entry = tables_.begin();
  for (const level_model& m : levels.models_)
    for (int parity = 0; parity < static_cast<int>(parities); ++parity) {
      const symbol_frequencies frequencies = m.frequencies(is_trellis, parity);
      for (int s = 0; s < 256; ++s)
        for (std::uint32_t rank = 0; rank < frequencies[static_cast<std::size_t>(s)]; ++rank)
          *entry++ = rans_lanes::entry(s - 128, frequencies[static_cast<std::size_t>(s)], rank);
    }
  for (const std::uint32_t c : levels.row_classes_)
    row_tables_.push_back(c * static_cast<std::uint32_t>(parities) * rans_lanes::slots);
}

/// Completes the levels of a group of columns that are escapes.
BITGAUGE_DEFINE void level_decoder::read_escapes(index_t tile, index_t column, int present,
                                                 const std::uint8_t* words, const std::uint8_t*& end) {
  const bool is_trellis = levels_->shape_.states > 1;
  const std::uint8_t* row_class = levels_->row_classes_.data() + tile * levels_->shape_.tile_rows;
  for (auto row = group_.begin(); row != group_.end(); row += simd::rans_lanes::count, ++row_class)
    for (int i = 0; i < present; ++i) {
      const int level = row[i], parity = is_trellis ? level & 1 : 0, symbol = is_trellis ? level >> 1 : level;
      if (symbol >= -level_model::most_symbol && symbol <= level_model::most_symbol) continue;
      std::uint32_t steps = 0, shift = 0;
      for (std::uint8_t byte = 0x80; byte >> 7 != 0; shift += 7) {
        if (end == words || shift > 14)
          detail::refuse_tile(tile, "expected the rest of an escape, found none or more than 3 bytes");
        byte = *--end;
        steps |= (byte & 0x7fu) << shift;
      }
      const std::size_t place = levels_->order_classes_[static_cast<std::size_t>(column + i)] + *row_class;
      const detail::symbol_range range(levels_->models_[place], is_trellis, parity);
      const int whole = range.base_of(symbol) + (symbol > 0 ? 2 : -2) * static_cast<int>(steps);
      const int found = is_trellis ? 2 * whole + parity : whole;
      if (found > level_model::most_level || found < -level_model::most_level)
        detail::refuse_tile(tile, "expected levels of -32767 to 32767, found one beyond");
      row[i] = static_cast<std::int16_t>(found);
    }
}

BITGAUGE_DEFINE void level_decoder::decode_tile(index_t tile, std::int16_t* out) {
  using simd::rans_lanes;
  const coded_shape& shape = levels_->shape_;
  if (tile < 0 || tile >= shape.tiles())
    bitgauge::detail::raise_message<shape_error>({"decode_tile(", tile, ") of ", shape.tiles(), " tiles"});
  const index_t first = tile * shape.tile_rows, height = std::min(shape.tile_rows, shape.rows - first);
  const auto columns = static_cast<index_t>(levels_->order_.size());
  std::fill_n(out, static_cast<std::size_t>(columns == shape.cols ? 0 : height * shape.cols),
              std::int16_t{0});
  const std::uint8_t* at = levels_->bytes_.data() + levels_->tile_offsets_[static_cast<std::size_t>(tile)];
  const std::uint8_t* end =
      levels_->bytes_.data() + levels_->tile_offsets_[static_cast<std::size_t>(tile) + 1];
  rans_lanes lanes;
  if (end - at < 4 * rans_lanes::count) detail::refuse_tile(tile, "expected 64 bytes and more, found fewer");
  for (std::uint32_t& number : lanes.number) {
    number = detail::read_word(at);
    at += 4;
    if (number < rans_lanes::least)
      detail::refuse_tile(tile, "expected numbers from 65536 up to begin with, found a smaller one");
  }
  const std::uint32_t parities = shape.states > 1 ? 2 : 1;
  lanes.tables = tables_.data();
  lanes.is_scalar = parities == 1;
  lanes.by_parity = static_cast<std::uint32_t>(code_.parity_bits());
  lanes.by_symbol = static_cast<std::uint32_t>(code_.symbol_bits());
  group_.resize(static_cast<std::size_t>(height) * rans_lanes::count);
  for (index_t column = 0; column < columns; column += rans_lanes::count) {
    const auto present = static_cast<int>(std::min<index_t>(rans_lanes::count, columns - column));
    lanes.present = present;
    for (int i = 0; i < present; ++i) {
      lanes.state[i] = 0;
      lanes.table[i] =
          levels_->order_classes_[static_cast<std::size_t>(column + i)] * parities * rans_lanes::slots;
    }
    lanes.meets_escapes = false;
    at = simd::decode_rans(lanes, row_tables_.data() + first, height, at, end, group_.data());
    if (at == nullptr) detail::refuse_tile(tile, "expected more words, found the end");
    if (lanes.meets_escapes) read_escapes(tile, column, present, at, end);
    const std::int32_t* order = levels_->order_.data() + column;
    const std::int16_t* from = group_.data();
    std::int16_t* row = out;
    bool is_run = present == rans_lanes::count;
    for (int i = 1; i < present; ++i) is_run = is_run && order[i] == order[0] + i;
    if (is_run) {
      for (index_t r = 0; r < height; ++r, from += present, row += shape.cols)
        std::copy_n(from, rans_lanes::count, row + order[0]);
    } else {
      for (index_t r = 0; r < height; ++r, from += rans_lanes::count, row += shape.cols)
        for (int i = 0; i < present; ++i) row[order[i]] = from[i];
    }
  }
  if (at != end) detail::refuse_tile(tile, "expected words up to the escapes, found others between");
  for (const std::uint32_t number : lanes.number)
    if (number != rans_lanes::least)
      detail::refuse_tile(tile, "expected numbers of 65536 at the end, found another");
}

}  // namespace bitgauge::packing
