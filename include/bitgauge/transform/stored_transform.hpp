#pragma once

/// \file
/// What is kept of a transform beside the codes of the weights that it has rewritten.

#include <bitgauge/base/number_text.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/transform/transform_scheme.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace bitgauge {
namespace detail {

/// Raises data_error for a factor that is not positive and finite, or whose inverse is not finite. `of` is
/// what each belongs to: "input", "output".
inline void check_factors(const char* of, std::span<const float> factors) {
  for (std::size_t j = 0; j < factors.size(); ++j) {
    const float s = factors[j];
    if (numeric::is_finite(s) && s > 0 && numeric::is_finite(1 / s)) continue;
    raise_message<data_error>({"factor of ", of, " ", j,
                               ": expected a positive number with a finite inverse, found ",
                               general_text(static_cast<double>(s), 6)});
  }
}

}  // namespace detail

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
