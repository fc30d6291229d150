#pragma once

/// \file
/// What the memory of this machine can do, measured in the same run as every figure that is compared with it.
/// arithmetic_limits.hpp has the same of its arithmetic.

#include <cstddef>

namespace bench {

/// Bytes or operations per second, by threads. 0: this machine has nothing of the kind.
struct rate {
  double one_thread = 0;
  double two_threads = 0;
  double with(int threads) const { return threads > 1 ? two_threads : one_thread; }
};

struct limits {
  rate read;  ///< 1 GiB read in 4 streams a thread
  rate copy;  ///< 512 MiB read and 512 MiB written past the caches; both count
  /// The least of 256 MiB, 512 MiB and 1 GiB that is read no faster than 1 GiB: what no cache answers.
  std::size_t beyond_caches = 0;
};

/// Measured at the first call: about three seconds.
const limits& machine_limits();

}  // namespace bench
