#pragma once

/// \file
/// The settings of trellis-coded quantization, and what it says about its work.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <string>
#include <vector>

namespace bitgauge {

/// What trellis-coded quantization did to a matrix.
struct trellis_report {
  double bits = 0;  ///< of a weight, all that is stored counted but for what fills up to the size asked for
  double damping = 0;  ///< what was added to the Hessian's diagonal
  int passes = 0;      ///< over all rows
};

/// Integers without end in steps of a column each, on a trellis, entropy-coded: any number of bits a weight.
struct trellis {
  double bits = 4;  ///< a weight, all that is stored counted: from 0.1 to 12
  int states =
      8;  ///< of the trellis_code: 1, or 4 to 256; each doubling gains 0.05 dB and doubles the search
  index_t tile_rows = 256;  ///< rows that decode alone; 64 lose 0.1 dB against 256, with 64 states 0.15
  bool act_order = true;    ///< with a Hessian: columns in the order of its falling diagonal
  /// With a Hessian: added to its diagonal, as a fraction of its mean, against inputs that others do not have. Below 0:
  /// chosen for the rate and the number of samples. 0 is best for the samples themselves.
  double damping = -1;
  trellis_report* report = nullptr;  ///< filled in where given

  /// Throws invalid_scheme for settings out of range.
  void check() const {
    if (!(bits >= 0.1 && bits <= 12))
      raise(invalid_scheme("trellis: bits: expected 0.1 to 12, found " + std::to_string(bits)));
    if (tile_rows < 1 || tile_rows > 65536)
      raise(invalid_scheme("trellis: tile_rows: expected 1 to 65536, found " + std::to_string(tile_rows)));
    if (!(damping <= 1e6))
      raise(invalid_scheme("trellis: damping: expected a fraction of the mean diagonal, or below 0, found " +
                           std::to_string(damping)));
  }
};

}  // namespace bitgauge
