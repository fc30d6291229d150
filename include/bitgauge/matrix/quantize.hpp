#pragma once

/// \file
/// The front end: quantize(matrix, answers...).

#include <bitgauge/matrix/answers/input_kind.hpp>
#include <bitgauge/matrix/answers/recipe.hpp>
#include <bitgauge/matrix/codes/matrix_parameters.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/matrix/scheme/scheme.hpp>
#include <bitgauge/matrix/summary.hpp>

#include <algorithm>
#include <concepts>
#include <functional>
#include <utility>

namespace bitgauge {
namespace detail {

/// Quantizes rows by a recipe. `stands`: they are one column vector, which lies as a row.
BITGAUGE_DECLARE quantized_matrix quantize_rows(const row_source& rows, recipe answers, bool stands);

/// Takes the part of a matrix that begins at row `first`.
using take_part = std::function<void(index_t first, const quantized_matrix& part)>;
/// The same in parts: see quantize_in_parts().
BITGAUGE_DECLARE matrix_parameters quantize_rows_in_parts(const row_source& rows, recipe answers, bool stands,
                                                          const take_part& take);

/// Rows that are some 16 MB of floats: enough to keep threads busy, little beside any matrix worth parting.
inline index_t part_height(index_t cols) {
  return std::max<index_t>(1, (index_t{1} << 22) / std::max<index_t>(1, cols));
}

template <class Derived>
quantized_matrix quantize_by(const Eigen::DenseBase<Derived>& matrix, recipe answers) {
  return with_rows(matrix, [&](const row_source& rows) {
    return quantize_rows(rows, std::move(answers), is_column_vector<Derived>);
  });
}

template <row_readable Matrix>
matrix_parameters quantize_in_parts_by(const Matrix& matrix, recipe answers, const take_part& take) {
  return with_rows(matrix, [&](const row_source& rows) {
    return quantize_rows_in_parts(rows, std::move(answers), is_column_vector<Matrix>, take);
  });
}

}  // namespace detail

/// Quantizes `matrix` (out x in, groups along in) by the answers given, in any order: a grid, a granularity,
/// a range, a rounding, a scale storage, an importance, options. What is left out is `affine<8>`, per_row,
/// minmax_range, nearest, f32 scales. Two answers to one question do not compile, nor does an importance
/// where no range weighs errors by it.
///
///     #include <bitgauge/bitgauge.hpp>
///     #include <iostream>
///
///     int main() {
///       const Eigen::MatrixXf W = Eigen::MatrixXf::Random(512, 512);
///       const auto q = bitgauge::quantize(W, bitgauge::affine<4>{}, bitgauge::per_group{128});
///       std::cout << q << ", SQNR " << bitgauge::measure_error(W, q).sqnr_db() << " dB\n";
///     }
///
/// The same with a range of the user's own, which clips what only a few elements reach:
///
///     #include <bitgauge/bitgauge.hpp>
///     #include <cmath>
///     #include <iostream>
///     #include <span>
///
///     struct three_sigma {
///       bitgauge::interval operator()(std::span<const float> values) const {
///         float energy = 0;
///         for (const float x : values) energy += x * x;
///         const float end = 3 * std::sqrt(energy / static_cast<float>(values.size()));
///         return {-end, end};
///       }
///     };
///
///     int main() {
///       const Eigen::MatrixXf W = Eigen::MatrixXf::Random(512, 512);
///       const auto q = bitgauge::quantize(W, bitgauge::symmetric<4>{}, three_sigma{}, bitgauge::per_group{128},
///                                         bitgauge::f16_scales, bitgauge::options{.threads = 2});
///       std::cout << q << ", SQNR " << bitgauge::measure_error(W, q).sqnr_db() << " dB\n";
///     }
///
/// `matrix` is anything of Eigen's with elements float, double, half or bfloat16 (they are converted to
/// float, nearest): matrices, arrays, vectors, maps with strides, blocks and references are read where they
/// lie; an expression is evaluated once. A vector is quantized along its length. Nothing is modified.
///
/// code = clamp(rint(x * (1 / scale)) + zero_point) with `scale` as stored; an all-zero group has scale 0 and
/// codes of zero. The same input gives the same bytes whatever the compiler, instruction set and number of
/// threads.
///
/// Throws data_error for NaN and infinity (unless saturating) and for scales that overflow their storage,
/// shape_error for an importance of the wrong length, invalid_scheme for bits outside 1..8 or empty groups.
/// Cost: one pass over the matrix for min-max and absmax within rows, two for per_tensor and per_column.
template <class Derived, class... Answers>
quantized_matrix quantize(const Eigen::DenseBase<Derived>& matrix, const Answers&... answers) {
  return detail::quantize_by(matrix, detail::make_recipe(answers...));
}

/// Quantizes as quantize(matrix, answers...) does and hands the result out as it is made, so that the codes
/// of a large matrix need not be in memory at once: take(first, part) is called for some rows after the
/// other, from one thread, `part` a quantized_matrix of the rows first .. first + part.rows() - 1. Its codes
/// are the bytes of the whole matrix's rows and its values are the whole's; its scales are held in f32.
/// Returns the parameters of all groups as the whole matrix stores them.
///
///     std::ofstream file("codes.bin", std::ios::binary);
///     auto g = quantize_in_parts(W, [&](index_t, const quantized_matrix& part) {
///       file.write(reinterpret_cast<const char*>(part.codes().data()), part.codes().size());
///     }, affine<4>{}, per_group{128});
///
/// A part is about 16 MB of floats. Error feedback hands out the whole matrix as one part. Throws what
/// quantize() throws, parts before the fault having been handed out, and what `take` throws.
template <row_readable Matrix, class Take, class... Answers>
requires std::invocable<const Take&, index_t, const quantized_matrix&>
matrix_parameters quantize_in_parts(const Matrix& matrix, const Take& take, const Answers&... answers) {
  return detail::quantize_in_parts_by(matrix, detail::make_recipe(answers...), std::cref(take));
}

/// What is no dense matrix of Eigen's is told what to write instead.
template <class Input, class... Answers>
requires(!detail::dense_input<Input>)
quantized_matrix quantize(const Input&, const Answers&...) {
  constexpr bool other = detail::other_eigen_input<Input>, sequence = detail::sequence_input<Input>,
                 quantized = detail::quantized_input<Input> && !other;
  static_assert(!other,
                "bitgauge: quantize takes a dense matrix, found a sparse or structured one: write "
                "quantize(Eigen::MatrixXf(W), ...)");
  static_assert(!sequence,
                "bitgauge: quantize takes a matrix of Eigen's: write quantize(Eigen::Map<const "
                "Eigen::MatrixXf>(w.data(), rows, cols), ...), or Eigen::VectorXf for a vector");
  static_assert(!quantized,
                "bitgauge: quantize takes floats, found weights that are quantized already: write "
                "quantize(q.dequantize(), ...)");
  static_assert(other || sequence || quantized || sizeof(Input) == 0,
                "bitgauge: quantize takes a dense matrix of Eigen's as its first argument");
  return {};
}

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/matrix/quantize_definitions.hpp>
#endif
