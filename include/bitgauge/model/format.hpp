#pragma once

/// \file
/// What a tensor is stored as, in one value and one text: codes and scales by a scheme, ggml blocks, levels of a
/// trellis, floats, or as it was.

#include <bitgauge/error.hpp>
#include <bitgauge/gguf/rows/row.hpp>
#include <bitgauge/gguf/scheme_type.hpp>
#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/matrix/memory.hpp>
#include <bitgauge/matrix/scheme/check.hpp>
#include <bitgauge/matrix/scheme/grid_of.hpp>
#include <bitgauge/matrix/scheme/presets.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>
#include <bitgauge/matrix/scheme/suggestions.hpp>
#include <bitgauge/matrix/scheme/text.hpp>
#include <bitgauge/matrix/trellis/trellis_scheme.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bitgauge {

namespace detail {

/// ggml's name of a type as scheme texts spell it: "q4_k".
inline std::string scheme_name_of(gguf::tensor_type type) {
  std::string name(gguf::traits_of(type).name);
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

/// What a text of a ggml type may begin with, and begins with where the name alone is that of a grid.
inline constexpr std::string_view ggml_prefix = "ggml.";

}  // namespace detail

/// True for the types of ggml that a tensor can be given: blocks, f32, f16, bf16.
constexpr bool is_format(const gguf::tensor_type_traits& traits) noexcept {
  return gguf::detail::is_scheme_type(traits);
}

/// What mxfp4 and nvfp4 stand for, which name a grid and a ggml type.
enum class shared_names : std::uint8_t { grids, blocks };

/// How a tensor is stored. (Not called `format`: `using namespace std` brings std::format.)
///
///     tensor_format a = parse_format("affine:bits=4,group=128");   // codes and scales
///     tensor_format b = gguf::tensor_type::q4_k;                   // "q4_k"
///     tensor_format c = tensor_format::copy();                     // "copy"
///     tensor_format d = trellis_scheme{.bits = 2.25};              // "trellis:bits=2.25"
///     any_quantized q = quantize(W, a);                            // <bitgauge/model/quantize.hpp>
class tensor_format {
 public:
  enum class kind : std::uint8_t {
    codes,   ///< codes, scales and zero points of a grid
    blocks,  ///< a block type of ggml
    floats,  ///< f32, f16 or bf16
    copy,    ///< the bytes that are there
    trellis  ///< entropy-coded levels of a trellis
  };

  /// affine:bits=8,group=row.
  tensor_format() = default;
  /// What a scheme names: a grid, or a ggml type with its effort and what belongs to rounding=gptq. Implicit,
  /// as each is one of the formats. Raises invalid_scheme for an unknown name and for fields that can have no
  /// effect: see check_scheme() and gguf::tensor_type_of().
  tensor_format(const scheme& s, shared_names both = shared_names::grids) : answers_(s) {
    const bool is_grid = is_grid_name(s.grid.view());
    if (is_grid && !(both == shared_names::blocks && detail::is_block_type_name(s.grid.view()))) {
      check_scheme(s);
      static_cast<void>(detail::grid_of(s));  // raises for options that the grid does not have
      return;
    }
    if (!is_grid && !detail::is_block_type_name(s.grid.view()))
      static_cast<void>(detail::grid_of(s));  // raises with what there is
    set_type(gguf::tensor_type_of(s));
  }
  /// A type of ggml at the default effort. Raises invalid_scheme for one that nothing is quantized to: an
  /// integer, f64.
  tensor_format(gguf::tensor_type type) : tensor_format(bare_scheme_of(type), shared_names::blocks) {}

  /// Levels of a trellis.
  tensor_format(const trellis_scheme& s) : what_(kind::trellis), trellis_(s) {
    answers_.rounding = s.rounding;
  }

  static tensor_format copy() {
    tensor_format f;
    f.what_ = kind::copy;
    return f;
  }

