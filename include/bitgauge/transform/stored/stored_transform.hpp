#pragma once

/// \file
/// What is kept of a transform beside the codes of the weights that it has rewritten.

#include <bitgauge/transform/stored/transform_scheme.hpp>

#include <vector>

namespace bitgauge {

/// The weights stored are W' = diag(1 / output factors) W T^-1, and W x = diag(output factors) W' (T x); T is
/// diag(1 / input factors), or of rotate the rotation that its seed gives. any_transform computes with it.
struct stored_transform {
  transform_scheme scheme{};
  std::vector<float> input_factors{};   ///< one an input, or none where the scheme has none
  std::vector<float> output_factors{};  ///< one an output, or none where the scheme has none

  bool has_input_factors() const noexcept { return scheme.what != transform_scheme::kind::rotate; }
  bool has_output_factors() const noexcept { return scheme.what == transform_scheme::kind::equalize; }
};

}  // namespace bitgauge
