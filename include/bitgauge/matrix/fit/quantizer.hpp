#pragma once

/// \file
/// The pipeline: rows of floats -> range -> parameters -> codes -> packed. Groups within a row are fitted and
/// encoded while the row is in cache; groups that span rows are fitted first.

#include <bitgauge/base/buffer.hpp>
#include <bitgauge/base/scratch_pool.hpp>
#include <bitgauge/grid/grid.hpp>
#include <bitgauge/matrix/answers/recipe.hpp>
#include <bitgauge/matrix/codes/matrix_parameters.hpp>
#include <bitgauge/matrix/fit/encode_columns.hpp>
#include <bitgauge/matrix/fit/group_fitter.hpp>
#include <bitgauge/matrix/layout.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge::detail {

class quantizer {
 public:
  quantizer(const row_source& source, const recipe& answers, bool is_column_vector)
      : source_(source),
        answers_(answers),
        is_column_vector_(is_column_vector),
        fitter_(source, answers, is_column_vector),
        groups_(fitter_.groups()),
        row_bytes_(packing::dense_bytes(groups_.cols(), answers.grid->bits())) {
    if (answers.rounding) levels_ = answers.rounding->levels_of(*answers.grid);
  }

  quantized_matrix run() {
    if (groups_.count() > 0) fitter_.start();
    encode_rows(0, groups_.rows());
    std::vector<std::uint8_t> zero_points = fitter_.found().packed_zero_points();
    if (answers_.grid
            ->fits_rows())  // whose levels may, below a range of the user's, be beyond the scale's reach
      return {groups_,
              encoding(),
              std::move(codes_),
              fitter_.found().take_scales(),
              std::move(zero_points),
              is_column_vector_};
    return {groups_,
            encoding_of(*answers_.grid),
            std::move(codes_),
            fitter_.found().take_scales(),
            std::move(zero_points),
            is_column_vector_,
            own_codes()};
  }

  /// The same, the codes handed out in parts of about `height` rows: see quantize_in_parts().
  matrix_parameters run_in_parts(
      index_t height, const std::function<void(index_t first, const quantized_matrix& part)>& take) {
    if (groups_.count() == 0) {
      encode_rows(0, groups_.rows());
      return {fitter_.found().take_scales(), {}, std::move(row_levels_), answers_.grid->row_levels()};
    }
    fitter_.start();
    std::vector<float> row_levels;
    const index_t panel = source_.panel_height(), step = (height + panel - 1) / panel * panel;
    for (index_t first = 0; first < groups_.rows(); first += step) {
      const index_t count = std::min(step, groups_.rows() - first);
      encode_rows(first, count);
      row_levels.insert(row_levels.end(), row_levels_.begin(), row_levels_.end());
      take(first, part(first, count));
    }
    std::vector<std::uint8_t> zero_points = fitter_.found().packed_zero_points();
    return {fitter_.found().take_scales(), std::move(zero_points), std::move(row_levels),
            answers_.grid->row_levels()};
  }

 private:
  struct scratch : row_scratch {
    std::vector<std::uint8_t> fields;
    aligned_buffer<std::uint8_t> fields_of_rows;
    std::vector<float> values, weights;  // of a row that gets levels of its own
  };

  /// Of the rows in codes_.
  code_encoding encoding() {
    code_encoding m = encoding_of(*answers_.grid);
    if (m.levels_by_row) m.levels = std::move(row_levels_);
    return m;
  }

  /// Fills codes_ with those of the rows first .. first + count - 1.
  void encode_rows(index_t first, index_t count) {
    first_ = first;
    codes_ = buffer<std::uint8_t>(static_cast<std::size_t>(count * row_bytes_));
    if (answers_.grid->fits_rows())
      row_levels_.assign(static_cast<std::size_t>(count << answers_.grid->bits()), 0);
    if (groups_.cols() == 0) return;
    if (!goes_by_columns())
      return fitter_.for_each_panel(first, first + count,
                                    [&](index_t at, index_t n) { encode_panel(at, n); });
    const index_t again = groups_.within_rows() ? runs_together() * groups_.run() : columns_encoded_together;
    fitter_.for_each_column_panel(first, first + count, again, [&](index_t at, index_t n) {
      if (!encode_by_columns(at, n)) encode_panel(at, n);
    });
  }

