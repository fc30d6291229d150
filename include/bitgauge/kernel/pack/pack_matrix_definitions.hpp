#pragma once

/// \file
/// What pack_matrix.hpp declares.

#include <bitgauge/kernel/pack/pack_matrix.hpp>
#include <bitgauge/packing/dense.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace bitgauge::kernel {

namespace detail {

/// What the fields of an encoding stand for, see weights_view.
inline void describe_fields(const code_encoding& encoding, weights_view& w) {
  w.bits = encoding.bits;
  if (encoding.levels_by_row) {  // see row_codes
    w.bits = 8;
    w.center = 128;
    return;
  }
  if (!encoding.has_levels() && !encoding.is_sign_only) {
    // two's complement fields are turned into ones that count from the lowest code
    w.center = (encoding.is_signed ? 1 << (encoding.bits - 1) : 0) + encoding.center;
    return;
  }
  w.has_levels = true;
  float most = 0;
  for (int f = 0; f < 1 << encoding.bits; ++f) {
    const float level =
        encoding.is_sign_only ? (f != 0 ? 1.0f : -1.0f) : encoding.levels[static_cast<std::size_t>(f)];
    w.levels[static_cast<std::size_t>(f)] = level;
    if (numeric::is_finite(level)) most = std::max(most, std::fabs(level));
  }
  // a step of which all levels are multiples, by halves, makes integer products exact
  w.level_step = 0;
  for (float step = 1; step >= 0x1p-10f && w.level_step == 0; step /= 2) {
    bool whole = most / step <= 127;
    for (int f = 0; f < 1 << encoding.bits && whole; ++f) {
      const float multiple = w.levels[static_cast<std::size_t>(f)] / step;
      whole = !numeric::is_finite(multiple) || multiple == std::nearbyint(multiple);
    }
    if (whole) w.level_step = step;
  }
  if (w.level_step == 0) w.level_step = most > 0 ? most / 127 : 1;
  for (int f = 0; f < 1 << encoding.bits; ++f) {
    const float level = w.levels[static_cast<std::size_t>(f)];
    const float code = numeric::is_finite(level) ? std::nearbyint(level / w.level_step) : 0.0f;
    w.codes[static_cast<std::size_t>(f)] = static_cast<std::int8_t>(std::clamp(code, -127.0f, 127.0f));
  }
}

/// The levels of a row as codes of 8 bits above 128, no kernel having a table for each row, and their unit.
struct row_codes {
  std::array<std::uint8_t, 256> codes{};
  float unit = 1;

  row_codes(const code_encoding& encoding, index_t row) {
    const std::span<const float> levels(encoding.levels_of(row), std::size_t{1} << encoding.bits);
    float most = encoding.stored_levels == level_type::int8 ? 1.0f : 0.0f;
    for (const float level : levels) most = std::max(most, std::fabs(level));
    if (most > 0) unit = most / 127;
    for (std::size_t i = 0; i < levels.size(); ++i)
      codes[i] = static_cast<std::uint8_t>(128 + static_cast<int>(std::nearbyint(levels[i] / unit)));
  }
};

}  // namespace detail

BITGAUGE_DEFINE std::shared_ptr<const packed_data> pack(const quantized_matrix& q, int threads) {
  const auto data = std::make_shared<packed_data>();
  weights_view& w = data->view;
  const grouping& groups = q.groups();
  const code_encoding& encoding = q.encoding();
  const bool by_column = groups.granularity().what == granularity::kind::column && !q.is_column_vector();
  detail::describe_fields(encoding, w);
  w.rows = q.rows();
  w.cols = q.cols();
  w.group = by_column || q.is_column_vector() ? w.cols : groups.run();
  const int sign = encoding.is_signed ? 1 << (encoding.bits - 1) : 0;
  if (by_column) {
    const int center = w.has_levels ? 0 : 1 << (w.bits - 1);
    w.center = center;
    for (index_t c = 0; c < w.cols && w.rows > 0; ++c) {
      data->column_scales.push_back(q.scale(c));
      if (!w.has_levels && !encoding.levels_by_row)
        data->column_zeros.push_back(static_cast<float>(q.zero_point(c) + sign - center));
    }
  }
  row_parts parts;
  parts.halves = q.scales().type() == scale_type::f16 && !by_column && !encoding.levels_by_row;
  // bytes of integer products reach 127 above and 128 below 128, so another zero is one of each group
  parts.zero_points =
      !by_column && (encoding.has_zero_points || (w.bits == 8 && !w.has_levels && w.center != 128));
  pack_rows(*data, parts, threads, [&](index_t row, const unpacked_row& to) {
    if (q.is_column_vector()) {  // stored as one row
      const auto field = packing::dense_field(q.codes().data(), row, encoding.bits);
      const index_t group = groups.group_of(0, row);
      to.fields[0] = static_cast<std::uint8_t>(field ^ sign);
      to.scales[0] = q.scale(group);
      to.zero_points[0] = static_cast<std::uint8_t>(q.zero_point(group) + sign);
      if (encoding.levels_by_row) {
        const detail::row_codes levels(encoding, 0);
        to.fields[0] = levels.codes[field];
        to.scales[0] *= levels.unit;
      }
      return;
    }
    packing::unpack_dense(q.codes().data() + row * q.row_bytes(), w.cols, encoding.bits, to.fields);
    if (sign != 0)
      for (index_t c = 0; c < w.cols; ++c) to.fields[c] = static_cast<std::uint8_t>(to.fields[c] ^ sign);
    float unit = 1;
    if (encoding.levels_by_row) {
      const detail::row_codes levels(encoding, row);
      for (index_t c = 0; c < w.cols; ++c) to.fields[c] = levels.codes[to.fields[c]];
      unit = levels.unit;
    }
    if (by_column) {
      std::fill_n(to.scales, w.groups, unit);
      return;
    }
    const index_t first = groups.group_of_run(row, 0);
    q.scales().read_into(first, w.groups, to.scales);
    if (encoding.levels_by_row)
      for (index_t g = 0; g < w.groups; ++g) to.scales[g] *= unit;
    if (parts.zero_points)
      for (index_t g = 0; g < w.groups; ++g)
        to.zero_points[g] = static_cast<std::uint8_t>(q.zero_point(first + g) + sign);
  });
  return data;
}

}  // namespace bitgauge::kernel
