#pragma once

/// \file
/// A pruned matrix whose other weights are quantized: a mask, and codes of what stays.

#include <bitgauge/base/buffer.hpp>
#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_sink.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/rounding/pruning_mask.hpp>
#include <bitgauge/rounding/sparse_gpt.hpp>

#include <Eigen/Core>

#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge {

/// W (out x in): 0 where the mask says so, elsewhere what a quantized_matrix of the same answers holds. It is decoded row
/// by row, so that it can be measured, multiplied (q * x) and trained beside (qlora) as a quantized_matrix can.
///
///     const pruned_matrix q = prune_and_quantize(W, sparse_gpt{H, n_of_m{2, 4}}, affine<4>{}, per_group{128});
///     q.bits_per_weight();      // 2 of codes, 0.75 of the mask, and the groups' share: 3.03
///
/// Layout: the mask; the codes of the weights that stay, row after row from a byte boundary on, packed densely
/// (packing/dense.hpp), so that the mask says where a row begins; scales, zero points and levels of the quantized matrix.
class pruned_matrix {
 public:
  pruned_matrix() = default;
  /// Takes the codes of the weights that stay. Throws shape_error where the shapes differ, and for a column vector.
  BITGAUGE_DECLARE static pruned_matrix of(quantized_matrix all, pruning_mask mask);

  index_t rows() const noexcept { return mask_.rows(); }
  index_t cols() const noexcept { return mask_.cols(); }
  index_t size() const noexcept { return mask_.size(); }
  const pruning_mask& mask() const noexcept { return mask_; }
  const grouping& groups() const noexcept { return parameters_.groups(); }
  const code_encoding& encoding() const noexcept { return parameters_.encoding(); }
  int bits() const noexcept { return parameters_.bits(); }
  const scale_array& scales() const noexcept { return parameters_.scales(); }
  const std::vector<std::uint8_t>& zero_points() const noexcept { return parameters_.zero_points(); }

  /// Of the weights that stay, packed; and those of a row. Throws shape_error where there is no such row.
  std::span<const std::uint8_t> codes() const noexcept { return codes_; }
  std::span<const std::uint8_t> codes_of_row(index_t row) const {
    check_row("codes_of_row", row);
    const auto i = static_cast<std::size_t>(row);
    return codes().subspan(static_cast<std::size_t>(begins_[i]),
                           static_cast<std::size_t>(begins_[i + 1] - begins_[i]));
  }

  /// Bytes of the mask, of the codes of weights that stay, of scales, zero points and levels.
  index_t storage_bytes() const noexcept {
    return mask_.storage_bytes() + static_cast<index_t>(codes_.size()) + parameters_.storage_bytes();
  }
  /// Stored bits over all weights, pruned ones too; a codebook that is one for all is left out. 0 of no weights.
  double bits_per_weight() const noexcept {
    return size() == 0 ? 0
                       : mask_.bits_per_weight() + parameters_.bits_per_weight() +
                             8 * static_cast<double>(codes_.size()) / static_cast<double>(size());
  }

  /// Writes row `row` as cols() floats. Throws shape_error where there is no such row.
  void dequantize_row(index_t row, float* out) const {
    check_row("dequantize_row", row);
    scratch s;
    dequantize_row(row, out, s);
  }
  /// The matrix of real values: MatrixXf, or any plain float type named. `threads` as in options.
  template <class Plain = Eigen::MatrixXf>
  Plain dequantize(int threads = 0) const {
    Plain out(rows(), cols());
    dequantize_into(out, threads);
    return out;
  }
  /// Writes the real values into an existing matrix, map or block of float. Throws shape_error for another shape.
  template <class Derived>
  void dequantize_into(const Eigen::DenseBase<Derived>& target, int threads = 0) const {
    detail::fill_rows(target, rows(), cols(), false, threads, [this] {
      return [this, s = scratch{}](index_t row, float* out) mutable { dequantize_row(row, out, s); };
    });
  }

  friend bool operator==(const pruned_matrix& a, const pruned_matrix& b) {
    return a.mask_ == b.mask_ && a.codes_ == b.codes_ && a.encoding() == b.encoding() &&
           a.groups().granularity() == b.groups().granularity() &&
           a.scales().storage() == b.scales().storage() && a.scales().bytes() == b.scales().bytes() &&
           a.zero_points() == b.zero_points();
  }

