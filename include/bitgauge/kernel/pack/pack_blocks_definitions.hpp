#pragma once

/// \file
/// What pack_blocks.hpp declares: whatever follows from the description of a format, no format by name.

#include <bitgauge/gguf/format/visit_format.hpp>
#include <bitgauge/kernel/pack/pack_blocks.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <string>

namespace bitgauge::gguf {

namespace detail {

/// A block in numbers: the scale of sub-block s is scale * scale_factors[s], or scales[s] where there are no
/// factors; what is subtracted likewise.
struct block_numbers {
  float* scales;
  float* subtrahends;
  std::int8_t* scale_factors;
  std::int8_t* subtrahend_factors;
  std::int8_t* levels;
};

/// What is packed of a format, known at run time.
struct packed_format {
  int elements, bytes, sub_blocks;
  bool has_minimum, has_factors;
  float unit;                         ///< of levels
  std::array<bool, 256> has_level{};  ///< by the byte of the level
  void (*read)(const std::uint8_t* bytes, const block_numbers& to);
  bool (*scales_are_halves)(const std::uint8_t* bytes);
};

template <class Levels>
constexpr std::array<bool, 256> levels_in() {
  std::array<bool, 256> found{};
  const auto add = [&](int level) { found[static_cast<std::uint8_t>(level)] = true; };
  if constexpr (counted_levels<Levels>) {
    constexpr int bits = (Levels::stored_bits + Levels::entries - 1) / Levels::entries;
    for (int code = 0; code < 1 << bits; ++code) add(code - Levels::zero);
  } else if constexpr (listed_levels<Levels>) {
    for (const int level : Levels::table) add(level);
  } else if constexpr (requires { Levels::shift_run; }) {
    for (const int level : Levels::book.levels) add(level + 1), add(level - 1);
  } else {
    for (const int level : Levels::book.levels) add(level), add(-level);
  }
  return found;
}

template <class Storage>
constexpr float unit_of() {
  if constexpr (has_super<Storage>) return Storage::rule.unit();
  return 1;
}

/// Of scales or minima: the numbers, or the one and its factors.
template <class Storage>
void read_parameters(const typename Storage::codes& stored, float* numbers, std::int8_t* factors) {
  if constexpr (has_super<Storage>) {
    numbers[0] = stored.super;
    for (std::size_t s = 0; s < stored.sub.size(); ++s)
      factors[s] = static_cast<std::int8_t>(Storage::rule.factor(stored.sub[s]));
  } else {
    for (int s = 0; s < Storage::entries; ++s) numbers[s] = Storage::value(stored, s);
  }
}

template <class Format>
void read_block(const std::uint8_t* bytes, const block_numbers& to) {
  using minimum = typename Format::minimum;
  block_codes<Format> stored;
  unpack<Format>(bytes, stored);
  stored.levels(to.levels);
  read_parameters<typename Format::scale>(stored.scale, to.scales, to.scale_factors);
  if constexpr (subtracted_minimum<minimum> && has_super<minimum>) {
    read_parameters<minimum>(stored.minimum, to.subtrahends, to.subtrahend_factors);
  } else if constexpr (Format::has_minimum) {
    static_assert(!has_super<minimum>);
    for (int s = 0; s < Format::sub_blocks; ++s) to.subtrahends[s] = -stored.minimum_of(s);
  }
}

template <class Format>
bool block_scales_are_halves(const std::uint8_t* bytes) {
  using scale = typename Format::scale;
  if constexpr (has_byte<scale>) {
    typename scale::codes stored;
    scale::unpack(bytes, stored);
    for (int s = 0; s < scale::entries; ++s) {
      const float value = scale::value(stored, s);
      if (numeric::half_to_float(numeric::half_from_float(value)) != value) return false;
    }
    return true;
  }
  return has_super<scale> || scale::stored_bits == 16;
}

template <class Format>
constexpr packed_format packed_format_of() {
  constexpr bool has_factors = has_super<typename Format::scale>;
  static_assert(!Format::has_minimum || has_super<typename Format::minimum> == has_factors);
  static_assert(unit_of<typename Format::minimum>() == 1);
  return {Format::elements,
          Format::bytes,
          Format::sub_blocks,
          Format::has_minimum,
          has_factors,
          unit_of<typename Format::scale>(),
          levels_in<typename Format::levels>(),
          read_block<Format>,
          block_scales_are_halves<Format>};
}

/// Fields for the levels of a format, ascending: numbers that follow each other count from the lowest, others are
/// listed. Returns the field of each level.
inline std::array<std::uint8_t, 256> describe_levels(const packed_format& format, kernel::weights_view& w) {
  std::array<std::uint8_t, 256> field_of{};
  int count = 0, least = 0, most = 0;
  for (int level = -128; level < 128; ++level) {
    if (!format.has_level[static_cast<std::uint8_t>(level)]) continue;
    if (count == 0) least = level;
    most = level;
    field_of[static_cast<std::uint8_t>(level)] = static_cast<std::uint8_t>(count);
    w.levels[static_cast<std::size_t>(count)] = static_cast<float>(level) * format.unit;
    w.codes[static_cast<std::size_t>(count)] = static_cast<std::int8_t>(level);
    ++count;
  }
  w.bits = static_cast<int>(std::bit_width(static_cast<unsigned>(count - 1)));
  w.has_levels = most - least + 1 != count || format.unit != 1;
  w.center = -least;
  w.level_step = format.unit;
  if (!w.has_levels) {
    w.levels = {};
    w.codes = {};
    w.level_step = 1;
  }
  return field_of;
}

/// True where every scale is a binary16 number.
inline bool scales_are_halves(const block_matrix& q, const packed_format& format) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(q.blocks().data());
  const auto* const end = bytes + q.storage_bytes();
  for (; bytes < end; bytes += format.bytes)
    if (!format.scales_are_halves(bytes)) return false;
  return true;
}

}  // namespace detail

