#pragma once

/// \file
/// The encoder that coded_levels.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/packing/dense.hpp>
#include <bitgauge/packing/entropy/coded_levels.hpp>
#include <bitgauge/packing/entropy/fit_level_model.hpp>
#include <bitgauge/simd/portable/rans.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

namespace bitgauge::packing {
namespace detail {

/// Classes from 0 up; `count` stands for an empty column.
struct whole_classes {
  std::vector<std::uint8_t> columns, rows;
  int count = 0;

  std::size_t of(index_t i, index_t j) const noexcept {
    return static_cast<std::size_t>(columns[static_cast<std::size_t>(j)]) + rows[static_cast<std::size_t>(i)];
  }
};

/// Distributions of classes, and what all takes in units of 2^-12 bits.
struct fitted_models {
  whole_classes classes;
  std::vector<level_model> models{};
  std::uint64_t bits = 0;
};

/// Encodes a matrix of levels.
class level_encoder {
 public:
  level_encoder(const Eigen::Ref<const level_matrix>& levels, const coded_shape& shape,
                const level_classes& classes)
      : levels_(levels), shape_(shape), code_(shape.states), is_trellis_(shape.states > 1) {
    shape_.rows = levels.rows();
    shape_.cols = levels.cols();
    if (shape_.tile_rows < 1)
      bitgauge::detail::raise_message<shape_error>(
          {"encode_levels: tile_rows: expected 1 or more, found ", shape_.tile_rows});
    check_size("columns", classes.columns.size(), shape_.cols);
    check_size("rows", classes.rows.size(), shape_.rows);
    check_walks();
    set_classes(classes);
  }

  coded_levels run() const {
    fitted_models best = fitted(1);
    for (const int merged : {2, 4, 256}) {
      fitted_models other = fitted(merged);
      if (other.bits < best.bits) best = std::move(other);
    }
    std::vector<std::uint8_t> bytes{static_cast<std::uint8_t>(best.classes.count)};
    for (const level_model& m : best.models) m.write(bytes);
    write_classes(best.classes.columns, bytes);
    write_classes(best.classes.rows, bytes);
    write_tiles(best, bytes);
    return coded_levels(shape_, std::move(bytes));
  }

 private:
  static void check_size(const char* what, std::size_t found, index_t expected) {
    if (found != 0 && static_cast<index_t>(found) != expected)
      bitgauge::detail::raise_message<shape_error>(
          {"encode_levels: classes of ", what, ": expected ", expected, " or none, found ", found});
  }

  /// Raises for levels that no state allows.
  void check_walks() {
    std::vector<int> states(static_cast<std::size_t>(shape_.cols));
    is_empty_.assign(states.size(), true);
    for (index_t i = 0; i < shape_.rows; ++i) {
      if (i % shape_.tile_rows == 0) std::fill(states.begin(), states.end(), 0);
      for (index_t j = 0; j < shape_.cols; ++j) {
        const std::int32_t k = levels_(i, j);
        int& state = states[static_cast<std::size_t>(j)];
        if (k < -level_model::most_level || k > level_model::most_level)
          bitgauge::detail::raise_message<data_error>(
              {"encode_levels: level (", i, ", ", j, "): expected -32767 to 32767, found ", k});
        if (is_trellis_ && (k & 1) != code_.parity(state))
          bitgauge::detail::raise_message<data_error>(
              {"encode_levels: level (", i, ", ", j, "): expected an ",
               code_.parity(state) == 0 ? "even" : "odd", " one, found ", k});
        state = code_.next(state, code_.symbol(state, k));
        if (k != 0) is_empty_[static_cast<std::size_t>(j)] = false;
      }
    }
  }

