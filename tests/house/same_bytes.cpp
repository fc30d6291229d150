/// Prints a hash of what quantizing and dequantizing give, one line a scheme. The same source is compiled by
/// every compiler and flag that same_bytes.cmake knows: all must print the same. This program itself checks
/// that the result depends neither on the instruction set nor on the number of threads, and exits with 1
/// where it does.

#include <bitgauge/bitgauge.hpp>

#include "pseudo_random_matrix.hpp"

#include <bit>
#include <cstdint>
#include <cstdio>
#include <string>

namespace {

/// FNV-1a, 64 bit (Fowler, Noll, Vo).
class hash {
 public:
  void add(std::uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001b3u; }
  template <class Bytes>
  void add_all(const Bytes& bytes) {
    for (const std::uint8_t byte : bytes) add(byte);
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

std::uint64_t hash_of(const Eigen::MatrixXf& W, const std::string& scheme, int threads) {
  const bitgauge::quantized_matrix q =
      bitgauge::quantize(W, bitgauge::parse_scheme(scheme), bitgauge::options{.threads = threads});
  hash all;
  all.add_all(q.codes());
  all.add_all(q.scales().bytes());
  all.add_all(q.zero_points());
  const Eigen::MatrixXf back = q.dequantize(threads);
  for (const float x : back.reshaped())
    for (int shift = 0; shift < 32; shift += 8)
      all.add(static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(x) >> shift));
  return all.value();
}

constexpr const char* schemes[] = {
    "affine",
    "affine:bits=1,group=32",
    "affine:bits=2,group=64,signed=1",
    "affine:bits=3,group=tensor",
    "affine:bits=4,group=128",
    "affine:bits=5,group=column,scale=bf16",
    "affine:bits=8,torch=1",
    "affine:bits=4,rounding=stochastic,seed=7",
    "symmetric:bits=1,group=64",
    "symmetric:bits=3,group=tensor,scale=f16",
    "symmetric:bits=4,group=32,scale=f16",
    "symmetric:bits=6,group=column",
    "symmetric:bits=8,unsigned=1",
    "symmetric:bits=8,torch=1",
};

}  // namespace

int main() {
  const Eigen::MatrixXf W = house::pseudo_random_matrix(67, 259);
  for (const char* scheme : schemes) {
    const std::uint64_t expected = hash_of(W, scheme, 1);
    for (const bitgauge::simd::instruction_set set : bitgauge::simd::available()) {
      const bitgauge::simd::with_instruction_set use(set);
      for (const int threads : {1, 2}) {
        if (hash_of(W, scheme, threads) == expected) continue;
        std::printf("%s: differs with %s and %d threads\n", scheme, bitgauge::simd::name_of(set), threads);
        return 1;
      }
    }
    std::printf("%s %016llx\n", scheme, static_cast<unsigned long long>(expected));
  }
}
