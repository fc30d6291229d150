#pragma once

/// \file
/// A matrix as entropy-coded levels of a trellis, and the way back to floats.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/number_text.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/matrix/trellis/trellis_codes.hpp>
#include <bitgauge/packing/entropy/coded_levels.hpp>

#include <Eigen/Core>

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <vector>

namespace bitgauge {

/// A quantized matrix W (out x in): real(r, c) = k(r, c) * step(c), the integers k entropy-coded in tiles of rows:
/// packing/entropy/coded_levels.hpp. Its bytes, all numbers with the low byte first:
///
///     states of the trellis: 1 byte, their logarithm to base 2; rows of a tile: 4 bytes
///     unit: 4 bytes, a float
///     least exponent: 1 byte with a sign; bits of what is stored of an exponent: 1 byte
///     of each column its exponent less the least, packed densely: step(c) = unit * 2^(exponent / 8)
///     bytes of the levels: 8 bytes; the levels
///     zeros up to the size that was asked for
///
/// Copies share their bytes, which nothing changes; what has been moved from is a copy too.
class trellis_matrix {
 public:
  /// The most weights that a byte stands for: smaller results are filled up with zeros.
  static constexpr index_t weights_a_byte = 512;

  trellis_matrix() = default;
  trellis_matrix(const trellis_matrix&) = default;
  trellis_matrix& operator=(const trellis_matrix&) = default;
  ~trellis_matrix() = default;
  /// Encodes levels. The result takes `least_bytes` at least: a file's sizes are known before its data then. Raises what
  /// packing::encode_levels() raises, shape_error for another number of exponents, data_error for steps that are not
  /// finite.
  BITGAUGE_DECLARE explicit trellis_matrix(const trellis_codes& codes, index_t least_bytes = 0);
  /// From the bytes that bytes() gave, as read from a file. Raises data_error, which names the part, for damaged ones, and
  /// decodes all to see to it.
  BITGAUGE_DECLARE trellis_matrix(index_t rows, index_t cols, std::span<const std::uint8_t> bytes);

  index_t rows() const noexcept { return levels().rows(); }
  index_t cols() const noexcept { return levels().cols(); }
  index_t size() const noexcept { return rows() * cols(); }
  /// Of the trellis: 1, or 4 to 256.
  int states() const noexcept { return levels().shape().states; }
  /// Rows that are decoded together.
  index_t tile_rows() const noexcept { return levels().shape().tile_rows; }
  index_t tiles() const noexcept { return levels().shape().tiles(); }
  /// The distance between the levels of each column.
  const std::vector<float>& steps() const noexcept { return held_->steps; }
  const packing::coded_levels& levels() const noexcept { return held_->levels; }
  /// The largest magnitude of a level.
  int largest_level() const noexcept { return held_->largest; }

  /// All that is stored, in the order above.
  BITGAUGE_DECLARE std::vector<std::uint8_t> bytes() const;
  /// bytes().size(): steps, classes, distributions, sizes of tiles, levels and what fills up.
  index_t storage_bytes() const noexcept { return held_->storage_bytes; }
  /// Of these, all but the tiles and what fills up.
  BITGAUGE_DECLARE index_t side_bytes() const;
  double bits_per_weight() const noexcept {
    return size() == 0 ? 0 : 8.0 * static_cast<double>(storage_bytes()) / static_cast<double>(size());
  }

  /// Writes row `row` as cols() floats. Raises shape_error where there is no such row. Cost: its tile is decoded, unless
  /// it is that of the last row that this thread asked for, of any matrix: each thread keeps one tile for that, tile_rows()
  /// * cols() numbers of 2 bytes and the tables of a decoder, until it asks for another or ends. dequantize()
  /// keeps nothing.
  BITGAUGE_DECLARE void dequantize_row(index_t row, float* out) const;
  /// The matrix of real values: MatrixXf, or any plain float type named. Cost: every tile is decoded once.
  template <class Plain = Eigen::MatrixXf>
  Plain dequantize(int threads = 0) const {
    Plain out;
    out.resize(rows(), cols());
    dequantize_into(out, threads);
    return out;
  }
  /// Writes the real values into an existing matrix, map or block of float. Raises shape_error.
  template <class Derived>
  void dequantize_into(const Eigen::DenseBase<Derived>& target, int threads = 0) const {
    auto& out = const_cast<Eigen::DenseBase<Derived>&>(target).derived();
    if (out.rows() != rows() || out.cols() != cols())
      detail::raise_message<shape_error>({"dequantize: expected a target of ", rows(), " x ", cols(),
                                          ", found ", out.rows(), " x ", out.cols()});
    for_each_tile(threads, [&](index_t first, const Eigen::Map<const row_matrix>& values) {
      out.middleRows(first, values.rows()) = values;
    });
  }

  friend bool operator==(const trellis_matrix& a, const trellis_matrix& b) {
    return a.held_ == b.held_ ||
           (a.storage_bytes() == b.storage_bytes() && a.steps() == b.steps() && a.levels() == b.levels());
  }
  /// Prints one line without its end: "trellis_matrix 512 x 512: 8 states, 2.25 bits per weight".
  friend std::ostream& operator<<(std::ostream& out, const trellis_matrix& q) {
    return out << "trellis_matrix " + std::to_string(q.rows()) + " x " + std::to_string(q.cols()) + ": " +
                      std::to_string(q.states()) + " states, " +
                      detail::shortest_text(static_cast<float>(q.bits_per_weight())) + " bits per weight";
  }

 private:
  struct held {
    float unit = 0;
    std::vector<std::int8_t> exponents{};
    std::vector<float> steps{};
    packing::coded_levels levels{};
    index_t storage_bytes = 0;
    int largest = 0;
    std::uint64_t number = 0;  ///< of this content, in the order of making
  };
  using tile_taker = std::function<void(index_t first, const Eigen::Map<const row_matrix>& values)>;
  BITGAUGE_DECLARE void for_each_tile(int threads, const tile_taker& take) const;
  BITGAUGE_DECLARE static std::shared_ptr<const held> finished(held parts, index_t least_bytes);

  std::shared_ptr<const held> held_ = std::make_shared<const held>();
};

/// The same matrix as codes of a byte with a scale for each column, which packed_weights and linear multiply with: they
/// scale the activations, y = K (s o x). To the bit what dequantize() gives. Raises data_error where a level is
/// beyond -127 .. 127: expand_digits() takes those. Cost: every tile is decoded once.
BITGAUGE_DECLARE quantized_matrix expand(const trellis_matrix& q, int threads = 0);

/// The same of levels of any size, as a sum: of k = l + 256 h + ... the digits l, each -128 .. 127, with the steps s,
/// then h with 256 s. One matrix, that of expand(), where levels are -127 .. 127; else two, or three from 32640 on.
///
///     Y = X's products with each of expand_digits(q), added up
BITGAUGE_DECLARE std::vector<quantized_matrix> expand_digits(const trellis_matrix& q, int threads = 0);

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/matrix/trellis/trellis_matrix_definitions.hpp>
#endif
