#pragma once

/// \file
/// A few floats in one vector, for code that is compiled for whatever instruction set its caller is compiled
/// for. Searches over sixteen numbers at a time take lanes.hpp.

#include <bitgauge/simd/lanes/vector.hpp>

#include <cstring>

namespace bitgauge::simd {

/// `Count` floats in one vector, with the operations that lanes have, too: what is written for both compiles
/// for either.
template <int Count>
struct float_vector {
  static constexpr int count = Count;

  vector<float, Count> in;

  [[gnu::always_inline]] static float_vector load(const float* from) noexcept {
    float_vector out;
    std::memcpy(&out.in, from, sizeof out.in);
    return out;
  }
  [[gnu::always_inline]] static float_vector all(float value) noexcept {
    return {vector<float, Count>{} + value};
  }
  [[gnu::always_inline]] void store(float* to) const noexcept { std::memcpy(to, &in, sizeof in); }

  [[gnu::always_inline]] friend float_vector operator-(const float_vector& a,
                                                       const float_vector& b) noexcept {
    return {a.in - b.in};
  }
  [[gnu::always_inline]] friend float_vector greater(const float_vector& a, const float_vector& b) noexcept {
    return where_less(b, a, a, b);
  }
  /// a < b ? yes : no, one by one.
  [[gnu::always_inline]] friend float_vector where_less(const float_vector& a, const float_vector& b,
                                                        const float_vector& yes,
                                                        const float_vector& no) noexcept {
    return {a.in < b.in ? yes.in : no.in};
  }
};

}  // namespace bitgauge::simd
