#pragma once

// What a figure that is NaN or infinite hides.

#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/metrics/error.hpp>

#include <cstdint>
#include <string>

namespace program {

/// How many elements of either side are NaN or infinite, in how many places they are the same on both, and
/// what the error of all other pairs is.
class nonfinite_pairs {
 public:
  using matrix = bitgauge::io::tensor_file::float_matrix;

  /// Looks at two matrices of one shape.
  void add(const matrix& original, const matrix& approximation);
  bool any() const { return places_ > 0; }
  std::string text() const;

 private:
  struct counts {
    std::int64_t nan = 0, infinite = 0;
    void add(float x);
    std::string text() const;
  };

  counts original_, approximation_;
  std::int64_t places_ = 0, equal_ = 0;
  bitgauge::error_sums rest_;
};

}  // namespace program
