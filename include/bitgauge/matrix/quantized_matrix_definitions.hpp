#pragma once

/// \file
/// What quantized_matrix.hpp declares.

#include <bitgauge/base/scratch_pool.hpp>
#include <bitgauge/matrix/codes/code_encoding.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/simd/columns.hpp>
#include <bitgauge/simd/levels.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace bitgauge {

BITGAUGE_DEFINE void quantized_matrix::dequantize_row(index_t row, float* out) const {
  if (row < 0 || row >= groups_.rows())
    detail::raise_message<shape_error>({"dequantize_row(", row, ") of ", groups_.rows(), " stored rows"});
  row_scratch scratch;
  dequantize_row(row, out, scratch);
}

BITGAUGE_DEFINE void quantized_matrix::dequantize_row(index_t row, float* out, row_scratch& scratch) const {
  const index_t cols = groups_.cols();
  scratch.fields.resize(static_cast<std::size_t>(cols));
  const std::uint8_t* fields = codes_.data() + row * row_bytes();
  if (encoding_.bits < 8) {
    simd::unpack(fields, cols, encoding_.bits, extends_sign(), scratch.fields.data());
    fields = scratch.fields.data();
  }
  decode_fields(row, fields, out, scratch);
}

BITGAUGE_DEFINE void quantized_matrix::decode_fields(index_t row, const std::uint8_t* fields, float* out,
                                                     row_scratch& scratch) const {
  const index_t cols = groups_.cols(), run = groups_.run(), runs = groups_.runs_per_row();
  // the groups of a row follow each other; those that span rows are those of the row before
  if (groups_.within_rows() || std::ssize(scratch.scales) != runs)
    read_parameters(groups_.group_of_run(row, 0), runs, scratch);
  const bool codebook = encoding_.has_levels();
  if (codebook || encoding_.is_sign_only) {
    constexpr float signs[] = {-1, 1};
    simd::decode_levels(fields, cols, run, scratch.scales.data(), codebook ? encoding_.levels_of(row) : signs,
                        encoding_.bits, out);
  } else {
    simd::row_kernels().decode(fields, cols, run, scratch.scales.data(), scratch.zero_points.data(),
                               extends_sign(), out);
  }
}

/// Those of the groups first .. first + count - 1.
BITGAUGE_DEFINE void quantized_matrix::read_parameters(index_t first, index_t count,
                                                       row_scratch& scratch) const {
  const auto n = static_cast<std::size_t>(count);
  scratch.scales.resize(n);
  scales_.read_into(first, count, scratch.scales.data());
  if (!encoding_.has_zero_points) return scratch.zero_points.assign(n, encoding_.center);
  scratch.zero_points.resize(n);
  // eight codes fill whole bytes
  const index_t before = first % 8, bits = encoding_.bits;
  scratch.zero_point_fields.resize(n + 8);
  std::uint8_t* const fields = scratch.zero_point_fields.data();
  simd::unpack(zero_points_.data() + first / 8 * bits, before + count, encoding_.bits, encoding_.is_signed,
               fields);
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint8_t field = fields[static_cast<std::size_t>(before) + i];
    scratch.zero_points[i] = encoding_.is_signed ? static_cast<std::int8_t>(field) : field;
  }
}

BITGAUGE_DEFINE detail::column_writer quantized_matrix::column_writer() const {
  if (encoding_.has_levels() || encoding_.is_sign_only) return {};
  const auto scratches = std::make_shared<detail::scratch_pool<row_scratch>>();
  return [this, scratches](index_t first, index_t count, float* out, index_t col_step, bool past_caches) {
    const auto scratch = scratches->borrow();
    const bool shared = !groups_.within_rows();
    const index_t runs = groups_.runs_per_row(), stride = shared ? 0 : runs;
    read_parameters(groups_.group_of_run(first, 0), shared ? runs : runs * count, *scratch);
    const std::uint8_t* const packed = codes_.data() + first * row_bytes();
    constexpr index_t together = 512, fields_stride = together + 64;  // their codes stay in a cache, apart
    const int bits = encoding_.bits;
    scratch->fields.resize(static_cast<std::size_t>(count * fields_stride));
    std::uint8_t* const fields = scratch->fields.data();
    for (index_t column = 0; column < groups_.cols(); column += together) {
      const index_t width = std::min(together, groups_.cols() - column), next = column + width;
      const std::uint8_t* const from = packed + column / 8 * bits;
      const index_t next_bytes = packing::dense_bytes(std::min(together, groups_.cols() - next), bits);
      for (index_t r = 0; r < count; ++r) {
        simd::fetch(packed + r * row_bytes() + next / 8 * bits, next_bytes);
        simd::unpack(from + r * row_bytes(), width, bits, extends_sign(), fields + r * fields_stride);
      }
      const index_t i = column / groups_.run();
      simd::column_kernels().decode_columns(fields, fields_stride, count, width, column % groups_.run(),
                                            groups_.run(), scratch->scales.data() + i,
                                            scratch->zero_points.data() + i, stride, extends_sign(),
                                            out + column * col_step, col_step, past_caches);
    }
  };
}

