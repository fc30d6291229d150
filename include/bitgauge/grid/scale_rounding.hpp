#pragma once

/// \file
/// What the choice of a range must know of how scales are stored, without knowing the storage.

#include <cfloat>

namespace bitgauge {

/// Rounds scales to the values that their storage can hold. A scale is rounded before codes are chosen, so
/// that codes and the stored scale belong together. This base class is 32-bit storage.
class scale_rounding {
 public:
  virtual ~scale_rounding() = default;

  /// The stored value nearest to `scale` >= 0. 0 stays 0 and nothing else becomes 0: what is smaller than the
  /// smallest stored value (for binary32 the smallest normal, whose inverse is finite) is raised to it.
  /// Throws data_error where the storage overflows.
  virtual float nearest(float scale) const { return scale > 0 && scale < FLT_MIN ? FLT_MIN : scale; }
};

/// 1 / scale as codes are computed with; 0 where the scale is 0, so that an all-zero group gets its zero
/// point.
inline float inverse_scale(float scale) noexcept {
  return scale > 0 ? 1.0f / scale : 0.0f;
}

}  // namespace bitgauge
