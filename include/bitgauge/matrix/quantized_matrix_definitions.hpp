#pragma once

/// \file
/// What quantized_matrix.hpp declares.

#include <bitgauge/matrix/codes/code_encoding.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/simd/levels.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
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
  scratch.scales.resize(static_cast<std::size_t>(runs));
  scratch.zero_points.resize(static_cast<std::size_t>(runs));
  const index_t first = groups_.group_of_run(row, 0);  // the groups of a row follow each other
  scales_.read_into(first, runs, scratch.scales.data());
  for (index_t i = 0; i < runs; ++i)
    scratch.zero_points[static_cast<std::size_t>(i)] = stored_zero_point(first + i);
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
