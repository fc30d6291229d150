#pragma once

/// \file
/// What trellis_matrix.hpp declares.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/trellis/trellis_matrix.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/packing/dense.hpp>
#include <bitgauge/packing/entropy/coded_levels.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge {
namespace detail {

/// No file of a few bytes asks for a matrix that fills the memory. In floats: the shape may be anything.
inline double least_trellis_bytes(index_t rows, index_t cols) noexcept {
  return static_cast<double>(std::max<index_t>(rows, 1)) * static_cast<double>(std::max<index_t>(cols, 1)) /
         static_cast<double>(trellis_matrix::weights_a_byte);
}

/// Appends a number of `count` bytes.
inline void append_number(std::uint64_t number, int count, std::vector<std::uint8_t>& bytes) {
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(number >> 8 * i));
}

/// The parts of a trellis_matrix that stand before the levels.
inline std::vector<std::uint8_t> step_bytes(const packing::coded_shape& shape, float unit,
                                            const std::vector<std::int8_t>& exponents) {
  std::vector<std::uint8_t> bytes{
      static_cast<std::uint8_t>(std::bit_width(static_cast<unsigned>(shape.states)) - 1)};
  append_number(static_cast<std::uint64_t>(shape.tile_rows), 4, bytes);
  append_number(std::bit_cast<std::uint32_t>(unit), 4, bytes);
  const auto [least, most] = std::minmax_element(exponents.begin(), exponents.end());
  const int from = exponents.empty() ? 0 : *least, span = exponents.empty() ? 0 : *most - from;
  const int bits = static_cast<int>(std::bit_width(static_cast<unsigned>(span)));
  bytes.push_back(static_cast<std::uint8_t>(from));
  bytes.push_back(static_cast<std::uint8_t>(bits));
  if (bits == 0) return bytes;
  std::vector<std::uint8_t> fields;
  fields.reserve(exponents.size());
  for (const int e : exponents) fields.push_back(static_cast<std::uint8_t>(e - from));
  const auto packed = packing::packed_dense(fields.data(), static_cast<index_t>(fields.size()), bits);
  bytes.insert(bytes.end(), packed.begin(), packed.end());
  return bytes;
}

/// Takes `count` bytes from the front of what is left of a trellis_matrix's.
inline std::span<const std::uint8_t> front_of(std::span<const std::uint8_t>& bytes, std::uint64_t count,
                                              const char* what) {
  if (bytes.size() < count)
    raise_message<data_error>(
        {"trellis matrix: ", what, ": expected ", count, " bytes, found ", bytes.size()});
  const auto front = bytes.first(as_size(count));
  bytes = bytes.subspan(as_size(count));
  return front;
}

inline std::uint64_t number_of(std::span<const std::uint8_t> bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) number = number << 8 | bytes[i];
  return number;
}

/// Hands out the levels of every tile, each to one thread: take(first row, rows, levels).
template <class Take>
void decode_tiles(const packing::coded_levels& levels, int threads, const Take& take) {
  const packing::coded_shape& shape = levels.shape();
  const index_t tiles = shape.tiles();
  // the tables of a decoder are worth some tiles
  const index_t shares = std::min<index_t>(tiles, 64);
  parallel_for(shares, threads, [&](index_t share) {
    packing::level_decoder decoder(levels);
    std::vector<std::int16_t> tile(
        static_cast<std::size_t>(std::min(shape.tile_rows, shape.rows) * shape.cols));
    for (index_t t = tiles * share / shares; t < tiles * (share + 1) / shares; ++t) {
      decoder.decode_tile(t, tile.data());
      const index_t first = t * shape.tile_rows;
      take(first, std::min(shape.tile_rows, shape.rows - first), tile.data());
    }
  });
}

/// The tile that a thread decoded last for one row of it.
struct decoded_tile {
  std::uint64_t matrix = 0;
  index_t tile = -1;
  std::optional<packing::level_decoder> decoder{};
  std::vector<std::int16_t> levels{};
};

}  // namespace detail

