#pragma once

/// \file
/// The rows and columns of a tensor of any number of dimensions: one definition for every container and
/// command.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace bitgauge {

/// Which dimensions of a tensor are counted as rows; the others, flattened, are columns. The two differ for
/// three dimensions and more.
enum class row_dimensions {
  first,        ///< out x in x height x width: a convolution's output channels
  all_but_last  ///< experts x out x in: rows of all experts, one after another
};

/// A last dimension below this is taken for a kernel's width, from it on for the inputs of a layer: ggml's
/// smallest block.
inline constexpr std::uint64_t narrowest_row = 32;

/// What holds where nobody says otherwise; `shape` is outermost first.
inline row_dimensions default_row_dimensions(std::span<const std::uint64_t> shape) noexcept {
  return shape.size() > 2 && shape.back() < narrowest_row ? row_dimensions::first
                                                          : row_dimensions::all_but_last;
}

/// "first" or "last", as options and descriptions call them: the last of the dimensions in rows, or in
/// columns.
constexpr std::string_view name_of(row_dimensions dimensions) noexcept {
  return dimensions == row_dimensions::first ? "first" : "last";
}

/// Reads what name_of() writes. False, and `to` unchanged, for another text.
constexpr bool read_row_dimensions(std::string_view text, row_dimensions& to) noexcept {
  for (const row_dimensions known : {row_dimensions::first, row_dimensions::all_but_last}) {
    if (text != name_of(known)) continue;
    to = known;
    return true;
  }
  return false;
}

namespace detail {

/// product *= factor; false where that does not fit.
constexpr bool multiply(std::uint64_t& product, std::uint64_t factor) noexcept {
  const std::uint64_t before = product;
  product *= factor;
  return before == 0 || product / before == factor;
}

}  // namespace detail

/// Rows and columns of a tensor of `shape`, outermost first; a vector is one row, a single number 1 x 1.
/// Raises shape_error where they exceed 57 bits.
inline std::pair<index_t, index_t> matrix_shape(const std::string& name, std::span<const std::uint64_t> shape,
                                                row_dimensions dimensions) {
  const std::size_t outer = shape.size() < 2                      ? 0
                            : dimensions == row_dimensions::first ? std::size_t{1}
                                                                  : shape.size() - 1;
  std::uint64_t rows = 1, cols = 1, all = 1;
  bool fits = true;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    std::uint64_t& side = i < outer ? rows : cols;
    fits = detail::multiply(side, shape[i]) && fits;
  }
  all = rows;
  fits = detail::multiply(all, cols) && fits;
  // a row takes at most 8 bytes an element, and bit counts are computed in 64 bits
  if (!fits ||
      std::max({rows, cols, all}) > static_cast<std::uint64_t>(std::numeric_limits<index_t>::max() / 64))
    raise(shape_error(name + ": its elements exceed 57 bits"));
  return {static_cast<index_t>(rows), static_cast<index_t>(cols)};
}
/// The same by default_row_dimensions().
inline std::pair<index_t, index_t> matrix_shape(const std::string& name,
                                                std::span<const std::uint64_t> shape) {
  return matrix_shape(name, shape, default_row_dimensions(shape));
}

/// How many matrices are stacked in a tensor whose rows are all dimensions but the last: the product of all
/// dimensions but the last two, 1 for a plain matrix or a convolution. Raises nothing: call matrix_shape()
/// first.
inline index_t stacked_matrices(std::span<const std::uint64_t> shape, row_dimensions dimensions) noexcept {
  index_t count = 1;
  for (std::size_t i = 0; dimensions == row_dimensions::all_but_last && i + 2 < shape.size(); ++i)
    count *= static_cast<index_t>(shape[i]);
  return count;
}

}  // namespace bitgauge