  /// The rows in codes_ as a matrix of their own, with the values of their scales.
  quantized_matrix part(index_t first, index_t count) {
    const grouping groups(groups_.granularity(), count, groups_.cols());
    const index_t group = groups_.within_rows() ? groups_.group_of_run(first, 0) : 0;
    std::vector<float> values(static_cast<std::size_t>(groups.count()));
    fitter_.found().scales().read_into(group, groups.count(), values.data());
    scale_array scales(f32_scales, groups.count());
    for (index_t i = 0; i < groups.count(); ++i) scales.set(i, values[static_cast<std::size_t>(i)]);
    return {groups,
            encoding(),
            std::move(codes_),
            std::move(scales),
            fitter_.found().packed_zero_points(group, groups.count()),
            is_column_vector_};
  }

  void encode_panel(index_t first, index_t count) {
    const auto borrowed = scratches_.borrow();
    scratch& s = *borrowed;
    s.fields.resize(static_cast<std::size_t>(groups_.cols()));
    fitter_.ready(s);
    const auto panel = source_.read(first, count, s.panel);
    for (index_t r = 0; r < count; ++r) {
      const finite_row x = fitter_.is_finite()
                               ? finite_row{panel.row(r), panel.row(r), 0}
                               : fitter_.finite(panel.row(r), groups_.cols(), groups_.run(), first + r, 0, s);
      if (groups_.within_rows()) fitter_.fit_row(first + r, x.for_range, s);
      if (answers_.grid->fits_rows()) {
        encode_by_own_levels(x, first + r, s);
      } else {
        encode_row(x.for_codes, first + r, s);
      }
    }
    simd::finish_stores();
  }

  /// True where both extents and codes of a matrix that lies by columns are found down these.
  bool goes_by_columns() const noexcept {
    const integer_grid* const integer = answers_.grid->integer();
    return fitter_.goes_by_columns() && (groups_.within_rows() || fitter_.is_finite()) &&
           integer != nullptr && !integer->is_sign_only() && !answers_.rounding;
  }
  /// Runs of a row that are fitted together: no more than stay in a cache until they are encoded, from codes that fill
  /// bytes on to such codes.
  index_t runs_together() const noexcept {
    const index_t whole = std::gcd(groups_.run(), index_t{8}), least = 8 / whole;
    return std::min(std::max(columns_encoded_together / groups_.run() / least * least, least),
                    groups_.runs_per_row());
  }

  /// Encodes some rows of a matrix of which goes_by_columns() is true, which are left as they are. False where values
  /// are not finite.
  bool encode_by_columns(index_t first, index_t count) {
    const auto borrowed = scratches_.borrow();
    scratch& s = *borrowed;
    const index_t run = groups_.run(), runs = groups_.runs_per_row();
    const bool fits = groups_.within_rows();
    const index_t together = fits ? runs_together() : runs;
    std::uint8_t* const codes = codes_.data() + (first - first_) * row_bytes_;
    if (!fits) fitter_.ready(s);
    for (index_t i = 0; i < runs; i += together) {
      const index_t n = std::min(together, runs - i), column = i * run;
      const index_t width = std::min(n * run, groups_.cols() - column);
      if (fits && !fitter_.fit_columns_of_rows(source_.columns(first, count, column, width), first, i, n, s))
        return false;
      encode_columns(source_.columns(first, count, column, width), run, *answers_.grid->integer(), s,
                     fits ? n : 0, {codes, row_bytes_, column, answers_.grid->bits(), past_caches()},
                     s.fields_of_rows);
    }
    simd::finish_stores();
    return true;
  }

  /// True where the codes are more than a cache keeps until they are read.
  bool past_caches() const noexcept { return codes_.size() >= std::size_t{4} << 20; }