BITGAUGE_DEFINE std::shared_ptr<const trellis_matrix::held> trellis_matrix::finished(held parts,
                                                                                     index_t least_bytes) {
  static std::atomic<std::uint64_t> made = 0;
  parts.number = ++made;
  if (!(parts.unit >= 0) || !numeric::is_finite(parts.unit))
    detail::raise_message<data_error>(
        {"trellis matrix: unit: expected a finite number from 0 up, found ", parts.unit});
  for (const std::int8_t e : parts.exponents) {
    parts.steps.push_back(trellis_step(parts.unit, e));
    if (!(parts.steps.back() <= std::numeric_limits<float>::max() / 32768))
      detail::raise_message<data_error>(
          {"trellis matrix: expected steps up to 2^112, found ", parts.steps.back()});
  }
  const auto own =
      static_cast<index_t>(detail::step_bytes(parts.levels.shape(), parts.unit, parts.exponents).size() + 8 +
                           parts.levels.bytes().size());
  parts.storage_bytes = std::max(
      {own, least_bytes,
       static_cast<index_t>(detail::least_trellis_bytes(parts.levels.rows(), parts.levels.cols())) + 1});
  std::atomic<int> largest = 0;
  detail::decode_tiles(parts.levels, 0, [&](index_t, index_t rows, const std::int16_t* levels) {
    int most = 0;
    for (index_t i = 0; i < rows * parts.levels.cols(); ++i) most = std::max(most, std::abs(int{levels[i]}));
    int before = largest;
    while (before < most && !largest.compare_exchange_weak(before, most)) {
    }
  });
  parts.largest = largest;
  return std::make_shared<const held>(std::move(parts));
}

BITGAUGE_DEFINE trellis_matrix::trellis_matrix(const trellis_codes& codes, index_t least_bytes) {
  if (static_cast<index_t>(codes.step_exponents.size()) != codes.cols())
    detail::raise_message<shape_error>({"trellis matrix: exponents of steps: expected ", codes.cols(),
                                        ", found ", codes.step_exponents.size()});
  held parts;
  parts.unit = codes.unit;
  parts.exponents = codes.step_exponents;
  parts.levels = packing::encode_levels(codes.codes, {.states = codes.states, .tile_rows = codes.tile_rows},
                                        {codes.column_classes, codes.row_classes});
  held_ = finished(std::move(parts), least_bytes);
}

BITGAUGE_DEFINE trellis_matrix::trellis_matrix(index_t rows, index_t cols,
                                               std::span<const std::uint8_t> bytes) {
  if (rows < 0 || cols < 0 || detail::least_trellis_bytes(rows, cols) > static_cast<double>(bytes.size()))
    detail::raise_message<data_error>({"trellis matrix: expected ", weights_a_byte,
                                       " weights a byte at most, found ", bytes.size(), " bytes for ", rows,
                                       " x ", cols});
  held parts;
  std::span<const std::uint8_t> rest = bytes;
  const int states = detail::front_of(rest, 1, "states")[0];
  if (states > 8)
    detail::raise_message<data_error>({"trellis matrix: states: expected 2^0 to 2^8, found 2^", states});
  const packing::coded_shape shape{
      rows, cols, 1 << states,
      static_cast<index_t>(detail::number_of(detail::front_of(rest, 4, "rows of a tile")))};
  parts.unit =
      std::bit_cast<float>(static_cast<std::uint32_t>(detail::number_of(detail::front_of(rest, 4, "unit"))));
  const auto range = detail::front_of(rest, 2, "exponents of steps");
  const int least = static_cast<std::int8_t>(range[0]), bits = range[1];
  if (bits > 8)
    detail::raise_message<data_error>(
        {"trellis matrix: exponents of steps: expected 0 to 8 bits, found ", bits});
  std::vector<std::uint8_t> fields(static_cast<std::size_t>(shape.cols));
  if (bits > 0)
    packing::unpack_dense(
        detail::front_of(rest, static_cast<std::uint64_t>(packing::dense_bytes(shape.cols, bits)),
                         "exponents of steps")
            .data(),
        shape.cols, bits, fields.data());
  for (const int field : fields) {
    if (least + field > 127)
      detail::raise_message<data_error>(
          {"trellis matrix: exponents of steps: expected -128 to 127, found ", least + field});
    parts.exponents.push_back(static_cast<std::int8_t>(least + field));
  }
  const auto levels =
      detail::front_of(rest, detail::number_of(detail::front_of(rest, 8, "bytes of levels")), "levels");
  parts.levels = packing::coded_levels(shape, std::vector<std::uint8_t>(levels.begin(), levels.end()));
  held_ = finished(std::move(parts), static_cast<index_t>(bytes.size()));
}