/// Checks that the parts fit together; returns the largest magnitude of a scale.
BITGAUGE_DEFINE float quantized_matrix::validate() const {
  const char* what = nullptr;
  index_t expected = 0, found = 0;
  const auto expect = [&](const char* part, index_t bytes, std::size_t size) {
    if (what != nullptr || static_cast<index_t>(size) == bytes) return;
    what = part;
    expected = bytes;
    found = static_cast<index_t>(size);
  };
  const detail::encoding_fault fault = detail::fault_of(encoding_, encoding_.has_levels());
  if (fault.field != nullptr)
    detail::raise_message<invalid_scheme>({"quantized matrix: ", fault.field, ": ", fault.problem});
  if (is_column_vector_ && groups_.rows() != 1)
    detail::raise_message<shape_error>(
        {"quantized matrix: a column vector is stored as 1 row, found ", groups_.rows()});
  const index_t count = groups_.count();
  expect("codes", groups_.rows() * row_bytes(), codes_.size());
  expect("scales", scale_bytes(scales_.storage(), count), scales_.bytes().size());
  expect("zero points", encoding_.has_zero_points ? packing::dense_bytes(count, encoding_.bits) : 0,
         zero_points_.size());
  if (encoding_.has_levels())
    expect(
        "levels",
        ((encoding_.levels_by_row ? groups_.rows() : index_t{1}) << encoding_.bits) * index_t{sizeof(float)},
        encoding_.levels.size() * sizeof(float));
  if (what != nullptr)
    detail::raise_message<shape_error>(
        {"quantized matrix: ", what, ": expected ", expected, " bytes, found ", found});
  for (std::size_t i = 0; encoding_.levels_by_row && i < encoding_.levels.size(); ++i)
    if (const float level = encoding_.levels[i];
        !numeric::is_finite(level) || detail::stored_level(encoding_.stored_levels, level) != level)
      detail::raise_message<data_error>(
          {"quantized matrix: levels of row ", static_cast<index_t>(i) >> encoding_.bits,
           ": expected numbers of the type that they are stored as, found ", level});
  float some[256], largest = 0;
  for (index_t first = 0; first < count; first += std::ssize(some)) {
    const index_t n = std::min(std::ssize(some), count - first);
    scales_.read_into(first, n, some);
    for (index_t i = 0; i < n; ++i) {
      if (!numeric::is_finite(some[i]))
        detail::raise_message<data_error>(
            {"quantized matrix: scale of group ", first + i, ": expected a finite value, found ", some[i]});
      largest = std::max(largest, std::fabs(some[i]));
    }
  }
  return largest;
}

/// An FP8 grid has codes of NaN and of infinity, and a large scale can take a level beyond binary32: no code
/// may stand for such a value.
BITGAUGE_DEFINE void quantized_matrix::require_finite_values(float largest_scale) const {
  const bool all_levels_finite =
      std::all_of(encoding_.levels.begin(), encoding_.levels.end(), numeric::is_finite);
  if (size() == 0 || (all_levels_finite && numeric::is_finite(largest_scale * detail::reach_of(encoding_))))
    return;
  std::vector<float> values(static_cast<std::size_t>(groups_.cols()));
  row_scratch scratch;
  for (index_t row = 0; row < groups_.rows(); ++row) {
    dequantize_row(row, values.data(), scratch);
    const auto fault = std::find_if_not(values.begin(), values.end(), numeric::is_finite);
    if (fault == values.end()) continue;
    const index_t at = fault - values.begin();
    detail::raise_message<data_error>({"quantized matrix: row ", is_column_vector_ ? at : row, ", column ",
                                       is_column_vector_ ? row : at, ": expected a finite value, found ",
                                       *fault});
  }
}

}  // namespace bitgauge
