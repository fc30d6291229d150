#pragma once

/// \file
/// A quantized matrix from codes, scales and zero points that come from elsewhere, as matrices of Eigen's.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/answers/answers.hpp>
#include <bitgauge/matrix/answers/input_kind.hpp>
#include <bitgauge/matrix/answers/recipe.hpp>
#include <bitgauge/matrix/layout.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/packing/dense.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge {
namespace detail {

inline std::string shape_text(index_t rows, index_t cols) {
  return std::to_string(rows) + " x " + std::to_string(cols);
}

/// Raises shape_error where `count` scales a row of `cols` may as well be of groups whose size is a power of
/// two, with a shorter one behind: 300 columns and 3 scales are groups of 100, or of 128, 128 and 44.
inline void require_one_reading(index_t rows, index_t cols, index_t count) {
  const index_t even = cols / count;
  index_t power = 16;  // smaller groups are not stored
  while (power < even) power *= 2;
  if (power > even && even > 1 && (cols + power - 1) / power == count)
    raise_message<shape_error>({"from_codes: scales of ", shape_text(rows, count), " for codes of ",
                                shape_text(rows, cols), " may be of groups of ", even, " or of ", power,
                                ": pass a granularity, such as per_group{", power, "}"});
}

/// What the shape of the scales says about groups. Raises shape_error where it can be read in no way, or in
/// two.
inline granularity groups_from_shape(index_t rows, index_t cols, index_t scale_rows, index_t scale_cols) {
  if (scale_rows == rows && scale_cols == 1) return per_row{};
  if (scale_rows == 1 && scale_cols == 1) return per_tensor{};
  if (scale_rows == rows && scale_cols > 1 && cols % scale_cols == 0) {
    require_one_reading(rows, cols, scale_cols);
    return per_group{cols / scale_cols};
  }
  if (scale_rows == 1 && scale_cols == cols) return per_column{};
  raise(shape_error("from_codes: scales of " + shape_text(scale_rows, scale_cols) +
                    " do not divide codes of " + shape_text(rows, cols) +
                    ": pass a granularity, such as per_group{128}"));
}

/// Takes codes apart, checks them and puts them together; knows no types but int and float.
class code_assembly {
 public:
  code_assembly(const recipe& answers, const grouping& groups, bool is_column_vector)
      : answers_(answers),
        is_column_vector_(is_column_vector),
        groups_(groups),
        encoding_(encoding_of(*answers.grid)),
        codes_(static_cast<std::size_t>(groups.rows() * packing::dense_bytes(groups.cols(), encoding_.bits))),
        scales_(answers.scales, groups.count()) {
    if (answers.grid->fits_rows())
      raise(invalid_scheme(
          "from_codes: rows that have levels of their own come with these to the constructor of "
          "quantized_matrix"));
    if (is_nested(answers.scales.type))
      raise(
          invalid_scheme("from_codes: scales are numbers of f32, f16, bf16 or e8m0; those that are quantized "
                         "themselves come as a scale_array to the constructor of quantized_matrix"));
  }

  /// Sets a stored row from value(col).
  template <class Value>
  void set_row(index_t row, const Value& value) {
    fields_.resize(static_cast<std::size_t>(groups_.cols()));
    for (index_t c = 0; c < groups_.cols(); ++c)
      fields_[static_cast<std::size_t>(c)] = field_of(value(c), [&] {
        return "code at (" + std::to_string(is_column_vector_ ? c : row) + ", " +
               std::to_string(is_column_vector_ ? row : c) + ")";
      });
    const std::vector<std::uint8_t> packed =
        packing::packed_dense(fields_.data(), groups_.cols(), encoding_.bits);
    std::copy(packed.begin(), packed.end(),
              codes_.data() + row * packing::dense_bytes(groups_.cols(), encoding_.bits));
  }
  void set_scale(index_t group, double scale) {
    const auto stored = static_cast<float>(scale);
    const bool has_sign = answers_.grid->has_signed_scales();
    if (!numeric::is_finite(stored) || !(has_sign || stored >= 0))
      raise_message<data_error>({"from_codes: scale of group ", group, ": expected a finite value",
                                 has_sign ? "" : " from 0 up", ", found ", scale});
    scales_.set(group, scale_array::rounding(scales_, group).nearest(stored));
    if (static_cast<double>(scales_[group]) != scale)
      raise_message<data_error>({"from_codes: scale of group ", group, ": ", scale,
                                 " is not a number of the storage asked for, the nearest is ", scales_[group],
                                 ": round the scales, or pass f32_scales"});
  }
  void set_zero_points(std::vector<std::int64_t> values) {
    std::vector<std::uint8_t> fields;
    for (std::size_t g = 0; g < values.size(); ++g)
      fields.push_back(field_of(values[g], [&] { return "zero point of group " + std::to_string(g); }));
    zero_points_ = packing::packed_dense(fields.data(), std::ssize(fields), encoding_.bits);
  }

