#pragma once

/// \file
/// What error feedback must know of the matrix that it rounds: numbers, not formats. Integer grids, codebooks
/// and foreign block formats all look like this.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/uncontracted.hpp>

#include <cstdint>
#include <span>

namespace bitgauge {

/// How the codes of a group of columns of one row become numbers:
/// real = scale * (level(field) - zero_point) - minimum.
struct affine_map {
  float scale = 0;  ///< below 0 in some foreign formats
  float zero_point = 0;
  float minimum = 0;  ///< of formats that store one, such as Q4_K; else 0

  /// Each operation rounded in binary32, as when the codes are read back.
  float real(float level) const noexcept {
    return numeric::uncontracted(scale * (level - zero_point)) - minimum;
  }
  /// `value` in units of the scale, where its nearest code is looked for.
  float units(float value) const noexcept { return scale != 0 ? (value + minimum) * (1.0f / scale) : 0; }
  friend bool operator==(const affine_map&, const affine_map&) = default;
};

/// A matrix (rows x cols, y = W x) on its way to codes. Error feedback reads its rows, asks for parameters
/// when it reaches a block of columns, chooses fields, and hands back what it chose.
///
/// Columns divide into *blocks* of block_width() neighbours, whose parameters are chosen together, and each
/// block into *groups* of group_width() neighbours, which share one affine_map; the last of each may be
/// shorter. An integer grid has one group a block; Q4_K has blocks of 256 and groups of 32.
///
/// Rows are worked on in parallel: calls for different rows must not disturb each other.
class feedback_target {
 public:
  virtual ~feedback_target() = default;

  virtual index_t rows() const = 0;
  virtual index_t cols() const = 0;
  virtual index_t block_width() const = 0;
  virtual index_t group_width() const = 0;
  /// The number of each field at scale 1; fields that no code may use are absent.
  struct level {
    float value = 0;
    std::uint8_t field = 0;
  };
  /// All levels in ascending order of value.
  virtual std::span<const level> levels() const = 0;

  /// Writes rows [first, first + count), row after row, each of cols() finite values.
  virtual void read(index_t first, index_t count, float* out) const = 0;
  /// Parameters for block `i` of `row`, to suit `values`; `weights` says how much the error of each counts.
  /// Writes a map for each group of the block. May be called again for the same block: the last call counts.
  virtual void fit(index_t row, index_t i, std::span<const float> values, std::span<const float> weights,
                   affine_map* maps) = 0;
  /// True where parameters are shared between rows: they are then fitted to the original matrix, and fit()
  /// only gives them back.
  virtual bool fitted_beforehand() const = 0;
  /// The index in levels() of the code nearest to `units`: a value divided by the scale of its group, the
  /// group's minimum added before.
  virtual int nearest(float units, const affine_map& map) const = 0;

  /// Whether maps may be chosen freely; if so, the storable map closest to one wanted for group `g` of `row`.
  virtual bool adjustable() const = 0;
  virtual affine_map storable(index_t row, index_t g, affine_map wanted) const = 0;

  /// The result of a row: a field for each column, and its maps.
  virtual void store(index_t row, const std::uint8_t* fields, const affine_map* maps) = 0;
};

/// A rounding that decides the codes of whole rows, because errors of some columns bear on others: GPTQ.
class feedback_rounding {
 public:
  virtual ~feedback_rounding() = default;
  /// Fits and rounds every row of `target`, on at most `threads` threads (0: all).
  virtual void round(feedback_target& target, int threads) const = 0;
};

}  // namespace bitgauge
