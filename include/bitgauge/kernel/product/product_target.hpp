#pragma once

/// \file
/// What products read and where they write.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>

#include <cstddef>
#include <cstring>
#include <type_traits>

namespace bitgauge {
namespace detail {

/// Throws shape_error where `w` and inputs of `found` rows do not go together.
template <class Weights>
void require_product_shape(const Weights& w, index_t found) {
  if (w.cols() != found)
    raise_message<shape_error>({"product of ", w.rows(), " x ", w.cols(), " quantized weights: expected ",
                                w.cols(), " rows of input, found ", found});
}

}  // namespace detail

namespace kernel {

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

/// Calls action(row_source) with the columns of `x`, samples, as rows. An expression is evaluated once.
template <class X, class Action>
void with_samples(const X& x, const Action& action) {
  if constexpr (bitgauge::detail::is_addressable<X>) {
    const index_t sample_step = X::IsRowMajor ? x.innerStride() : x.outerStride();
    const index_t step = X::IsRowMajor ? x.outerStride() : x.innerStride();
    action(row_source(x.data(), x.cols(), x.rows(), sample_step, step));
  } else {
    with_samples(typename X::PlainObject(x), action);
  }
}

}  // namespace kernel
}  // namespace bitgauge