  quantized_matrix result() && {
    return {groups_,
            std::move(encoding_),
            std::move(codes_),
            std::move(scales_),
            std::move(zero_points_),
            is_column_vector_};
  }

 private:
  template <class Where>
  std::uint8_t field_of(std::int64_t code, const Where& where) const {
    const integer_grid* integer = answers_.grid->integer();
    const int lowest = integer != nullptr ? integer->lowest : 0,
              highest = integer != nullptr ? integer->highest : (1 << encoding_.bits) - 1;
    const bool sign_only = integer != nullptr && integer->is_sign_only();
    if (code < lowest || code > highest || (sign_only && code == 0))
      raise(data_error("from_codes: " + where() + ": expected " + std::to_string(lowest) +
                       (sign_only ? " or " : " to ") + std::to_string(highest) + ", found " +
                       std::to_string(code)));
    if (sign_only) return code > 0 ? 1 : 0;
    return static_cast<std::uint8_t>(code & ((1 << encoding_.bits) - 1));
  }

  const recipe& answers_;
  bool is_column_vector_;
  grouping groups_;
  code_encoding encoding_;
  buffer<std::uint8_t> codes_;
  scale_array scales_;
  std::vector<std::uint8_t> fields_, zero_points_;
};

template <class Codes, class Scales, class ZeroPoints, class... Answers>
quantized_matrix assemble_codes(const Codes& codes, const Scales& scales, const ZeroPoints* zero_points,
                                const Answers&... answers) {
  static_assert(std::is_integral_v<typename Codes::Scalar>,
                "bitgauge: from_codes takes codes as whole numbers: write codes.cast<int>()");
  static_assert(std::is_floating_point_v<typename Scales::Scalar>,
                "bitgauge: from_codes takes scales of float or double: write scales.cast<float>()");
  static_assert(
      answers_to<question::grid, Answers...> == 1,
      "bitgauge: from_codes wants to know what a code stands for: pass one grid, such as affine<4>{}, "
      "symmetric<8>{} or nf4{}");
  static_assert(
      ((question_of<Answers>() == question::grid || question_of<Answers>() == question::granularity ||
        question_of<Answers>() == question::scale_storage) &&
       ...),
      "bitgauge: from_codes takes a grid, a granularity and a scale storage: nothing is left to choose");
  check_contradictions<Answers...>();
  recipe all;
  (all.set(answers), ...);
  constexpr bool column = is_column_vector<Codes>;
  const index_t rows = column ? 1 : codes.rows(), cols = column ? codes.rows() : codes.cols();
  const index_t scale_rows = column ? scales.cols() : scales.rows(),
                scale_cols = column ? scales.rows() : scales.cols();
  if constexpr (answers_to<question::granularity, Answers...> == 0) {
    if (codes.size() > 0) all.groups = groups_from_shape(rows, cols, scale_rows, scale_cols);
  }
  const grouping groups(all.groups, rows, cols);
  const auto [expected_rows, expected_cols] = parameter_shape(groups, column);
  const auto require_shape = [&, r = expected_rows, c = expected_cols](const char* what, const auto& found) {
    if (found.rows() != r || found.cols() != c)
      raise(shape_error(std::string("from_codes: ") + what + ": expected " + shape_text(r, c) + ", found " +
                        shape_text(found.rows(), found.cols())));
  };
  if (groups.count() > 0) require_shape("scales", scales);
  const auto& given_scales = scales.eval();
  const auto& given_codes = codes.eval();
  code_assembly parts(all, groups, column);
  for (index_t r = 0; r < rows; ++r)
    parts.set_row(r, [&](index_t c) {
      return static_cast<std::int64_t>(column ? given_codes(c, r) : given_codes(r, c));
    });
  for (index_t g = 0; g < groups.count(); ++g)
    parts.set_scale(g, static_cast<double>(given_scales(g / expected_cols, g % expected_cols)));
  if constexpr (!std::same_as<ZeroPoints, void>) {
    static_assert(std::is_integral_v<typename ZeroPoints::Scalar>,
                  "bitgauge: from_codes takes zero points as whole numbers: write zero_points.cast<int>()");
    if (!all.grid->has_zero_point())
      raise(
          invalid_scheme("from_codes: this grid has no zero points of groups: leave them out, or pass "
                         "affine<4>{} or its like"));
    if (groups.count() > 0) require_shape("zero points", *zero_points);
    const auto& given = zero_points->eval();
    std::vector<std::int64_t> values;
    for (index_t g = 0; g < groups.count(); ++g)
      values.push_back(static_cast<std::int64_t>(given(g / expected_cols, g % expected_cols)));
    parts.set_zero_points(std::move(values));
  } else if (all.grid->has_zero_point()) {
    raise(
        invalid_scheme("from_codes: this grid has a zero point for each group: pass them behind the scales"));
  }
  return std::move(parts).result();
}

}  // namespace detail

