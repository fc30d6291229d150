#pragma once

/// \file
/// Transforms of a matrix that is there.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/transform/transform.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstddef>
#include <span>

namespace bitgauge {

/// As change_inputs(), over the samples themselves: no memory is fetched. Throws shape_error; the samples are
/// then as before.
template <input_transform T>
void change_inputs_in_place(const T& t, Eigen::Ref<row_matrix> samples, int threads = 0) {
  const index_t inputs = t.inputs();
  if (samples.cols() != inputs)
    detail::raise_message<shape_error>(
        {"transform: samples: expected rows of ", inputs, " inputs, found ", samples.cols()});
  constexpr index_t height = 16;
  parallel_for((samples.rows() + height - 1) / height, threads, [&](index_t part) {
    const index_t last = std::min((part + 1) * height, samples.rows());
    for (index_t r = part * height; r < last; ++r)
      t.change_input(std::span(samples.data() + r * samples.outerStride(), detail::as_size(inputs)));
  });
}

}  // namespace bitgauge
