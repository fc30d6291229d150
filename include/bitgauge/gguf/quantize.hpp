#pragma once

/// \file
/// The front end of ggml's block formats: quantize(W, gguf::q4_k{}, importance(v), effort::best).

#include <bitgauge/effort.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/gguf/feedback.hpp>
#include <bitgauge/gguf/format/formats.hpp>
#include <bitgauge/gguf/rows/encode_row.hpp>
#include <bitgauge/matrix/answers/recipe.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace bitgauge {

/// A named ggml format: gguf::q4_0, gguf::q4_k, gguf::iq4_nl ... or a gguf::tensor_type chosen at run time.
template <class F>
concept ggml_format = std::same_as<F, gguf::tensor_type> || requires {
  { F::type } -> std::convertible_to<gguf::tensor_type>;
};

namespace detail {

/// encode_row() or that of one format alone.
using row_encoder = void (*)(gguf::tensor_type type, const float* x, index_t columns, const float* importance,
                             effort level, std::byte* row, const gguf::row_hints& known,
                             const gguf::row_place& place);
/// feed_back() or that of one format alone.
using blocks_by_feedback = gguf::block_matrix (*)(const row_source& source, gguf::tensor_type type,
                                                  const feedback_rounding& rounding, effort level,
                                                  const options& options);

struct block_options {
  bitgauge::effort effort = bitgauge::effort::normal;
  importance column_weights{};
  bitgauge::options options{};
  std::shared_ptr<const feedback_rounding> feedback{};  ///< chooses the codes where set
  row_encoder encode = nullptr;
  blocks_by_feedback feed_back = nullptr;

  void set(bitgauge::effort e) { effort = e; }
  void set(const importance& weights) { column_weights = weights; }
  void set(const bitgauge::options& o) { options = o; }
  template <std::derived_from<feedback_rounding> Rounding>
  void set(const Rounding& rounding) {
    feedback = std::make_shared<Rounding>(rounding);
  }
  void set(const nearest_rounding&) { feedback.reset(); }
  template <class Extra>
  void set(const Extra&) {
    constexpr question asked = question_of<Extra>();
    static_assert(asked != question::grid, "bitgauge: a ggml type has its own numbers: leave the grid out");
    static_assert(asked != question::granularity,
                  "bitgauge: a ggml type has blocks of its own: leave the granularity out");
    static_assert(
        asked != question::range,
        "bitgauge: a ggml type chooses its scales by effort: leave the range out, write effort::best");
    static_assert(asked != question::rounding,
                  "bitgauge: a ggml type rounds to nearest or by error feedback such as gptq(H)");
    static_assert(asked != question::scale_storage,
                  "bitgauge: a ggml type has its own storage of scales: leave the scale storage out");
    if constexpr (asked == question::none) refuse_unknown_answer<Extra>();
  }
};

/// Takes the blocks of some rows from `first` on.
using take_blocks = std::function<void(index_t first, gguf::block_matrix&& blocks)>;

/// Calls take(first, blocks of some rows) for `height` rows after the other; not at all where there are no
/// elements.
BITGAUGE_DECLARE void quantize_blocks(const row_source& source, gguf::tensor_type type,
                                      const block_options& o, index_t height, const take_blocks& take);
/// All rows at once.
BITGAUGE_DECLARE gguf::block_matrix quantize_blocks(const row_source& source, gguf::tensor_type type,
                                                    const block_options& o);

template <ggml_format Format>
constexpr gguf::tensor_type type_of(Format format) {
  if constexpr (std::same_as<Format, gguf::tensor_type>) {
    return format;
  } else {
    return Format::type;
  }
}

/// `o` with what encodes blocks of `format`. Of one that is known at compile time nothing else is compiled:
/// encode_row() and feed_back(), which are for all formats, are not so much as named then.
template <bool FeedsBack, ggml_format Format>
block_options with_encoders(block_options o, Format) {
#if !defined(BITGAUGE_COMPILED)
  if constexpr (!std::same_as<Format, gguf::tensor_type>) {
    o.encode = gguf::detail::encode_row_as<Format>;
    if constexpr (FeedsBack) o.feed_back = gguf::detail::feed_back_as<Format>;
  } else
#endif
  {
    o.encode = gguf::encode_row;
    if constexpr (FeedsBack) o.feed_back = gguf::detail::feed_back;
  }
  return o;
}

/// The options of a call.
template <ggml_format Format, class... Extras>
block_options block_options_of(Format format, const Extras&... extras) {
  check_contradictions<Extras...>();
  block_options o;
  (o.set(extras), ...);
  return with_encoders<(std::derived_from<Extras, feedback_rounding> || ...)>(std::move(o), format);
}

}  // namespace detail