/// A quantized matrix from foreign parts: `codes`, out x in, of any integer type; `scales` of float or
/// double, a row for each row of codes (one where groups span rows) and a column for each group of a row;
/// `zero_points`, integers in the same shape. `answers`: the grid that says what a code stands for, and, in
/// any order, a granularity and a scale storage. Without a granularity the shape of the scales tells it, all
/// groups of a row being equally long; a shape that groups of a power of two with a shorter last one have as
/// well (3 scales for 300 columns: 100 or 128) is an error. Without a storage scales are f32.
///
///     Eigen::MatrixXi codes(64, 256);  Eigen::MatrixXf scales(64, 2);  Eigen::MatrixXi zero_points(64, 2);
///     auto q = from_codes(codes, scales, zero_points, affine<4>{});      // groups of 128
///     auto p = from_codes(codes, scales, symmetric<8>{}, f16_scales);    // no zero points
///
/// real = scale * (code - zero_point). codes_as(), scales_as_matrix() and zero_points_as_matrix() are the way
/// back. A column vector of codes is one of the result. Throws shape_error for shapes that do not fit,
/// data_error for a code or zero point outside the grid's codes (by its position), for a scale that is
/// negative, not finite or no number of its storage, and invalid_scheme for zero points where the grid has
/// none, or none where it has.
template <class Codes, class Scales, class ZeroPoints, class... Answers>
quantized_matrix from_codes(const Eigen::DenseBase<Codes>& codes, const Eigen::DenseBase<Scales>& scales,
                            const Eigen::DenseBase<ZeroPoints>& zero_points, const Answers&... answers) {
  return detail::assemble_codes(codes.derived(), scales.derived(), &zero_points.derived(), answers...);
}
/// The same for a grid without zero points of groups: symmetric ones and codebooks.
template <class Codes, class Scales, class... Answers>
requires(!detail::dense_input<Answers> && ...)
quantized_matrix from_codes(const Eigen::DenseBase<Codes>& codes, const Eigen::DenseBase<Scales>& scales,
                            const Answers&... answers) {
  return detail::assemble_codes(codes.derived(), scales.derived(), static_cast<const void*>(nullptr),
                                answers...);
}

}  // namespace bitgauge
