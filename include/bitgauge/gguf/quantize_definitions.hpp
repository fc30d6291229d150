#pragma once

/// \file
/// What quantize.hpp declares.

#include <bitgauge/base/buffer.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/base/scratch_pool.hpp>
#include <bitgauge/gguf/block_importance.hpp>
#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/matrix/answers/nonfinite.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// The weights of each of the stacked matrices as its blocks are encoded with; none where all of a matrix's
/// weights are 0, which says nothing of any column.
class block_weights {
 public:
  block_weights(const importance& given, index_t rows, bool as_given, index_t elements)
      : rows_(given.weights.empty() ? 0 : rows / given.matrices) {
    if (rows_ == 0) return;
    sound_.reserve(static_cast<std::size_t>(given.matrices));  // they point into themselves
    for (index_t m = 0; m < given.matrices; ++m) {
      const std::span<const float> own = given.of_row(m, given.matrices);
      const bool any = std::any_of(own.begin(), own.end(), [](float w) { return w > 0; });
      given_.push_back(any ? own.data() : nullptr);
      // once for all rows; each then finds nothing left to mend
      sound_.emplace_back(any && !as_given ? own.data() : nullptr, static_cast<index_t>(own.size()),
                          elements);
      if (!as_given) given_.back() = sound_.back().data();
    }
  }
  const float* of_row(index_t row) const noexcept {
    return rows_ == 0 ? nullptr : given_[static_cast<std::size_t>(row / rows_)];
  }

 private:
  index_t rows_;  // of each matrix
  std::vector<gguf::sound_importance> sound_;
  std::vector<const float*> given_;
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

/// Encodes the rows first .. first + count - 1 to `blocks`. Raises data_error for NaN and infinity.
inline void encode_blocks(const row_source& source, gguf::tensor_type type, const block_options& o,
                          const block_weights& weights, index_t first, index_t count, std::byte* blocks,
                          work_monitor& monitor) {
  const index_t cols = source.cols(), height = source.panel_height();
  const auto elements = static_cast<index_t>(gguf::traits_of(type).elements);
  const auto row_bytes = static_cast<index_t>(gguf::row_bytes(type, cols));
  scratch_pool<std::vector<float>> scratches;
  parallel_for((count + height - 1) / height, o.options.threads, [&](index_t p) {
    monitor.check();
    finite_scratch s;
    const auto scratch = scratches.borrow();
    const index_t begin = first + p * height, rows = std::min(height, first + count - begin);
    const auto panel = source.read(begin, rows, *scratch);
    for (index_t r = 0; r < rows; ++r) {
      const finite_row x = sanitize_row(panel.row(r), cols, 32, {begin + r, 0}, o.options.on_nonfinite, s);
      const bool as_read = x.for_codes == x.for_range;  // the extents are those of what is encoded
      o.encode(type, without_infinities(x, cols, elements, s), cols, weights.of_row(begin + r), o.effort,
               blocks + (begin - first + r) * row_bytes,
               {.low = as_read ? s.low.data() : nullptr,
                .high = as_read ? s.high.data() : nullptr,
                .next = r + 1 < rows ? panel.row(r + 1) : nullptr,
                .greatest = x.greatest},
               {.row = begin + r, .saturates = o.options.on_nonfinite == nonfinite::saturate});
    }
    monitor.advance(rows * cols);
  });
}

BITGAUGE_DEFINE void quantize_blocks(const row_source& source, gguf::tensor_type type, const block_options& o,
                                     index_t height, const take_blocks& take) {
  if (o.feedback) return take(index_t{0}, o.feed_back(source, type, *o.feedback, o.effort, o.options));
  const index_t rows = source.rows(), cols = source.cols();
  const std::size_t row_bytes = gguf::row_bytes(type, cols);
  check_importance(o.column_weights, rows, cols);
  if (cols == 0) return;  // of however many rows
  const auto elements = static_cast<index_t>(gguf::traits_of(type).elements);
  const block_weights weights(o.column_weights, rows, o.effort == effort::reference || elements == 1,
                              elements);
  work_monitor monitor(o.options, rows * cols);
  for (index_t first = 0; first < rows; first += height) {
    const index_t count = std::min(height, rows - first);
    buffer<std::byte> blocks(static_cast<std::size_t>(count) * row_bytes);
    encode_blocks(source, type, o, weights, first, count, blocks.data(), monitor);
    take(first, gguf::block_matrix(type, count, cols, std::move(blocks)));
  }
}

BITGAUGE_DEFINE gguf::block_matrix quantize_blocks(const row_source& source, gguf::tensor_type type,
                                                   const block_options& o) {
  gguf::block_matrix whole(type, source.cols() == 0 ? source.rows() : 0, source.cols(), {});
  quantize_blocks(source, type, o, std::max<index_t>(1, source.rows()),
                  [&](index_t, gguf::block_matrix&& q) { whole = std::move(q); });
  return whole;
}

}  // namespace bitgauge::detail
