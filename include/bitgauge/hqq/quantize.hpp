#pragma once

/// \file
/// HQQ's own quantizer. Badri and Shaji, "Half-Quadratic Quantization of Large Machine Learning Models", 2023.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/grid/integer.hpp>
#include <bitgauge/hqq/tensor.hpp>
#include <bitgauge/numeric/require_finite.hpp>
#include <bitgauge/range/search/half_quadratic.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bitgauge {

/// Quantizes a matrix as hqq's Quantizer does, in groups of `group_size` along `axis` (see hqq_tensor). Groups are the
/// fixed points of one common iteration. range/hqq.hpp offers the same search for grids and granularities of this
/// library. Throws invalid_scheme on bits outside 1..8 or another axis, shape_error where group_size does not divide
/// the number of elements, data_error on NaN or infinity. Cost: at most search.iterations passes.
template <class Derived>
hqq_tensor hqq_quantize(const Eigen::DenseBase<Derived>& matrix, int bits, index_t group_size, int axis = 1,
                        hqq_search search = {}, int threads = 0) {
  detail::require_bits(bits);
  if (axis != 0 && axis != 1)
    raise(invalid_scheme("HQQ axis: expected 0 or 1, found " + std::to_string(axis)));
  const index_t count = matrix.size();
  if (group_size < 1 || count % group_size != 0)
    raise(shape_error("HQQ: expected whole groups of " + std::to_string(group_size) + ", found " +
                      std::to_string(count) + " values"));
  const packing::float_matrix values = matrix.derived().template cast<float>();
  detail::require_finite({values.data(), static_cast<std::size_t>(count)});

  const index_t group_count = count / group_size, stride = axis == 1 ? 1 : group_count;
  const auto first = [&](index_t g) { return values.data() + (axis == 1 ? g * group_size : g); };
  std::vector<detail::hqq_group> groups(static_cast<std::size_t>(group_count));
  for (index_t g = 0; g < group_count; ++g) {
    float low = *first(g), high = low;
    for (index_t i = 0; i < group_size; ++i) {
      low = std::min(low, first(g)[i * stride]);
      high = std::max(high, first(g)[i * stride]);
    }
    groups[static_cast<std::size_t>(g)] =
        detail::hqq_group::from_extent(low, high, static_cast<float>((1 << bits) - 1));
  }
  detail::hqq_run(search, groups, threads, [&](index_t g, double beta) {
    return detail::hqq_step(first(g), group_size, stride, static_cast<double>(search.norm), beta,
                            groups[static_cast<std::size_t>(g)]);
  });

  hqq_tensor result{
      .bits = bits, .rows = matrix.rows(), .cols = matrix.cols(), .group_size = group_size, .axis = axis};
  for (const auto& group : groups) {
    result.scales.push_back(1 / group.inverse_scale);
    result.zeros.push_back(group.zero);
  }
  result.codes.resize(axis == 1 ? group_count : group_size, axis == 1 ? group_size : group_count);
  for (index_t i = 0; i < count; ++i) {
    const index_t g = axis == 1 ? i / group_size : i % group_count;
    result.codes.data()[i] =
        static_cast<std::uint8_t>(groups[static_cast<std::size_t>(g)].code(values.data()[i]));
  }
  return result;
}

}  // namespace bitgauge
