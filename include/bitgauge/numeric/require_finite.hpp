#pragma once

/// \file
/// NaN and infinity refused where numbers are a plain sequence; matrices pass by matrix/answers/nonfinite.hpp.

#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <cstddef>
#include <span>

namespace bitgauge::detail {

/// Raises data_error for the first element that is NaN or infinite. One pass.
inline void require_finite(std::span<const float> values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!numeric::is_finite(values[i]))
      raise_message<data_error>({"element ", i, " is not finite: expected finite values"});
}

}  // namespace bitgauge::detail