BITGAUGE_DEFINE std::vector<std::uint8_t> trellis_matrix::bytes() const {
  std::vector<std::uint8_t> all = detail::step_bytes(levels().shape(), held_->unit, held_->exponents);
  const auto& coded = held_->levels.bytes();
  detail::append_number(coded.size(), 8, all);
  all.insert(all.end(), coded.begin(), coded.end());
  all.resize(static_cast<std::size_t>(storage_bytes()));
  return all;
}

BITGAUGE_DEFINE index_t trellis_matrix::side_bytes() const {
  return static_cast<index_t>(detail::step_bytes(levels().shape(), held_->unit, held_->exponents).size()) +
         8 + levels().side_bytes();
}

BITGAUGE_DEFINE void trellis_matrix::dequantize_row(index_t row, float* out) const {
  if (row < 0 || row >= rows())
    detail::raise_message<shape_error>({"dequantize_row(", row, ") of ", rows(), " rows"});
  static thread_local detail::decoded_tile last;
  const index_t tile = row / tile_rows();
  if (last.matrix != held_->number) {
    last.tile = -1;
    last.matrix = held_->number;
    last.decoder.emplace(held_->levels);
    last.levels.resize(static_cast<std::size_t>(std::min(tile_rows(), rows()) * cols()));
  }
  if (last.tile != tile) {
    last.tile = -1;
    last.decoder->decode_tile(tile, last.levels.data());
    last.tile = tile;
  }
  const std::int16_t* const from = last.levels.data() + (row - tile * tile_rows()) * cols();
  for (index_t c = 0; c < cols(); ++c)
    out[c] = static_cast<float>(from[c]) * held_->steps[static_cast<std::size_t>(c)];
}

BITGAUGE_DEFINE void trellis_matrix::for_each_tile(int threads, const tile_taker& take) const {
  detail::decode_tiles(levels(), threads, [&](index_t first, index_t height, const std::int16_t* from) {
    row_matrix values(height, cols());
    for (index_t r = 0; r < height; ++r)
      for (index_t c = 0; c < cols(); ++c)
        values(r, c) = static_cast<float>(from[r * cols() + c]) * held_->steps[static_cast<std::size_t>(c)];
    take(first, Eigen::Map<const row_matrix>(values.data(), height, cols()));
  });
}

BITGAUGE_DEFINE std::vector<quantized_matrix> expand_digits(const trellis_matrix& q, int threads) {
  const index_t rows = q.rows(), cols = q.cols();
  std::size_t digits = 1;
  for (int rest = q.largest_level(), most = 127; rest > most; ++digits) rest = (rest + 128) >> 8;
  std::vector<buffer<std::uint8_t>> codes(digits);
  for (auto& each : codes) each = buffer<std::uint8_t>(static_cast<std::size_t>(rows * cols));
  detail::decode_tiles(q.levels(), threads, [&](index_t first, index_t height, const std::int16_t* levels) {
    for (index_t i = 0; i < height * cols; ++i) {
      int rest = levels[i];
      for (auto& each : codes) {
        const auto digit = static_cast<std::int8_t>(rest & 0xff);
        each.data()[first * cols + i] = static_cast<std::uint8_t>(digit);
        rest = (rest - digit) >> 8;
      }
    }
  });
  const grouping columns(per_column{}, rows, cols);
  code_encoding encoding;
  encoding.is_signed = true;
  std::vector<quantized_matrix> all;
  std::vector<float> steps = q.steps();
  for (auto& each : codes) {
    std::vector<std::uint8_t> scales(steps.size() * sizeof(float));
    if (!scales.empty()) std::memcpy(scales.data(), steps.data(), scales.size());
    all.push_back({columns,
                   encoding,
                   std::move(each),
                   scale_array(scale_storage{scale_type::f32}, columns.count(), std::move(scales)),
                   {}});
    for (float& step : steps) step *= 256;
  }
  return all;
}

BITGAUGE_DEFINE quantized_matrix expand(const trellis_matrix& q, int threads) {
  if (q.largest_level() > 127)
    detail::raise_message<data_error>({"expand: expected levels of -127 to 127, found one of magnitude ",
                                       q.largest_level(), " (use expand_digits() or dequantize())"});
  return std::move(expand_digits(q, threads).front());
}

}  // namespace bitgauge
