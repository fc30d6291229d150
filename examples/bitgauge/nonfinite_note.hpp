#pragma once

// What a figure that is NaN or infinite hides.

#include <bitgauge/metrics/error_sums.hpp>

#include <cstdint>
#include <string>

namespace program {

/// How many elements of either side are NaN or infinite, in how many places they are the same on both, and
/// what the error of all other pairs is.
class nonfinite_pairs {
 public:
  /// Adds `count` pairs of the original and what stands for it.
  void add(const float* original, const float* approximation, bitgauge::index_t count);
  std::string note() const;

 private:
  struct counts {
    std::int64_t nan = 0, infinite = 0;
  };
  counts original_, other_;
  std::int64_t places_ = 0, equal_ = 0;
  bitgauge::error_sums rest_;
};

}  // namespace program
