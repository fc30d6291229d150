#pragma once

/// \file
/// What error feedback must know of the matrix that it rounds: numbers, not formats. Integer grids, codebooks
/// and foreign block formats all look like this.

#include <bitgauge/base/config.hpp>
#include <bitgauge/numeric/uncontracted.hpp>

#include <cstdint>
#include <span>

namespace bitgauge {

/// How the codes of neighbouring columns of one row become numbers:
/// real = scale * (level(field) - zero_point) - minimum.
struct number_line {
  float scale = 0;  ///< below 0 in some foreign formats
  float zero_point = 0;
  float minimum = 0;  ///< of formats that store one, such as Q4_K; else 0

  /// Each operation rounded in binary32, as when the codes are read back.
  float real(float level) const noexcept {
    return numeric::uncontracted(scale * (level - zero_point)) - minimum;
  }
  /// `value` in units of the scale, where its nearest code is looked for.
  float units(float value) const noexcept { return scale != 0 ? (value + minimum) * (1.0f / scale) : 0; }
  friend bool operator==(const number_line&, const number_line&) = default;
};

/// A matrix (rows x cols, y = W x) on its way to codes. Error feedback reads its rows, asks for parameters
/// when it reaches a run of columns, chooses fields, and hands back what it chose.
///
/// Columns divide into *runs* of run_width() neighbours, whose parameters are chosen together, and each run
/// into *lines* of line_width() neighbours, which share one number_line; the last of each may be shorter. An
/// integer grid has one line a run; Q4_K has runs of 256 and lines of 32.
///
/// Rows are worked on in parallel: calls for different rows must not disturb each other.
class feedback_target {
 public:
  virtual ~feedback_target() = default;

  virtual index_t rows() const = 0;
  virtual index_t cols() const = 0;
  virtual index_t run_width() const = 0;
  virtual index_t line_width() const = 0;
  /// The number of each field at scale 1; fields that no code may use are absent.
  struct level {
    float value = 0;
    std::uint8_t field = 0;
  };
  /// All levels in ascending order of value.
  virtual std::span<const level> levels() const = 0;

  /// Writes rows [first, first + count), row after row, each of cols() finite values.
  virtual void read(index_t first, index_t count, float* out) const = 0;
  /// Parameters for run `i` of `row`, to suit `values`; `weights` says how much the error of each counts.
  /// Writes a line for each line of the run. May be called again for the same run: the last call counts.
  virtual void fit(index_t row, index_t i, std::span<const float> values, std::span<const float> weights,
                   number_line* lines) = 0;
  /// True where parameters are shared between rows: they are then fitted to the original matrix, and fit()
  /// only gives them back.
  virtual bool fitted_beforehand() const = 0;
  /// The index in levels() of the code nearest to `units`: a value divided by the scale of its line, the
  /// line's minimum added before.
  virtual int nearest(float units, const number_line& line) const = 0;

  /// Whether lines may be chosen freely; if so, the storable line closest to one wanted as line `l` of `row`.
  virtual bool adjustable() const = 0;
  virtual number_line storable(index_t row, index_t l, number_line wanted) const = 0;

  /// The result of a row: a field for each column, and its lines.
  virtual void store(index_t row, const std::uint8_t* fields, const number_line* lines) = 0;
};

/// A rounding that decides the codes of whole rows, because errors of some columns bear on others: GPTQ.
class feedback_rounding {
 public:
  virtual ~feedback_rounding() = default;
  /// Fits and rounds every row of `target`, on at most `threads` threads (0: all).
  virtual void round(feedback_target& target, int threads) const = 0;
};

}  // namespace bitgauge