  void encode_row(const float* x, index_t row, scratch& s) {
    const index_t cols = groups_.cols(), run = groups_.run();
    std::uint8_t* out = codes_.data() + (row - first_) * row_bytes_;
    const integer_grid* integer = answers_.grid->integer();
    const int bits = answers_.grid->bits();
    std::uint8_t* fields = bits == 8 ? out : s.fields.data();
    if (!answers_.rounding && integer != nullptr && !integer->is_sign_only()) {
      simd::row_kernels().encode(
          x, cols, run, s.inverse.data(), s.zero_point.data(), integer->lowest, integer->highest, fields,
          {.next = source_.in_place(row + 1), .past_caches = bits == 8 && past_caches()});
    } else {
      for (index_t begin = 0, i = 0; begin < cols; begin += run, ++i) {
        const auto at = static_cast<std::size_t>(i);
        const parameters p{s.scale[at], s.zero_point[at]};
        const index_t count = std::min(run, cols - begin);
        if (answers_.rounding) {
          answers_.rounding->encode(x + begin, count, p, *levels_, row, begin, fields + begin);
        } else {
          answers_.grid->encode(x + begin, count, p, fields + begin);
        }
      }
    }
    if (bits != 8) simd::pack(fields, cols, bits, out);
  }

  /// Fits the levels of a row, and encodes it by these.
  void encode_by_own_levels(const finite_row& x, index_t row, scratch& s) {
    const index_t cols = groups_.cols(), run = groups_.run();
    const int bits = answers_.grid->bits();
    const std::span<float> levels =
        std::span(row_levels_)
            .subspan(static_cast<std::size_t>((row - first_) << bits), std::size_t{1} << bits);
    scale_row(x.for_range, row, s);
    answers_.grid->fit_row(s.values, s.weights, levels);
    const std::unique_ptr<const any_grid> own = answers_.grid->grid_of_row(levels);
    const std::shared_ptr<const sorted_levels> sorted =
        answers_.rounding ? answers_.rounding->levels_of(*own) : nullptr;
    for (index_t begin = 0, i = 0; begin < cols; begin += run, ++i) {
      const parameters p{s.scale[static_cast<std::size_t>(i)], 0};
      const index_t count = std::min(run, cols - begin);
      std::uint8_t* const fields = s.fields.data() + begin;
      if (answers_.rounding) {
        answers_.rounding->encode(x.for_codes + begin, count, p, *sorted, row, begin, fields);
      } else {
        own->encode(x.for_codes + begin, count, p, fields);
      }
    }
    packing::pack_dense(s.fields.data(), cols, bits, codes_.data() + (row - first_) * row_bytes_);
  }

  /// The values of a row over their scales, and what the error of each counts: its importance times the square of
  /// its scale over the largest; no weights where all count alike.
  void scale_row(const float* x, index_t row, scratch& s) const {
    const index_t cols = groups_.cols(), run = groups_.run();
    const std::span<const float> importance = answers_.column_weights.of_row(row, groups_.rows());
    const float largest = *std::max_element(s.scale.begin(), s.scale.end());
    const bool weighs = !importance.empty() || s.scale.size() > 1;
    s.values.resize(static_cast<std::size_t>(cols));
    s.weights.resize(weighs ? static_cast<std::size_t>(cols) : 0);
    for (index_t c = 0; c < cols; ++c) {
      const auto at = static_cast<std::size_t>(c), of_run = static_cast<std::size_t>(c / run);
      // what a scale far too small, which only a second level of scales has, makes of a value fits f16 too
      s.values[at] = std::clamp(x[c] * s.inverse[of_run], -65504.0f, 65504.0f);
      if (!weighs) continue;
      const double share =
          largest > 0 ? static_cast<double>(s.scale[of_run]) / static_cast<double>(largest) : 1.0;
      s.weights[at] = static_cast<float>(share * share *
                                         (importance.empty() ? 1.0 : static_cast<double>(importance[at])));
    }
  }

  const row_source& source_;
  const recipe& answers_;
  bool is_column_vector_;
  group_fitter fitter_;
  const grouping& groups_;
  index_t row_bytes_;
  std::shared_ptr<const sorted_levels> levels_;
  index_t first_ = 0;  ///< the row that codes_ begins with
  buffer<std::uint8_t> codes_;
  std::vector<float> row_levels_;  ///< of the rows in codes_, where each has its own
  scratch_pool<scratch> scratches_;
};

}  // namespace bitgauge::detail
