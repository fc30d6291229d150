#pragma once

/// \file
/// What the memory of this machine can do, measured in the same run as every figure that is compared with it.

namespace bench {

/// Bytes per second of one kind of memory memory_hints, by threads.
struct bandwidth {
  double one_thread = 0;
  double two_threads = 0;
  double with(int threads) const { return threads > 1 ? two_threads : one_thread; }
};

struct limits {
  bandwidth read;  ///< 1 GiB read in 4 streams a thread
  bandwidth copy;  ///< 512 MiB read and 512 MiB written past the caches; both count
};

/// Measured at the first call: about two seconds.
const limits& machine_limits();

}  // namespace bench