BITGAUGE_DEFINE std::shared_ptr<const kernel::packed_data> pack_weights(const block_matrix& q, int threads) {
  if (!traits_of(q.type()).is_quantized())
    raise(invalid_scheme("packed weights of a matrix of " + std::string(traits_of(q.type()).name) +
                         ": expected a type made of blocks, such as q4_K: quantize its values"));
  const auto data = std::make_shared<kernel::packed_data>();
  kernel::weights_view& w = data->view;
  const detail::packed_format format =
      visit_format(q.type(), []<class Format>(Format) { return detail::packed_format_of<Format>(); });
  const auto field_of = detail::describe_levels(format, w);
  w.rows = q.rows();
  w.cols = q.cols();
  w.group = format.elements / format.sub_blocks;
  kernel::row_parts parts;
  parts.halves = detail::scales_are_halves(q, format);
  parts.offsets = format.has_minimum;
  parts.factors = format.has_factors;
  if (parts.factors) w.super_shift = std::countr_zero(static_cast<unsigned>(format.sub_blocks));
  kernel::pack_rows(*data, parts, threads, [&](index_t row, const kernel::unpacked_row& to) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(q.blocks().data()) + row * q.row_bytes();
    const int of_block = format.has_factors ? 1 : format.sub_blocks;
    std::array<std::int8_t, 256> levels;
    detail::block_numbers numbers{to.scales, to.offsets, to.scale_factors, to.offset_factors, levels.data()};
    for (index_t column = 0; column < w.cols; column += format.elements, bytes += format.bytes) {
      format.read(bytes, numbers);
      for (index_t j = 0; j < format.elements; ++j)
        to.fields[column + j] = field_of[static_cast<std::uint8_t>(levels[static_cast<std::size_t>(j)])];
      numbers.scales += of_block;
      numbers.subtrahends += of_block;
      numbers.scale_factors += format.sub_blocks;
      numbers.subtrahend_factors += format.sub_blocks;
    }
  });
  return data;
}

}  // namespace bitgauge::gguf
