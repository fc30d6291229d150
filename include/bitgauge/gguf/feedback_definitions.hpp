#pragma once

/// \file
/// What feedback.hpp declares.

#include <bitgauge/effort.hpp>
#include <bitgauge/gguf/block_importance.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/gguf/feedback.hpp>
#include <bitgauge/gguf/format/visit_format.hpp>
#include <bitgauge/gguf/rows/encode_row.hpp>
#include <bitgauge/matrix/answers/options.hpp>
#include <bitgauge/matrix/fit/finite_rows.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/rounding/feedback/target.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge::gguf {

/// A format whose elements have a code each, so that each can be chosen on its own: all but IQ1, IQ2 and IQ3.
template <class Format>
concept code_per_element = !vector_levels<typename Format::levels>;

namespace detail {

/// Blocks are fitted by the format's own encoder, with the Hessian's diagonal as importance, to the weights
/// as they are when feedback reaches the block, or to the original ones where those leave a row less error;
/// their scales and minima then stay, and feedback chooses the codes.
template <code_per_element Format>
class feedback_blocks final : public feedback_target {
 public:
  feedback_blocks(const bitgauge::row_source& source, effort search, const options& o)
      : source_(source),
        monitor_(o, source.rows() * source.cols()),
        search_(search),
        row_bytes_(row_bytes(Format::type, source.cols())),
        blocks_(static_cast<std::size_t>(source.rows()) * row_bytes_) {
    for (const coded_level& each : usable_levels<typename Format::levels>)
      levels_.push_back({static_cast<float>(each.level), each.code});
  }

  block_matrix result() && { return {Format::type, rows(), cols(), std::move(blocks_)}; }

  index_t rows() const override { return source_.rows(); }
  index_t cols() const override { return source_.cols(); }
  index_t block_width() const override { return Format::elements; }
  index_t group_width() const override { return Format::sub_block; }
  std::span<const level> levels() const override { return levels_; }
  bool fitted_beforehand() const override { return false; }
  bool adjustable() const override { return false; }
  affine_map storable(index_t, index_t, affine_map wanted) const override { return wanted; }

  void read(index_t first, index_t count, float* out) const override {
    monitor_.check();
    bitgauge::detail::read_finite_rows(source_, first, count, false, out);
  }

  void fit(index_t row, index_t i, std::span<const float> values, std::span<const float> weights,
           affine_map* maps) override {
    monitor_.check();
    // at every effort: the weights of dead inputs are 0
    const sound_importance importance(weights.data(), Format::elements, Format::elements);
    std::uint8_t* bytes = block_at(row, i);
#if defined(BITGAUGE_COMPILED)
    const auto encode = encode_row;
#else
    constexpr auto encode = encode_row_as<Format>;
#endif
    encode(Format::type, values.data(), Format::elements, importance.data(), search_,
           reinterpret_cast<std::byte*>(bytes), {}, {.row = row, .column = i * Format::elements});
    block_codes<Format> codes;
    unpack(bytes, codes);
    for (int s = 0; s < Format::sub_blocks; ++s) maps[s] = {codes.scale_of(s), 0, -codes.minimum_of(s)};
  }

  int nearest(float units, const affine_map&) const override {
    const auto above = std::lower_bound(levels_.begin(), levels_.end(), units,
                                        [](const level& l, float u) { return l.value < u; });
    const auto i = static_cast<int>(above - levels_.begin());
    if (above == levels_.begin() || above == levels_.end())
      return std::max(0, above == levels_.end() ? i - 1 : i);
    return above->value - units < units - (above - 1)->value ? i : i - 1;
  }

  void store(index_t row, const std::uint8_t* fields, const affine_map*) override {
    monitor_.advance(cols());
    for (index_t i = 0; i * Format::elements < cols(); ++i) {
      std::uint8_t* bytes = block_at(row, i);
      block_codes<Format> codes;
      unpack(bytes, codes);
      std::copy_n(fields + i * Format::elements, Format::elements, codes.elements.begin());
      pack(codes, bytes);
    }
  }

 private:
  std::uint8_t* block_at(index_t row, index_t i) {
    return reinterpret_cast<std::uint8_t*>(blocks_.data()) + static_cast<std::size_t>(row) * row_bytes_ +
           i * Format::bytes;
  }

  const bitgauge::row_source& source_;
  bitgauge::detail::work_monitor monitor_;
  effort search_;
  std::size_t row_bytes_;
  std::vector<level> levels_;
  buffer<std::byte> blocks_;
};

/// feed_back() for a format that is known at compile time: nothing else is compiled.
template <class Format>
block_matrix feed_back_as(const bitgauge::row_source& source, tensor_type type,
                          const feedback_rounding& rounding, effort level, const options& options) {
  if constexpr (code_per_element<Format>) {
    feedback_blocks<Format> target(source, level, options);
    if (target.rows() > 0 && target.cols() > 0) rounding.round(target, options.threads);
    return std::move(target).result();
  } else {
    raise(
        invalid_scheme("gptq: " + std::string(traits_of(type).name) +
                       ": elements are coded in groups by a codebook; expected a format with a code for each "
                       "element, such as q4_K"));
  }
}

BITGAUGE_DEFINE block_matrix feed_back(const bitgauge::row_source& source, tensor_type type,
                                       const feedback_rounding& rounding, effort level,
                                       const options& options) {
  return visit_format(type, [&]<class Format>(Format) {
    return feed_back_as<Format>(source, type, rounding, level, options);
  });
}

}  // namespace detail
}  // namespace bitgauge::gguf