 private:
  struct scratch {
    std::vector<std::uint8_t> flags, kept;
    quantized_matrix::row_scratch row;
  };
  void check_row(const char* what, index_t row) const {
    if (row < 0 || row >= rows())
      detail::raise_message<shape_error>({what, "(", row, ") of ", rows(), " rows"});
  }
  BITGAUGE_DECLARE void dequantize_row(index_t row, float* out, scratch& s) const;

  pruning_mask mask_;
  quantized_matrix parameters_;  ///< without codes
  std::vector<std::uint8_t> codes_;
  std::vector<index_t> begins_{0};  ///< of each row's codes, and the end of the last: the mask says them too
};

/// Weights that are pruned and not quantized.
struct pruned_weights {
  Eigen::MatrixXf weights;  ///< 0 where they are pruned
  pruning_mask mask;
};

/// Prunes by SparseGPT and leaves the rest in floats, changed to make up for it.
///
///     const auto [weights, mask] = prune(W, sparse_gpt{H, unstructured{0.5}});
///
/// Throws data_error for NaN and infinity, and what sparse_gpt::prune() throws.
template <class Derived>
pruned_weights prune(const Eigen::DenseBase<Derived>& weights, const sparse_gpt& how, int threads = 0) {
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows =
      weights.derived().matrix().template cast<float>();
  pruning_mask mask;
  how.storing(mask).prune({rows.data(), static_cast<std::size_t>(rows.size())}, rows.rows(), rows.cols(),
                          threads);
  if (how.options().mask != nullptr) *how.options().mask = mask;
  return {rows, std::move(mask)};
}

/// Prunes by SparseGPT and quantizes what stays, together: by the answers of quantize(W, answers...), none of them a
/// rounding, or by a scheme whose rounding is to nearest. Throws what these throw.
template <class Derived, class... Answers>
pruned_matrix prune_and_quantize(const Eigen::DenseBase<Derived>& weights, const sparse_gpt& how,
                                 const Answers&... answers) {
  pruning_mask mask;
  quantized_matrix q = quantize(weights, how.storing(mask), answers...);
  if (how.options().mask != nullptr) *how.options().mask = mask;
  return pruned_matrix::of(std::move(q), std::move(mask));
}
template <class Derived, class... Extras>
pruned_matrix prune_and_quantize(const Eigen::DenseBase<Derived>& weights, const sparse_gpt& how,
                                 const scheme& s, const Extras&... extras) {
  if (s.rounding != rounding_kind::nearest)
    raise(invalid_scheme("prune_and_quantize: scheme \"" + to_text(s) +
                         "\": expected rounding=nearest, which sparse_gpt takes the place of"));
  pruning_mask mask;
  detail::recipe answers = detail::recipe_with(s, nullptr, extras...);
  answers.set_feedback(std::make_shared<sparse_gpt>(how.storing(mask)));
  quantized_matrix q = detail::quantize_by(weights, std::move(answers));
  if (how.options().mask != nullptr) *how.options().mask = mask;
  return pruned_matrix::of(std::move(q), std::move(mask));
}
/// Prunes what the mask says and quantizes the rest by the answers of quantize(W, answers...), or by a scheme: pruned
/// weights are 0 when ranges are chosen. The rest makes up for nothing, so that no answer is an error feedback: that would
/// put errors into weights that are pruned. sparse_gpt{H, mask} feeds back with a mask that is given.
///
///     auto q = prune_and_quantize(W, wanda_mask(W, H, n_of_m{2, 4}), affine<4>{}, per_group{128});
///     auto p = prune_and_quantize(W, sparse_gpt{H, q.mask()}, affine<4>{}, per_group{128});
template <class Derived, class... Answers>
pruned_matrix prune_and_quantize(const Eigen::DenseBase<Derived>& weights, const pruning_mask& mask,
                                 const Answers&... answers) {
  static_assert(!(std::derived_from<Answers, feedback_rounding> || ...),
                "bitgauge: error feedback would put errors into weights that are pruned: write "
                "prune_and_quantize(W, sparse_gpt{H, mask}, ...)");
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows =
      weights.derived().matrix().template cast<float>();
  mask.apply(rows);
  return pruned_matrix::of(quantize(rows, answers...), mask);
}

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/matrix/pruned/pruned_matrix_definitions.hpp>
#endif
