#pragma once

/// \file
/// The front end of ggml's block formats: quantize(W, gguf::q4_k{}, importance(v), effort::best).

#include <bitgauge/buffer.hpp>
#include <bitgauge/effort.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/gguf/encode_row.hpp>
#include <bitgauge/gguf/feedback_blocks.hpp>
#include <bitgauge/gguf/formats.hpp>
#include <bitgauge/lender.hpp>
#include <bitgauge/matrix/finite.hpp>
#include <bitgauge/matrix/recipe.hpp>
#include <bitgauge/matrix/row_source.hpp>
#include <bitgauge/parallel.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <memory>
#include <vector>

namespace bitgauge {

/// A named ggml format: gguf::q4_0, gguf::q4_k, gguf::iq4_nl ... or a gguf::tensor_type chosen at run time.
template <class F>
concept ggml_format = std::same_as<F, gguf::tensor_type> || requires {
  { F::type } -> std::convertible_to<gguf::tensor_type>;
};

namespace detail {

struct block_options {
  effort level = effort::normal;
  importance column_weights{};
  options how{};
  std::shared_ptr<const feedback_rounding> feedback{};  ///< chooses the codes where set

  void set(effort e) { level = e; }
  void set(const importance& weights) { column_weights = weights; }
  void set(const options& o) { how = o; }
  template <std::derived_from<feedback_rounding> Rounding>
  void set(const Rounding& rounding) {
    feedback = std::make_shared<Rounding>(rounding);
  }
};

/// What a row is encoded from: in blocks infinities take the greatest finite magnitude, which has the
/// outermost code there, and NaN is 0.
inline const float* without_infinities(const finite_row& x, index_t cols, index_t elements,
                                       finite_scratch& s) {
  if (x.for_codes == x.for_range || elements == 1) return x.for_codes;
  for (index_t first = 0; first < cols; first += elements) {
    float greatest = 0.0f;
    const index_t end = std::min(first + elements, cols);
    for (index_t j = first; j < end; ++j) greatest = std::max(greatest, std::abs(x.for_range[j]));
    for (index_t j = first; j < end; ++j) {
      float& code = s.for_codes[static_cast<std::size_t>(j)];
      code = std::clamp(code, -greatest, greatest);
    }
  }
  return s.for_codes.data();
}

inline gguf::block_matrix quantize_blocks(const row_source& source, gguf::tensor_type type,
                                          const block_options& o) {
  if (o.feedback) return gguf::detail::feed_back(source, type, *o.feedback, o.level, o.how.threads);
  const index_t rows = source.rows(), cols = source.cols();
  const std::size_t row_bytes = gguf::row_bytes(type, cols);
  check_importance(o.column_weights, cols);
  const index_t elements = static_cast<index_t>(gguf::traits_of(type).elements);
  const float* const given = o.column_weights.weights.empty() ? nullptr : o.column_weights.weights.data();
  // once for all rows; each then finds nothing left to mend
  const bool as_given = o.level == effort::reference || elements == 1;
  const gguf::sound_importance sound(as_given ? nullptr : given, cols, elements);
  const float* const weights = as_given ? given : sound.data();
  buffer<std::byte> blocks(static_cast<std::size_t>(rows) * row_bytes);
  const index_t height = source.panel_height();
  lender<std::vector<float>> scratches;
  if (cols > 0)
    parallel_for((rows + height - 1) / height, o.how.threads, [&](index_t p) {
      finite_scratch s;
      const auto scratch = scratches.borrow();
      const index_t first = p * height, count = std::min(height, rows - first);
      const auto panel = source.read(first, count, *scratch);
      for (index_t r = 0; r < count; ++r) {
        const finite_row x = examine(panel.row(r), cols, 32, {first + r, 0}, o.how.on_nonfinite, s);
        const bool as_read = x.for_codes == x.for_range;  // the extents are those of what is encoded
        gguf::encode_row(type, without_infinities(x, cols, elements, s), cols, weights, o.level,
                         blocks.data() + static_cast<std::size_t>(first + r) * row_bytes,
                         {.low = as_read ? s.low.data() : nullptr,
                          .high = as_read ? s.high.data() : nullptr,
                          .next = r + 1 < count ? panel.row(r + 1) : nullptr,
                          .greatest = x.greatest},
                         {.row = first + r, .saturates = o.how.on_nonfinite == nonfinite::saturate});
      }
    });
  return {type, rows, cols, std::move(blocks)};
}

}  // namespace detail

/// Quantizes `matrix` (out x in, blocks along in) to a ggml format. `extras`, in any order: an effort, an
/// importance (one positive weight per column), options, error feedback.
///
///     auto q = quantize(W, gguf::q4_k{}, importance(v), effort::best);
///     auto p = quantize(W, gguf::q4_k{}, gptq{H});  // the Hessian's diagonal is the importance
///
/// Efforts: see gguf/encode_row.hpp. Raises shape_error for rows that blocks do not divide or an importance
/// of the wrong length; data_error for NaN, infinity and numbers too large for the format's scales (under
/// nonfinite::saturate infinities get the outermost code of their block, and what is too large is cut off);
/// invalid_scheme for types that are not formats.
template <class Derived, ggml_format Format, class... Extras>
gguf::block_matrix quantize(const Eigen::DenseBase<Derived>& matrix, Format format, const Extras&... extras) {
  detail::block_options o;
  (o.set(extras), ...);
  gguf::tensor_type type;
  if constexpr (std::same_as<Format, gguf::tensor_type>) {
    type = format;
  } else {
    type = Format::type;
  }
  return detail::with_rows(
      matrix, [&](const detail::row_source& rows) { return detail::quantize_blocks(rows, type, o); });
}

}  // namespace bitgauge
