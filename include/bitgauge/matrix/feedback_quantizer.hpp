#pragma once

/// \file
/// Where error feedback meets the other answers: a matrix with any grid, granularity, range and storage as
/// feedback_rounding sees it.

#include <bitgauge/matrix/layout.hpp>
#include <bitgauge/matrix/quantizer.hpp>
#include <bitgauge/matrix/recipe.hpp>
#include <bitgauge/rounding/feedback/target.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

namespace bitgauge::detail {

/// Quantizes a source by a recipe whose rounding is error feedback. Groups that span rows, and the second
/// level of scales that are quantized themselves, are those of the same recipe rounded to nearest. NaN and
/// infinity are always rejected: there is no error to feed back.
class feedback_quantizer final : public feedback_target {
 public:
  feedback_quantizer(const row_source& source, const recipe& how, bool is_column_vector)
      : source_(source),
        how_(how),
        is_column_vector_(is_column_vector),
        groups_(how.groups, source.rows(), source.cols()),
        monitor_(how.how, source.rows() * source.cols()),
        integer_(how.grid->integer()),
        scales_(how.scales, groups_.count()),
        zero_points_(how.grid->has_zero_point() ? static_cast<std::size_t>(groups_.count()) : 0) {
    check_importance(how.column_weights, groups_.rows(), groups_.cols());
    list_levels();
  }

  quantized_matrix run() {
    row_bytes_ = packing::dense_bytes(groups_.cols(), how_.grid->bits());
    codes_ = buffer<std::uint8_t>(static_cast<std::size_t>(groups_.rows() * row_bytes_));
    if (groups_.count() > 0) {
      if (fitted_beforehand() || is_nested(scales_.type())) fit_beforehand();
      how_.feedback->round(*this, how_.how.threads);
    }
    return {groups_,
            encoding_of(*how_.grid),
            std::move(codes_),
            std::move(scales_),
            packed_zero_points(),
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
  bool adjustable() const override { return groups_.within_rows(); }

  void read(index_t first, index_t count, float* out) const override {
    monitor_.check();
    std::vector<float> scratch;
    finite_scratch s;
    const auto panel = source_.read(first, count, scratch);
    for (index_t r = 0; r < count; ++r) {
      sanitize_row(panel.row(r), cols(), cols(), {first + r, 0, is_column_vector_}, nonfinite::reject, s);
      std::copy_n(panel.row(r), cols(), out + r * cols());
    }
  }

  void fit(index_t row, index_t i, std::span<const float> values, std::span<const float> weights,
           affine_map* maps) override {
    const index_t group = groups_.group_of_run(row, i);
    monitor_.check();
    if (fitted_beforehand()) {
      *maps = map_of({scales_[group], zero_point(group)});
      return;
    }
    const std::span<const float> own = how_.column_weights.of_row(row, groups_.rows());
    if (!own.empty()) weights = own.subspan(static_cast<std::size_t>(i * groups_.run()), values.size());
    *maps =
        map_of(how_.range->fit({values, weights, group}, *how_.grid, scale_array::rounding(scales_, group)));
  }

  int nearest(float units, const affine_map& map) const override {
    return level_of_field_[static_cast<std::size_t>(
        how_.grid->nearest(units, static_cast<int>(map.zero_point)))];
  }

  affine_map storable(index_t row, index_t i, affine_map wanted) const override {
    const scale_array::rounding rounding(scales_, groups_.group_of_run(row, i));
    const auto [below, above] = rounding.around(static_cast<double>(wanted.scale));
    wanted.scale = wanted.scale - below <= above - wanted.scale ? below : above;
    const auto constant = static_cast<float>(how_.grid->constant_zero_point());
    wanted.zero_point = zero_points_.empty()
                            ? constant
                            : std::clamp(wanted.zero_point, static_cast<float>(integer_->lowest),
                                         static_cast<float>(integer_->highest));
    return wanted;
  }

  void store(index_t row, const std::uint8_t* fields, const affine_map* maps) override {
    monitor_.advance(cols());
    std::uint8_t* out = codes_.data() + row * row_bytes_;
    if (how_.grid->bits() == 8) {
      std::copy_n(fields, cols(), out);
    } else {
      simd::row_kernels().pack(fields, cols(), how_.grid->bits(), out);
    }
    if (fitted_beforehand()) return;
    for (index_t i = 0; i < groups_.runs_per_row(); ++i) {
      const index_t group = groups_.group_of_run(row, i);
      scales_.set(group, maps[i].scale);
      if (!zero_points_.empty())
        zero_points_[static_cast<std::size_t>(group)] =
            static_cast<std::uint8_t>(static_cast<int>(maps[i].zero_point));
    }
  }

 private:
  static affine_map map_of(parameters p) { return {p.scale, static_cast<float>(p.zero_point)}; }

  int zero_point(index_t group) const {
    if (zero_points_.empty()) return how_.grid->constant_zero_point();
    const std::uint8_t byte = zero_points_[static_cast<std::size_t>(group)];
    return integer_->is_signed() ? static_cast<std::int8_t>(byte) : byte;
  }

  void list_levels() {
    for (int f = 0; f < 1 << how_.grid->bits(); ++f) {
      const float value = how_.grid->level(f);
      // an FP8 grid has codes of NaN and infinity, which nothing is rounded to
      const bool used = integer_ == nullptr ? numeric::is_finite(value)
                                            : value >= static_cast<float>(integer_->lowest) &&
                                                  value <= static_cast<float>(integer_->highest);
      if (used) levels_.push_back({value, static_cast<std::uint8_t>(f)});
    }
    std::stable_sort(levels_.begin(), levels_.end(),
                     [](const level& a, const level& b) { return a.value < b.value; });
    for (std::size_t i = 0; i < levels_.size(); ++i)
      level_of_field_[levels_[i].field] = static_cast<std::uint8_t>(i);
  }

  void fit_beforehand() {
    recipe how = how_;
    how.how.progress = nullptr;  // its work is not counted
    const quantized_matrix nearest = quantizer(source_, how, is_column_vector_).run();
    scales_ = nearest.scales();
    for (std::size_t g = 0; g < zero_points_.size(); ++g)
      zero_points_[g] = static_cast<std::uint8_t>(nearest.zero_point(static_cast<index_t>(g)));
  }

  std::vector<std::uint8_t> packed_zero_points() const {
    return packing::packed_dense(zero_points_.data(), static_cast<index_t>(zero_points_.size()),
                                 how_.grid->bits());
  }

  const row_source& source_;
  const recipe& how_;
  bool is_column_vector_;
  grouping groups_;
  work_monitor monitor_;
  const integer_grid* integer_;
  std::vector<level> levels_;
  std::array<std::uint8_t, 256> level_of_field_{};
  index_t row_bytes_ = 0;
  buffer<std::uint8_t> codes_;
  scale_array scales_;
  std::vector<std::uint8_t> zero_points_;  ///< one byte each while rows are written from several threads
};

}  // namespace bitgauge::detail
