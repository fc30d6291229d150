#pragma once

/// \file
/// Integers without end in as few bytes as their distributions allow: interleaved rANS in tiles of rows.

#include <bitgauge/base/buffer.hpp>
#include <bitgauge/base/config.hpp>
#include <bitgauge/grid/trellis/trellis_code.hpp>
#include <bitgauge/packing/entropy/level_model.hpp>

#include <Eigen/Core>

#include <cstdint>
#include <span>
#include <vector>

namespace bitgauge::packing {

/// What is known of coded levels beside their bytes.
struct coded_shape {
  index_t rows = 0, cols = 0;
  int states = 1;           ///< of the trellis_code that the levels of a column walk through
  index_t tile_rows = 256;  ///< rows that are decoded together; the trellis starts again with each tile

  index_t tiles() const noexcept { return rows / tile_rows + (rows % tile_rows != 0 ? 1 : 0); }
  friend bool operator==(const coded_shape&, const coded_shape&) = default;
};

/// Of which distribution the levels of row i and column j are: columns[j] + rows[i].
struct level_classes {
  std::vector<std::int8_t> columns{}, rows{};
};

using level_matrix = Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A matrix of integers k, entropy-coded (asymmetric numeral systems: Duda, arXiv 1311.2540; interleaved: Giesen,
/// arXiv 1402.3392). The bytes, all numbers with the low byte first:
///
///     classes n: 1 byte, then n distributions: level_model::write()
///     bits b of a column's class: 1 byte, then those classes, packed densely; n is an empty column
///     bits b of a row's class: 1 byte, then those classes, packed densely; that of (i, j) is the sum
///     bytes of each tile: 4 bytes a tile
///     tiles: 16 numbers of 4 bytes that decoding begins with, words of 2 bytes, and from the end backwards what
///            escapes are short of: for each 7 bits a byte, the lowest first, with bit 7 where more follow
///
/// In a tile columns stand in the order of their classes, the empty ones left out, in groups of 16. Group after group,
/// row after row, column after column is decoded by lane (place of the column) mod 16, and a lane goes on from
/// group to group. At the end each number is 2^16 again, and the words meet the escapes. A lane with the number x finds
/// the symbol in whose share of 2^12 slots x mod 2^12 lies, and becomes frequency * (x / 2^12) + x mod 2^12 - first slot;
/// below 2^16 it takes in the next word: x * 2^16 + word.
class coded_levels {
 public:
  coded_levels() = default;
  /// Takes over bytes that may come from anywhere. Raises data_error, which names the part, where what stands before the
  /// tiles is not as above; the tiles are checked as they are decoded. Cost: the bytes before the tiles.
  BITGAUGE_DECLARE coded_levels(const coded_shape& shape, buffer<std::uint8_t> bytes);

  const coded_shape& shape() const noexcept { return shape_; }
  index_t rows() const noexcept { return shape_.rows; }
  index_t cols() const noexcept { return shape_.cols; }
  const buffer<std::uint8_t>& bytes() const noexcept { return bytes_; }
  /// Of these, those before the tiles.
  index_t side_bytes() const noexcept { return side_bytes_; }

  friend bool operator==(const coded_levels& a, const coded_levels& b) {
    return a.shape_ == b.shape_ && a.bytes_ == b.bytes_;
  }

 private:
  friend class level_decoder;

  coded_shape shape_;
  buffer<std::uint8_t> bytes_;
  index_t side_bytes_ = 0;
  std::vector<level_model> models_;
  std::vector<std::uint8_t> row_classes_;
  std::vector<std::int32_t> order_;          ///< columns by class, without the empty ones
  std::vector<std::uint8_t> order_classes_;  ///< the class of each of these
  std::vector<index_t> tile_offsets_;        ///< one more than tiles
};

/// Encodes `levels`: `shape` says states and tile_rows alone, and each column must be a walk through the trellis.
/// The distributions are fitted, whatever the classes mean; without classes a column's is found from its levels.
/// The same bytes on every platform. Raises shape_error where sizes do not agree, data_error for levels beyond +-32767
/// and such as the trellis does not allow. Cost: some 20 operations a level.
BITGAUGE_DECLARE coded_levels encode_levels(const Eigen::Ref<const level_matrix>& levels,
                                            const coded_shape& shape, const level_classes& classes = {});

/// Decodes tiles, in any order. One for each thread; it refers to the levels, which must stay.
class level_decoder {
 public:
  /// Cost: 4 to 8 KiB of tables written for each distribution in use.
  BITGAUGE_DECLARE explicit level_decoder(const coded_levels& levels);

  /// The levels of a tile, row after row of cols() numbers. Raises data_error for damaged bytes, which are never read
  /// beyond their end; what is found not to be damaged can be other levels, but none beyond +-32767.
  BITGAUGE_DECLARE void decode_tile(index_t tile, std::int16_t* out);

 private:
  BITGAUGE_DECLARE void read_escapes(index_t tile, index_t column, int present, const std::uint8_t* words,
                                     const std::uint8_t*& end);

  const coded_levels* levels_;
  trellis_code code_;
  std::vector<std::uint32_t> tables_;
  std::vector<std::uint32_t> row_tables_;
  std::vector<std::int16_t> group_;
};

}  // namespace bitgauge::packing

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/packing/entropy/coded_levels_definitions.hpp>
#include <bitgauge/packing/entropy/encode_levels_definitions.hpp>
#endif
