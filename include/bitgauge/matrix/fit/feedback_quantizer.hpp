#pragma once

/// \file
/// Where error feedback meets the other answers: a matrix with any grid, granularity, range and storage as
/// feedback_rounding sees it.

#include <bitgauge/grid/levels_in_use.hpp>
#include <bitgauge/matrix/answers/recipe.hpp>
#include <bitgauge/matrix/fit/finite_rows.hpp>
#include <bitgauge/matrix/fit/group_parameters.hpp>
#include <bitgauge/matrix/fit/quantizer.hpp>
#include <bitgauge/matrix/layout.hpp>
#include <bitgauge/rounding/feedback/target.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

namespace bitgauge::detail {

/// Quantizes a source by a recipe whose rounding is error feedback. Groups that span rows, and the second
/// level of scales that are quantized themselves, are those of the same recipe rounded to nearest. NaN and
/// infinity are always rejected: there is no error to feed back. A template, so that only who calls it compiles it.
template <int>
class feedback_quantizer final : public feedback_target {
 public:
  feedback_quantizer(const row_source& source, const recipe& answers, bool is_column_vector)
      : source_(source),
        answers_(answers),
        is_column_vector_(is_column_vector),
        groups_(answers.groups, source.rows(), source.cols()),
        monitor_(answers.options, source.rows() * source.cols()),
        integer_(answers.grid->integer()),
        parameters_(answers.scales, *answers.grid, groups_.count()) {
    check_importance(answers.column_weights, groups_.rows(), groups_.cols());
    if (answers.grid->fits_rows())
      raise_message<invalid_scheme>(
          {"error feedback: expected levels that all rows share, found a table for each row (lookup): round "
           "to nearest"});
    list_levels();
  }

  quantized_matrix run() {
    row_bytes_ = packing::dense_bytes(groups_.cols(), answers_.grid->bits());
    codes_ = buffer<std::uint8_t>(static_cast<std::size_t>(groups_.rows() * row_bytes_));
    if (groups_.count() > 0) {
      if (fitted_beforehand() || is_nested(parameters_.scales().type())) fit_beforehand();
      answers_.feedback->round(*this, answers_.options.threads);
    }
    std::vector<std::uint8_t> zero_points = parameters_.packed_zero_points();
    return {groups_,
            encoding_of(*answers_.grid),
            std::move(codes_),
            parameters_.take_scales(),
            std::move(zero_points),
            is_column_vector_,
            own_codes()};
  }

  // --- feedback_target ---

  index_t rows() const override { return groups_.rows(); }
  index_t cols() const override { return groups_.cols(); }
  index_t block_width() const override { return groups_.run(); }
  index_t group_width() const override { return groups_.run(); }
  std::span<const level> levels() const override { return levels_; }
  bool fitted_beforehand() const override { return !groups_.within_rows(); }
  /// Not scales with a sign: those beside a stored one are not looked for across zero.
  bool adjustable() const override { return groups_.within_rows() && !answers_.grid->has_signed_scales(); }

  void read(index_t first, index_t count, float* out) const override {
    monitor_.check();
    read_finite_rows(source_, first, count, is_column_vector_, out);
  }

  void fit(index_t row, index_t i, std::span<const float> values, std::span<const float> weights,
           affine_map* maps) override {
    const index_t group = groups_.group_of_run(row, i);
    monitor_.check();
    if (fitted_beforehand()) {
      *maps = map_of(parameters_.stored(group));
      return;
    }
    const std::span<const float> own = answers_.column_weights.of_row(row, groups_.rows());
    if (!own.empty()) weights = own.subspan(static_cast<std::size_t>(i * groups_.run()), values.size());
    *maps =
        map_of(answers_.range->fit({values, weights, group}, *answers_.grid, parameters_.rounding_of(group)));
  }

  int nearest(float units, const affine_map& map) const override {
    return level_of_field_[static_cast<std::size_t>(
        answers_.grid->nearest(units, static_cast<int>(map.zero_point)))];
  }

  affine_map storable(index_t row, index_t i, affine_map wanted) const override {
    const scale_array::rounding rounding = parameters_.rounding_of(groups_.group_of_run(row, i));
    const auto [below, above] = rounding.around(static_cast<double>(wanted.scale));
    wanted.scale = wanted.scale - below <= above - wanted.scale ? below : above;
    const auto constant = static_cast<float>(answers_.grid->constant_zero_point());
    wanted.zero_point = !answers_.grid->has_zero_point()
                            ? constant
                            : std::clamp(wanted.zero_point, static_cast<float>(integer_->lowest),
                                         static_cast<float>(integer_->highest));
    return wanted;
  }

  void store(index_t row, const std::uint8_t* fields, const affine_map* maps) override {
    monitor_.advance(cols());
    std::uint8_t* out = codes_.data() + row * row_bytes_;
    if (answers_.grid->bits() == 8) {
      std::copy_n(fields, cols(), out);
    } else {
      simd::pack(fields, cols(), answers_.grid->bits(), out);
    }
    if (fitted_beforehand()) return;
    for (index_t i = 0; i < groups_.runs_per_row(); ++i) {
      const index_t group = groups_.group_of_run(row, i);
      parameters_.store(group, {maps[i].scale, static_cast<std::int32_t>(maps[i].zero_point)});
    }
  }

 private:
  static affine_map map_of(parameters p) { return {p.scale, static_cast<float>(p.zero_point)}; }

  void list_levels() {
    levels_ = levels_in_use<level>(*answers_.grid);
    for (std::size_t i = 0; i < levels_.size(); ++i)
      level_of_field_[levels_[i].field] = static_cast<std::uint8_t>(i);
  }

  void fit_beforehand() {
    recipe answers = answers_;
    answers.options.progress = nullptr;  // its work is not counted
    const quantized_matrix nearest = quantizer(source_, answers, is_column_vector_).run();
    parameters_.assign(nearest.scales());
    for (index_t g = 0; g < groups_.count(); ++g) parameters_.set_zero_point(g, nearest.zero_point(g));
  }

  const row_source& source_;
  const recipe& answers_;
  bool is_column_vector_;
  grouping groups_;
  work_monitor monitor_;
  const integer_grid* integer_;
  std::vector<level> levels_;
  std::array<std::uint8_t, 256> level_of_field_{};
  index_t row_bytes_ = 0;
  buffer<std::uint8_t> codes_;
  group_parameters parameters_;
};

}  // namespace bitgauge::detail
