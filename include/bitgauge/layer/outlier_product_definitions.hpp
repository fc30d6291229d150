#pragma once

/// \file
/// What outlier_product.hpp declares.

#include <bitgauge/base/aligned_buffer.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/base/scratch_pool.hpp>
#include <bitgauge/bitsandbytes/vectorwise.hpp>
#include <bitgauge/kernel/activations/columns.hpp>
#include <bitgauge/kernel/product/product.hpp>
#include <bitgauge/kernel/product/product_target.hpp>
#include <bitgauge/kernel/product_options.hpp>
#include <bitgauge/layer/outlier_product.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/simd/row.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <mutex>

namespace bitgauge::detail {

/// What a call needs, and each of its threads; kept from call to call.
struct outlier_scratch {
  std::vector<std::uint8_t> flags;
  std::vector<index_t> columns;
  aligned_buffer<float> codes, scales, outliers;
  kernel::packed_data weights;
};
struct outlier_row_scratch {
  std::vector<float> rows, row, low, high;
  std::vector<std::uint8_t> flags, codes;
};
inline scratch_pool<outlier_scratch>& outlier_scratches() {
  static scratch_pool<outlier_scratch> pool;
  return pool;
}
inline scratch_pool<outlier_row_scratch>& outlier_row_scratches() {
  static scratch_pool<outlier_row_scratch> pool;
  return pool;
}

inline std::uint32_t least_outlier(const outlier_rule& rule) {
  return rule.threshold > 0 ? numeric::magnitude_bits(rule.threshold) : numeric::infinity_bits;
}

/// Sets flags[c] where x(c) is an outlier, and returns whether one is; none is in a sample that is not finite.
inline bool flag_outliers(const float* x, index_t cols, std::uint32_t least, outlier_row_scratch& own) {
  constexpr index_t run = 64;  // most of which have none: these are found in vectors
  const index_t runs = (cols + run - 1) / run;
  own.low.resize(static_cast<std::size_t>(runs));
  own.high.resize(static_cast<std::size_t>(runs));
  const std::uint32_t most = simd::extents(x, cols, run, own.low.data(), own.high.data());
  if (most < least || most >= numeric::infinity_bits) return false;
  for (index_t b = 0; b < runs; ++b) {
    const auto at = static_cast<std::size_t>(b);
    if (std::max(numeric::magnitude_bits(own.low[at]), numeric::magnitude_bits(own.high[at])) < least)
      continue;
    for (index_t c = b * run; c < std::min(cols, (b + 1) * run); ++c)
      if (numeric::magnitude_bits(x[c]) >= least) own.flags[static_cast<std::size_t>(c)] = 1;
  }
  return true;
}

/// Samples that are read together.
inline constexpr index_t outlier_panel = 16;

BITGAUGE_DEFINE void find_outliers(const row_source& x, const outlier_rule& rule,
                                   std::vector<index_t>& columns) {
  columns.clear();
  if (rule.frozen != nullptr) {
    columns.assign(rule.frozen->begin(), rule.frozen->end());
    return;
  }
  const std::uint32_t least = least_outlier(rule);
  if (least >= numeric::infinity_bits || x.cols() == 0) return;
  const auto scratch = outlier_scratches().borrow();
  scratch->flags.assign(static_cast<std::size_t>(x.cols()), 0);
  std::mutex mutex;
  parallel_for((x.rows() + outlier_panel - 1) / outlier_panel, rule.threads, [&](index_t item) {
    const auto own = outlier_row_scratches().borrow();
    const index_t first = item * outlier_panel, count = std::min(outlier_panel, x.rows() - first);
    const row_source::panel rows = x.read(first, count, own->rows);
    own->flags.assign(scratch->flags.size(), 0);
    bool any = false;
    for (index_t s = 0; s < count; ++s) any = flag_outliers(rows.row(s), x.cols(), least, *own) || any;
    if (!any) return;
    const std::lock_guard lock(mutex);
    for (std::size_t c = 0; c < own->flags.size(); ++c) scratch->flags[c] |= own->flags[c];
  });
  for (index_t c = 0; c < x.cols(); ++c)
    if (scratch->flags[static_cast<std::size_t>(c)] != 0) columns.push_back(c);
}

/// The codes of a sample, and its scale. `outliers`, where it is not null: of each column, what stays float.
inline float encode_sample_but(std::span<const index_t> columns, const outlier_rule& rule, const float* x,
                               index_t cols, std::uint8_t* codes, float* outliers, outlier_row_scratch& own) {
  const std::uint32_t least = least_outlier(rule);
  const bool whole = rule.whole_columns || rule.frozen != nullptr;
  if (cols == 0) return 0;
  float low, high;
  if (simd::extents(x, cols, cols, &low, &high) >= numeric::infinity_bits) {
    std::fill_n(codes, cols, std::uint8_t{0});
    if (outliers != nullptr) std::fill_n(outliers, columns.size(), 0.0f);
    return std::numeric_limits<float>::quiet_NaN();
  }
  if (columns.empty()) return bitsandbytes::detail::encode_vectorwise(x, cols, codes);
  own.row.assign(x, x + cols);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    float& value = own.row[static_cast<std::size_t>(columns[i])];
    const bool is_outlier = rule.frozen != nullptr || numeric::magnitude_bits(value) >= least;
    if (outliers != nullptr) outliers[i] = is_outlier || whole ? value : 0.0f;
    // as bitsandbytes has it, what is below the threshold in a column with outliers counts for the scale
    if (is_outlier) value = 0;
  }
  const float scale = bitsandbytes::detail::encode_vectorwise(own.row.data(), cols, codes);
  if (whole)
    for (const index_t c : columns) codes[c] = 0;
  return scale;
}