  void set_classes(const level_classes& given) {
    columns_.resize(static_cast<std::size_t>(shape_.cols));
    rows_.assign(static_cast<std::size_t>(shape_.rows), 0);
    if (given.columns.empty()) {
      std::vector<std::uint64_t> sums(columns_.size());
      for (index_t i = 0; i < shape_.rows; ++i)
        for (index_t j = 0; j < shape_.cols; ++j)
          sums[static_cast<std::size_t>(j)] += static_cast<std::uint64_t>(std::abs(levels_(i, j)));
      for (std::size_t j = 0; j < sums.size(); ++j) {
        const std::uint64_t mean =
            sums[j] * 256 / static_cast<std::uint64_t>(std::max<index_t>(shape_.rows, 1));
        columns_[j] =
            static_cast<int>(logarithm(static_cast<std::uint32_t>(std::max<std::uint64_t>(mean, 1))) >> 10);
      }
    } else {
      for (std::size_t j = 0; j < columns_.size(); ++j) columns_[j] = given.columns[j];
    }
    for (std::size_t i = 0; i < given.rows.size(); ++i) rows_[i] = given.rows[i];
    constexpr int far = 1 << 20;
    int least_column = far, least_row = far;
    for (std::size_t j = 0; j < columns_.size(); ++j)
      if (!is_empty_[j]) least_column = std::min(least_column, columns_[j]);
    for (const int c : rows_) least_row = std::min(least_row, c);
    for (int& c : columns_) c = std::clamp(c - least_column, 0, 126);
    for (int& c : rows_) c = std::clamp(c - least_row, 0, 126);
  }

  /// Classes of which `merged` are one, and their distributions.
  fitted_models fitted(int merged) const {
    fitted_models all;
    int last_column = 0, last_row = 0;
    for (std::size_t j = 0; j < columns_.size(); ++j)
      if (!is_empty_[j]) last_column = std::max(last_column, columns_[j] / merged);
    for (const int c : rows_) {
      all.classes.rows.push_back(static_cast<std::uint8_t>(c / merged));
      last_row = std::max(last_row, c / merged);
    }
    all.classes.count = last_column + last_row + 1;
    for (std::size_t j = 0; j < columns_.size(); ++j)
      all.classes.columns.push_back(
          static_cast<std::uint8_t>(is_empty_[j] ? all.classes.count : columns_[j] / merged));
    std::vector<level_counts> counts(static_cast<std::size_t>(all.classes.count));
    for (index_t i = 0; i < shape_.rows; ++i)
      for (index_t j = 0; j < shape_.cols; ++j)
        if (!is_empty_[static_cast<std::size_t>(j)]) counts[all.classes.of(i, j)].add(levels_(i, j));
    for (const level_counts& each : counts) {
      model_fit fit(each, is_trellis_);
      all.models.push_back(fit.best());
      if (fit.bits() != ~std::uint64_t{0}) all.bits += fit.bits();
    }
    std::vector<std::uint8_t> side;
    write_classes(all.classes.columns, side);
    write_classes(all.classes.rows, side);
    all.bits += side.size() << 15;
    return all;
  }

  static void write_classes(const std::vector<std::uint8_t>& classes, std::vector<std::uint8_t>& bytes) {
    const unsigned last = classes.empty() ? 0 : *std::max_element(classes.begin(), classes.end());
    const int bits = static_cast<int>(std::bit_width(last));
    bytes.push_back(static_cast<std::uint8_t>(bits));
    if (bits == 0) return;
    const auto packed = packed_dense(classes.data(), static_cast<index_t>(classes.size()), bits);
    bytes.insert(bytes.end(), packed.begin(), packed.end());
  }

  /// Of a distribution and a parity: frequencies, and the first slots of symbols.
  struct shares {
    symbol_frequencies frequency{};
    std::array<std::uint16_t, 256> first{};
    symbol_range range;

    shares(const level_model& m, bool is_trellis, int parity)
        : frequency(m.frequencies(is_trellis, parity)), range(m, is_trellis, parity) {
      unsigned sum = 0;
      for (std::size_t s = 0; s < 256; ++s) {
        first[s] = static_cast<std::uint16_t>(sum);
        sum += frequency[s];
      }
    }
  };

  void write_tiles(const fitted_models& fit, std::vector<std::uint8_t>& bytes) const {
    std::vector<shares> tables;
    for (const level_model& m : fit.models)
      for (int parity = 0; parity < 2; ++parity)
        tables.emplace_back(m, is_trellis_, is_trellis_ ? parity : 0);
    std::vector<index_t> order;
    for (int c = 0; c < fit.classes.count; ++c)
      for (std::size_t j = 0; j < columns_.size(); ++j)
        if (fit.classes.columns[j] == c) order.push_back(static_cast<index_t>(j));
    const std::size_t sizes = bytes.size();
    bytes.resize(sizes + 4 * static_cast<std::size_t>(shape_.tiles()));
    for (index_t t = 0; t < shape_.tiles(); ++t) {
      const std::size_t before = bytes.size();
      write_tile(t, fit.classes, tables, order, bytes);
      write_number(static_cast<std::uint32_t>(bytes.size() - before),
                   &bytes[sizes + 4 * static_cast<std::size_t>(t)]);
    }
  }