/// Quantizes `matrix` (out x in, blocks along in) to a ggml format. `extras`, in any order: an effort, an
/// importance (one positive weight per column; all zero counts as none), options, error feedback. Two of a
/// kind do not compile. f32, f16 and bf16, which a tensor_type may be, have nothing to search: effort and
/// importance do not change them.
///
///     auto q = quantize(W, gguf::q4_k{}, importance(v), effort::best);
///     auto p = quantize(W, gguf::q4_k{}, gptq{H});  // the Hessian's diagonal is the importance
///
/// A whole program:
///
///     #include <bitgauge/gguf.hpp>
///     #include <bitgauge/gguf/quantize.hpp>
///     #include <bitgauge/io.hpp>
///
///     int main() {
///       const Eigen::MatrixXf W = Eigen::MatrixXf::Random(512, 512);
///       const auto q = bitgauge::quantize(W, bitgauge::gguf::q4_k{});
///       bitgauge::io::save("w.gguf", {{"blk.0.attn_q.weight", q}});
///     }
///
/// A file of tensors by a policy of the user's own: which type a tensor gets.
///
///     #include <bitgauge/gguf.hpp>
///     #include <bitgauge/gguf/quantize.hpp>
///     #include <bitgauge/io.hpp>
///     #include <string>
///
///     bitgauge::gguf::tensor_type type_for(const std::string& name) {
///       using enum bitgauge::gguf::tensor_type;
///       if (name.find("norm") != std::string::npos) return f32;
///       return name.find("down_proj") != std::string::npos ? q6_k : q4_k;
///     }
///
///     int main(int, char** argv) {  // IN.safetensors OUT.gguf
///       const bitgauge::io::tensor_file in(argv[1]);
///       bitgauge::io::gguf_writer out(argv[2]);
///       for (const auto& tensor : in.tensors()) {
///         const auto [rows, cols] = in.shape_of(tensor);
///         out.declare(tensor.name, type_for(tensor.name),
///                     {static_cast<std::uint64_t>(cols), static_cast<std::uint64_t>(rows)});
///       }
///       for (const auto& tensor : in.tensors())
///         out.write(tensor.name, bitgauge::quantize(in.matrix(tensor), type_for(tensor.name)).blocks());
///       out.commit();
///     }
///
/// Efforts: see gguf/rows/encode_row.hpp. Raises shape_error for rows that blocks do not divide or an importance
/// of the wrong length; data_error for NaN, infinity and numbers too large for the format's scales (under
/// nonfinite::saturate infinities get the outermost code of their block, and what is too large is cut off);
/// invalid_scheme for types that are not formats.
template <class Derived, ggml_format Format, class... Extras>
gguf::block_matrix quantize(const Eigen::DenseBase<Derived>& matrix, Format format, const Extras&... extras) {
  const detail::block_options o = detail::block_options_of(format, extras...);
  const gguf::tensor_type type = detail::type_of(format);
  return detail::with_rows(matrix,
                           [&](const row_source& rows) { return detail::quantize_blocks(rows, type, o); });
}

/// Quantizes as quantize(matrix, format, extras...) does and hands the blocks out as they are made:
/// take(first, part) is called for some rows after the other, from one thread, `part` a gguf::block_matrix of
/// about 16 MB of floats. Error feedback hands out the whole matrix as one part. Raises what quantize()
/// raises, parts before the fault having been handed out, and what `take` throws.
template <row_readable Matrix, class Take, ggml_format Format, class... Extras>
void quantize_in_parts(const Matrix& matrix, const Take& take, Format format, const Extras&... extras) {
  const detail::block_options o = detail::block_options_of(format, extras...);
  detail::with_rows(matrix, [&](const row_source& rows) {
    const index_t panel = rows.panel_height();
    const index_t height = (detail::part_height(rows.cols()) + panel - 1) / panel * panel;
    detail::quantize_blocks(rows, detail::type_of(format), o, height, take);
  });
}

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/gguf/quantize_definitions.hpp>
#endif