BITGAUGE_DEFINE void encode_samples(const row_source& x, const outlier_rule& rule,
                                    std::span<const index_t> columns, std::int8_t* codes, float* scales) {
  outlier_row_scratch own;
  for (index_t s = 0; s < x.rows(); ++s) {
    const row_source::panel row = x.read(s, 1, own.rows);
    scales[s] = encode_sample_but(columns, rule, row.data, x.cols(),
                                  reinterpret_cast<std::uint8_t*>(codes + s * x.cols()), nullptr, own);
  }
}

/// Sums of codes to floats: y = sum * scale of the sample + bias of the output.
struct scaled_target {
  float_target to;
  const float* scales;
  std::span<const float> bias;

  static void store(const kernel::product_target& target, index_t row, index_t sample, const float* sums,
                    index_t count) {
    const auto& own = *static_cast<const scaled_target*>(target.data);
    float* y = own.to.y + sample * own.to.sample_step + row * own.to.row_step;
    const float scale = own.scales[sample];
    for (index_t i = 0; i < count; ++i, y += own.to.row_step) {
      *y = sums[i] * scale;
      if (!own.bias.empty()) *y += own.bias[static_cast<std::size_t>(row + i)];
    }
  }
};
/// y += what comes.
inline void add_floats(const kernel::product_target& target, index_t row, index_t sample, const float* values,
                       index_t count) {
  float* y = static_cast<float*>(target.data) + sample * target.sample_step + row * target.row_step;
  for (index_t i = 0; i < count; ++i, y += target.row_step) *y += values[i];
}

BITGAUGE_DEFINE void multiply_with_outliers(const kernel::weights_view& weights, std::span<const float> bias,
                                            const outlier_rule& rule, const row_source& x,
                                            const float_target& y, outlier_report* report) {
  using clock = std::chrono::steady_clock;
  const auto since = [](clock::time_point start) {
    return std::chrono::duration<double>(clock::now() - start).count();
  };
  constexpr index_t together = 512;  // samples
  const clock::time_point start = clock::now();
  const auto scratch = outlier_scratches().borrow();
  find_outliers(x, rule, scratch->columns);
  const std::span<const index_t> columns(scratch->columns);
  const index_t outliers = std::ssize(columns), cols = x.cols();
  double outlier_seconds = 0;
  if (outliers > 0) {
    const clock::time_point gathering = clock::now();
    kernel::gather_columns(weights, columns, scratch->weights, rule.threads);
    outlier_seconds += since(gathering);
  }
  product_options integer, exact;
  integer.precision = product_precision::integer;
  integer.activation_block = whole_sample;
  integer.frozen = parameters{1.0f, 0};  // they are codes already
  integer.threads = exact.threads = rule.threads;
  for (index_t first = 0; first < x.rows(); first += together) {
    const index_t samples = std::min(together, x.rows() - first);
    const auto room = [](index_t count) { return static_cast<std::size_t>(count); };
    float* const codes = scratch->codes.reserve(room(samples * cols));
    float* const scales = scratch->scales.reserve(room(samples));
    float* const kept = scratch->outliers.reserve(room(samples * outliers));
    parallel_for((samples + outlier_panel - 1) / outlier_panel, rule.threads, [&](index_t item) {
      const auto own = outlier_row_scratches().borrow();
      const index_t from = item * outlier_panel, count = std::min(outlier_panel, samples - from);
      const row_source::panel rows = x.read(first + from, count, own->rows);
      own->codes.resize(room(cols));
      for (index_t s = from; s < from + count; ++s) {
        scales[s] = encode_sample_but(columns, rule, rows.row(s - from), cols, own->codes.data(),
                                      kept + s * outliers, *own) *
                    rule.integer_factor;
        const float one = 1;
        const std::int32_t zero_point = 0;
        if (cols > 0)
          simd::row_kernels().decode(own->codes.data(), cols, cols, &one, &zero_point, true,
                                     codes + s * cols);
      }
    });
    const float_target to{y.y + first * y.sample_step, y.sample_step, y.row_step};
    scaled_target scaled{to, scales, bias};
    kernel::multiply(weights, row_source(codes, samples, cols, cols, 1),
                     {&scaled, 0, 0, scaled_target::store}, integer);
    if (outliers == 0) continue;
    const clock::time_point multiplying = clock::now();
    kernel::multiply(scratch->weights.view, row_source(kept, samples, outliers, outliers, 1),
                     {to.y, to.row_step, to.sample_step, add_floats}, exact);
    outlier_seconds += since(multiplying);
  }
  if (report == nullptr) return;
  report->columns.assign(columns.begin(), columns.end());
  report->inputs = cols;
  report->seconds = since(start);
  report->outlier_seconds = outlier_seconds;
}

}  // namespace bitgauge::detail
