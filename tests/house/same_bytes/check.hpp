#pragma once

/// \file
/// What the programs of this folder share. Each prints a hash of what quantizing and dequantizing give, one
/// line a scheme; the same source is compiled by every compiler and flag at hand, and all must print the
/// same. The program itself checks that the result depends neither on the instruction set nor on the number
/// of threads.

#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include <Eigen/Core>

#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace house {

/// FNV-1a, 64 bit (Fowler, Noll, Vo).
class hash {
 public:
  template <class Bytes>
  void add(const Bytes& bytes) {
    for (const auto byte : bytes) add_byte(static_cast<std::uint8_t>(byte));
  }
  void add(const Eigen::MatrixXf& matrix) {
    for (const float x : matrix.reshaped())
      for (int shift = 0; shift < 32; shift += 8)
        add_byte(static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(x) >> shift));
  }
  std::uint64_t value() const { return value_; }

 private:
  void add_byte(std::uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001b3u; }

  std::uint64_t value_ = 0xcbf29ce484222325u;
};

/// All that a quantized matrix holds, and what it restores.
inline std::uint64_t hash_of(const bitgauge::quantized_matrix& q, int threads) {
  hash all;
  all.add(q.codes());
  all.add(q.scales().bytes());
  all.add(q.zero_points());
  all.add(q.dequantize(threads));
  return all.value();
}

/// Prints result(threads), or ends the program where it depends on what it must not depend on.
template <class Result>
void check(const char* name, const Result& result) {
  const std::uint64_t expected = result(1);
  for (const bitgauge::simd::instruction_set set : bitgauge::simd::available()) {
    const bitgauge::simd::scoped_instruction_set use(set);
    for (const int threads : {1, 2}) {
      if (result(threads) == expected) continue;
      std::printf("%s: differs with %s and %d threads\n", name, bitgauge::simd::name_of(set), threads);
      std::exit(1);
    }
  }
  std::printf("%s %016llx\n", name, static_cast<unsigned long long>(expected));
}

}  // namespace house
