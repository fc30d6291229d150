#pragma once

/// \file
/// What a figure that is NaN or infinite hides.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/number_text.hpp>
#include <bitgauge/metrics/error_sums.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <bit>
#include <cstdint>
#include <string>

namespace bitgauge {

/// How many elements of either side are NaN or infinite, in how many places they are the same on both, and
/// what the error of all other pairs is.
class nonfinite_pairs {
 public:
  /// Adds `count` pairs of the original and what stands for it.
  void add(const float* original, const float* approximation, index_t count) {
    for (index_t i = 0; i < count; ++i) {
      const float x = original[i], y = approximation[i];
      if (numeric::is_finite(x) && numeric::is_finite(y)) {
        rest_.add(&x, &y, 1);
        continue;
      }
      original_.add(x);
      other_.add(y);
      ++places_;
      equal_ += is_same(x, y) ? 1 : 0;
    }
  }
  /// All of it in words.
  std::string note() const {
    return original_.text() + " in the original, " + other_.text() + " in the other, the same in " +
           std::to_string(equal_) + " of " + std::to_string(places_) + " places; elsewhere " +
           (rest_.is_zero() ? "no error" : "mse " + detail::general_text(rest_.mse(), 4));
  }

 private:
  struct counts {
    std::int64_t nan = 0, infinite = 0;

    void add(float x) noexcept {
      nan += numeric::is_nan(x) ? 1 : 0;
      infinite += numeric::is_infinite(x) ? 1 : 0;
    }
    std::string text() const {
      return std::to_string(nan) + " NaN and " + std::to_string(infinite) + " infinite";
    }
  };

  static bool is_same(float a, float b) noexcept {
    return (numeric::is_nan(a) && numeric::is_nan(b)) ||
           std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
  }

  counts original_, other_;
  std::int64_t places_ = 0, equal_ = 0;
  error_sums rest_;
};

}  // namespace bitgauge
