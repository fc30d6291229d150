#pragma once

/// \file
/// How hard a search tries.

namespace bitgauge {

/// For the least squared error of 4-bit groups of 32 (Gaussian data, one thread with AVX-512); see mse_range.
enum class effort {
  fast,      ///< 8 scales
  standard,  ///< 24 scales, then 8 around the best
  best       ///< the true minimum
};

}  // namespace bitgauge
