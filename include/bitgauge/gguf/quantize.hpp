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
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/recipe.hpp>
#include <bitgauge/matrix/row_source.hpp>
#include <bitgauge/parallel.hpp>

#include <algorithm>
#include <concepts>
#include <memory>
#include <utility>
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

/// Encodes the rows first .. first + count - 1 to `blocks`. Raises data_error for NaN and infinity.
inline void encode_blocks(const row_source& source, gguf::tensor_type type, const block_options& o,
                          index_t first, index_t count, std::byte* blocks) {
  const index_t cols = source.cols(), height = source.panel_height();
  const auto row_bytes = static_cast<index_t>(gguf::row_bytes(type, cols));
  const float* weights = o.column_weights.weights.empty() ? nullptr : o.column_weights.weights.data();
  lender<std::vector<float>> scratches;
  if (cols == 0) return;
  parallel_for((count + height - 1) / height, o.how.threads, [&](index_t p) {
    finite_scratch s;
    const auto scratch = scratches.borrow();
    const index_t begin = p * height, rows = std::min(height, count - begin);
    const auto panel = source.read(first + begin, rows, *scratch);
    for (index_t r = 0; r < rows; ++r) {
      const finite_row x = examine(panel.row(r), cols, 32, {first + begin + r, 0}, o.how.on_nonfinite, s);
      const bool as_read = x.for_codes == x.for_range;  // the extents are those of what is encoded
      gguf::encode_row(type, x.for_codes, cols, weights, o.level, blocks + (begin + r) * row_bytes,
                       {.low = as_read ? s.low.data() : nullptr,
                        .high = as_read ? s.high.data() : nullptr,
                        .next = r + 1 < rows ? panel.row(r + 1) : nullptr});
    }
  });
}

/// Calls take(first, blocks of some rows) for `height` rows after the other.
template <class Take>
void quantize_blocks(const row_source& source, gguf::tensor_type type, const block_options& o, index_t height,
                     const Take& take) {
  if (o.feedback)
    return take(index_t{0}, gguf::detail::feed_back(source, type, *o.feedback, o.level, o.how.threads));
  const std::size_t row_bytes = gguf::row_bytes(type, source.cols());
  check_importance(o.column_weights, source.cols());
  for (index_t first = 0; first < source.rows(); first += height) {
    const index_t count = std::min(height, source.rows() - first);
    buffer<std::byte> blocks(static_cast<std::size_t>(count) * row_bytes);
    encode_blocks(source, type, o, first, count, blocks.data());
    take(first, gguf::block_matrix(type, count, source.cols(), std::move(blocks)));
  }
}

template <ggml_format Format>
constexpr gguf::tensor_type type_of(Format format) {
  if constexpr (std::same_as<Format, gguf::tensor_type>) {
    return format;
  } else {
    return Format::type;
  }
}

}  // namespace detail

/// Quantizes `matrix` (out x in, blocks along in) to a ggml format. `extras`, in any order: an effort, an
/// importance (one positive weight per column), options, error feedback.
///
///     auto q = quantize(W, gguf::q4_k{}, importance(v), effort::best);
///     auto p = quantize(W, gguf::q4_k{}, gptq{H});  // the Hessian's diagonal is the importance
///
/// Efforts: see gguf/encode_row.hpp. Raises shape_error for rows that blocks do not divide or an importance
/// of the wrong length, data_error for NaN and infinity (unless saturating), invalid_scheme for types that
/// are not formats.
template <class Derived, ggml_format Format, class... Extras>
gguf::block_matrix quantize(const Eigen::DenseBase<Derived>& matrix, Format format, const Extras&... extras) {
  detail::block_options o;
  (o.set(extras), ...);
  const gguf::tensor_type type = detail::type_of(format);
  return detail::with_rows(matrix, [&](const detail::row_source& rows) {
    gguf::block_matrix whole(type, 0, rows.cols(), {});
    detail::quantize_blocks(rows, type, o, std::max<index_t>(1, rows.rows()),
                            [&](index_t, gguf::block_matrix&& q) { whole = std::move(q); });
    return whole;
  });
}

/// Quantizes as quantize(matrix, format, extras...) does and hands the blocks out as they are made:
/// take(first, part) is called for some rows after the other, from one thread, `part` a gguf::block_matrix of
/// about 16 MB of floats. Error feedback hands out the whole matrix as one part. Raises what quantize()
/// raises, parts before the fault having been handed out, and what `take` throws.
template <class Derived, class Take, ggml_format Format, class... Extras>
void quantize_in_parts(const Eigen::DenseBase<Derived>& matrix, const Take& take, Format format,
                       const Extras&... extras) {
  detail::block_options o;
  (o.set(extras), ...);
  detail::with_rows(matrix, [&](const detail::row_source& rows) {
    const index_t panel = rows.panel_height();
    const index_t height = (detail::part_height(rows.cols()) + panel - 1) / panel * panel;
    detail::quantize_blocks(rows, detail::type_of(format), o, height, take);
  });
}

}  // namespace bitgauge