  static void write_number(std::uint32_t x, std::uint8_t* to) noexcept {
    for (int i = 0; i < 4; ++i) to[i] = static_cast<std::uint8_t>(x >> 8 * i);
  }

  /// Backwards, as each number is a stack.
  void write_tile(index_t tile, const whole_classes& classes, const std::vector<shares>& tables,
                  const std::vector<index_t>& order, std::vector<std::uint8_t>& bytes) const {
    using simd::rans_lanes;
    const index_t first = tile * shape_.tile_rows, end = std::min(first + shape_.tile_rows, shape_.rows);
    const auto columns = static_cast<index_t>(order.size());
    std::array<std::uint32_t, rans_lanes::count> numbers;
    numbers.fill(rans_lanes::least);
    std::vector<std::uint16_t> words;
    std::vector<std::uint8_t> rests;
    for (index_t group = (columns - 1) / rans_lanes::count; group >= 0 && columns > 0; --group)
      for (index_t i = end - 1; i >= first; --i)
        for (index_t at = std::min((group + 1) * rans_lanes::count, columns) - 1;
             at >= group * rans_lanes::count; --at) {
          const index_t j = order[static_cast<std::size_t>(at)];
          const std::int32_t k = levels_(i, j);
          const shares& s =
              tables[classes.of(i, j) * 2 + (is_trellis_ ? static_cast<std::size_t>(k & 1) : 0)];
          int symbol = is_trellis_ ? k >> 1 : k;
          if (!s.range.holds(symbol)) {
            const int escape = s.range.escape_of(symbol);
            add_rest(static_cast<std::uint32_t>(std::abs(symbol - s.range.base_of(escape))) / 2, rests);
            symbol = escape;
          }
          const std::uint32_t frequency = s.frequency[static_cast<std::size_t>(symbol + 128)];
          std::uint32_t& x = numbers[static_cast<std::size_t>(at % rans_lanes::count)];
          if (x >= std::uint64_t{frequency} << 20) {
            words.push_back(static_cast<std::uint16_t>(x));
            x >>= 16;
          }
          x = (x / frequency << 12) + x % frequency + s.first[static_cast<std::size_t>(symbol + 128)];
        }
    for (const std::uint32_t x : numbers) {
      bytes.resize(bytes.size() + 4);
      write_number(x, &bytes[bytes.size() - 4]);
    }
    for (auto word = words.rbegin(); word != words.rend(); ++word) {
      bytes.push_back(static_cast<std::uint8_t>(*word));
      bytes.push_back(static_cast<std::uint8_t>(*word >> 8));
    }
    bytes.insert(bytes.end(), rests.begin(), rests.end());
  }

  /// The decoder reads from the end, the last that is added first.
  static void add_rest(std::uint32_t rest, std::vector<std::uint8_t>& rests) {
    std::array<std::uint8_t, 5> digits{};
    int count = 0;
    do {
      digits[static_cast<std::size_t>(count++)] = static_cast<std::uint8_t>(rest & 0x7fu);
      rest >>= 7;
    } while (rest != 0);
    for (int d = count - 1; d >= 0; --d)
      rests.push_back(
          static_cast<std::uint8_t>(digits[static_cast<std::size_t>(d)] | (d + 1 < count ? 0x80 : 0)));
  }

  const Eigen::Ref<const level_matrix>& levels_;
  coded_shape shape_;
  trellis_code code_;
  bool is_trellis_;
  std::vector<bool> is_empty_{};
  std::vector<int> columns_{}, rows_{};
};

}  // namespace detail

BITGAUGE_DEFINE coded_levels encode_levels(const Eigen::Ref<const level_matrix>& levels,
                                           const coded_shape& shape, const level_classes& classes) {
  return detail::level_encoder(levels, shape, classes).run();
}

}  // namespace bitgauge::packing
