#pragma once

/// \file
/// Y = W X for packed weights: the schedule around the kernels.

#include <bitgauge/base/config.hpp>
#include <bitgauge/kernel/pack.hpp>
#include <bitgauge/kernel/product_options.hpp>
#include <bitgauge/matrix/row_source.hpp>

#include <cstddef>
#include <cstring>
#include <type_traits>

namespace bitgauge::kernel {

/// Where products go: that of row r and sample s to data + r * row_step + s * sample_step.
struct product_target {
  void* data = nullptr;
  index_t row_step = 0, sample_step = 0;
  /// Converts `count` floats of neighbouring rows of one sample.
  void (*store)(const product_target& to, index_t row, index_t sample, const float* values,
                index_t count) = nullptr;
};

/// A target of plain memory.
template <class Scalar>
product_target target_of(Scalar* data, index_t row_step, index_t sample_step) {
  return {data, row_step, sample_step,
          [](const product_target& to, index_t row, index_t sample, const float* values, index_t count) {
            Scalar* const out = static_cast<Scalar*>(to.data) + row * to.row_step + sample * to.sample_step;
            if constexpr (std::is_same_v<Scalar, float>) {
              if (to.row_step == 1) {
                std::memcpy(out, values, static_cast<std::size_t>(count) * sizeof(float));
                return;
              }
            }
            for (index_t i = 0; i < count; ++i) out[i * to.row_step] = static_cast<Scalar>(values[i]);
          }};
}

/// Samples are the rows of `x`. Sizes and options have been checked but for activation_block.
BITGAUGE_DECLARE void multiply(const weights_view& w, const row_source& x, const product_target& y,
                               const product_options& options);

}  // namespace bitgauge::kernel

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/kernel/product_definitions.hpp>
#endif
