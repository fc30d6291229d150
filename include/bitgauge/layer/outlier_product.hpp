#pragma once

/// \file
/// The product of an LLM.int8 layer: outliers in floats, the rest in integers.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/pack/layout.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace bitgauge {

/// What a forward of llm_int8 found.
struct outlier_report {
  std::vector<index_t> columns{};  ///< inputs with outliers, ascending: of any sample of the batch
  index_t inputs = 0;              ///< of the layer
  double seconds = 0;              ///< that the product took
  double outlier_seconds = 0;  ///< of these: to gather the weights of these columns and to multiply by them

  /// Of the inputs, and so of the multiplications that would have been of integers.
  double share_of_inputs() const noexcept {
    return inputs > 0 ? static_cast<double>(columns.size()) / static_cast<double>(inputs) : 0;
  }
  /// Of the product's time, as measured.
  double share_of_time() const noexcept { return seconds > 0 ? outlier_seconds / seconds : 0; }
};

namespace detail {

/// Which activations stay floats.
struct outlier_rule {
  float threshold = 6;        ///< magnitudes from here up; 0: none
  bool whole_columns = true;  ///< of a column with such a magnitude, those of the other samples, too
  const std::vector<index_t>* frozen = nullptr;  ///< these columns instead, or null
  float integer_factor = 1;                      ///< of sums of integers, besides their scales
  int threads = 0;
};

/// Where products go: that of sample s and output r to y[s * sample_step + r * row_step].
struct float_target {
  float* y;
  index_t sample_step, row_step;
};

/// The columns with an outlier in any finite sample, ascending, in place of what `columns` held.
BITGAUGE_DECLARE void find_outliers(const row_source& x, const outlier_rule& rule,
                                    std::vector<index_t>& columns);

/// Y = X W^T + bias. `weights`: signed bytes less 128, one group a row. Fills in `report` where there is one.
BITGAUGE_DECLARE void multiply_with_outliers(const kernel::weights_view& weights, std::span<const float> bias,
                                             const outlier_rule& rule, const row_source& x,
                                             const float_target& y, outlier_report* report);

/// The codes of samples, and the scale of each: what multiply_with_outliers multiplies besides `columns`.
BITGAUGE_DECLARE void encode_samples(const row_source& x, const outlier_rule& rule,
                                     std::span<const index_t> columns, std::int8_t* codes, float* scales);

}  // namespace detail
}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/layer/outlier_product_definitions.hpp>
#endif