  kind what() const noexcept { return what_; }
  /// The ggml type of blocks and of floats.
  std::optional<gguf::tensor_type> type() const noexcept {
    return what_ == kind::blocks || what_ == kind::floats ? std::optional(type_) : std::nullopt;
  }
  /// All six answers of codes; of blocks, the effort and the rounding; of a trellis, the rounding.
  const scheme& answers() const noexcept { return answers_; }
  /// Of levels of a trellis.
  const trellis_scheme* trellis() const noexcept { return what_ == kind::trellis ? &trellis_ : nullptr; }
  /// True where codes are chosen by error feedback, which needs a Hessian: rounding=gptq.
  bool feeds_back() const noexcept {
    return (what_ == kind::codes || what_ == kind::blocks || what_ == kind::trellis) &&
           answers_.rounding == rounding_kind::gptq;
  }
  /// Another type of ggml by the same effort and rounding; floats have neither.
  tensor_format with_type(gguf::tensor_type type) const {
    tensor_format other(type);
    if (what_ != kind::blocks || other.what_ != kind::blocks) return other;
    other.answers_.effort = answers_.effort;
    other.answers_.rounding = answers_.rounding;
    other.answers_.act_order = answers_.act_order;
    other.answers_.static_groups = answers_.static_groups;
    other.answers_.damping = answers_.damping;
    return other;
  }

  friend bool operator==(const tensor_format&, const tensor_format&) = default;

 private:
  static scheme bare_scheme_of(gguf::tensor_type type) {
    const gguf::tensor_type_traits& traits = gguf::traits_of(type);
    if (!is_format(traits))
      raise(invalid_scheme("format: expected a block type of ggml, f32, f16 or bf16, found " +
                           std::string(traits.name)));
    return named_scheme(detail::scheme_name_of(type).c_str());
  }
  void set_type(gguf::tensor_type type) {
    type_ = type;
    what_ = gguf::traits_of(type).is_quantized() ? kind::blocks : kind::floats;
  }

  kind what_ = kind::codes;
  gguf::tensor_type type_ = gguf::tensor_type::f32;
  scheme answers_{};
  trellis_scheme trellis_{};
};

/// Reads a scheme text ("affine:bits=4,group=128", "q4_k:effort=best", "trellis:bits=2.25", "f16"), or "copy". Of mxfp4 and nvfp4,
/// `both` says which is meant; "ggml.mxfp4" is always the ggml type. Raises invalid_scheme as parse_scheme()
/// and the constructor of tensor_format do.
inline tensor_format parse_format(std::string_view text, shared_names both = shared_names::grids) {
  std::string_view rest = detail::trimmed(text);
  if (rest == "copy") return tensor_format::copy();
  if (is_trellis_text(rest)) return parse_trellis(rest);
  if (!rest.starts_with(detail::ggml_prefix)) return {parse_scheme(rest), both};
  rest.remove_prefix(detail::ggml_prefix.size());
  const scheme s = parse_scheme(rest);
  static_cast<void>(gguf::tensor_type_of(s));  // raises for a grid
  return {s, shared_names::blocks};
}

/// The text of a format; parse_format(to_text(f)) == f.
inline std::string to_text(const tensor_format& f) {
  if (f.what() == tensor_format::kind::copy) return "copy";
  if (f.trellis() != nullptr) return to_text(*f.trellis());
  const bool ambiguous = f.type() && is_grid_name(f.answers().grid.view());
  return (ambiguous ? std::string(detail::ggml_prefix) : std::string()) + to_text(f.answers());
}

/// The bytes that a matrix of rows x cols takes: of codes, codes + scales + zero points + levels; of a trellis,
/// bits * rows * cols / 8 (see trellis_scheme.hpp); of a ggml type, rows * cols / elements * bytes of a block. Raises shape_error where blocks do not divide the
/// columns, invalid_scheme for a copy, whose size is that of what is there.
inline index_t storage_bytes(const tensor_format& f, index_t rows, index_t cols) {
  if (f.what() == tensor_format::kind::copy)
    raise(invalid_scheme("format \"copy\": it takes what is there, and no size of its own"));
  if (f.trellis() != nullptr) return storage_bytes(*f.trellis(), rows, cols);
  if (!f.type()) return storage_bytes(f.answers(), rows, cols);
  const auto row = static_cast<index_t>(gguf::row_bytes(*f.type(), cols));
  return rows * row;
}

/// Bits per weight of a matrix of rows x cols, scales included, tables of levels left out; 0 without weights.
/// Raises what storage_bytes() raises.
inline double bits_per_weight(const tensor_format& f, index_t rows, index_t cols) {
  if (f.what() == tensor_format::kind::codes) return layout_of(f.answers(), rows, cols).bits_per_weight();
  const auto bytes = static_cast<double>(storage_bytes(f, rows, cols));
  const double size = static_cast<double>(rows) * static_cast<double>(cols);
  return size > 0 ? 8 * bytes / size : 0;
}

}  // namespace bitgauge
