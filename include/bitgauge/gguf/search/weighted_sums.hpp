#pragma once

/// \file
/// Weighted sums over the elements of a block. In `double` they run in a fixed order over products that double
/// holds exactly, so that they do not depend on whether a compiler fuses multiply and add; in `float` every
/// product is rounded before it is added.

#include <bitgauge/numeric/uncontracted.hpp>

#include <bit>
#include <cstdint>

namespace bitgauge::gguf {

/// a * b, rounded before it is added to anything.
[[gnu::always_inline]] inline double product(double a, double b) noexcept {
  return numeric::uncontracted(a * b);
}
[[gnu::always_inline]] inline float product(float a, float b) noexcept {
  return numeric::uncontracted(a * b);
}

/// The sum of squares, from left to right.
template <class Count>
inline float sum_of_squares(const float* x, Count count) noexcept {
  float sum = 0.0f;
  for (Count j = 0; j < count; ++j) sum += product(x[j], x[j]);
  return sum;
}

/// Sums of w x l and w l^2 over levels l. For a scale s the error sum w (x - s l)^2 is
/// sum w x^2 - gain(s).
template <class Real>
struct projection {
  Real with_x = 0;
  Real squares = 0;

  void add(Real weight, Real x, int level) noexcept {
    with_x += product(weight * x, static_cast<Real>(level));
    squares += product(weight * static_cast<Real>(level), static_cast<Real>(level));
  }
  void remove(Real weight, Real x, int level) noexcept {
    with_x -= product(weight * x, static_cast<Real>(level));
    squares -= product(weight * static_cast<Real>(level), static_cast<Real>(level));
  }
  /// True where this explains more of x than `other`: with_x^2 / squares compared without a division.
  bool exceeds(const projection& other) const noexcept {
    return with_x * with_x * other.squares > other.with_x * other.with_x * squares;
  }
  Real gain(Real scale) const noexcept {
    return product(product(Real{2}, scale), with_x) - product(product(scale, scale), squares);
  }
  /// The scale of greatest gain.
  Real scale() const noexcept { return squares > 0 ? with_x / squares : Real{0}; }
};

namespace best {

/// `value` with its lower 9 bits cleared: 44 bits remain, and its product with an integer of up to 9 bits is
/// exact.
constexpr double shortened(double value) noexcept {
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(value) & ~std::uint64_t{0x1ff});
}

/// The weight of element j: its importance, or 1 where there is none.
inline double weight_of(const float* importance, int j) noexcept {
  return importance != nullptr ? static_cast<double>(importance[j]) : 1.0;
}

/// sum w (x - q)^2 over `count` elements; w is 1 where `importance` is null.
inline double weighted_error(const float* x, const float* q, const float* importance, int count) noexcept {
  double error = 0.0;
  for (int j = 0; j < count; ++j) {
    const double difference = static_cast<double>(x[j]) - static_cast<double>(q[j]);
    error += product(weight_of(importance, j), product(difference, difference));
  }
  return error;
}

}  // namespace best
}  // namespace bitgauge::gguf
