#include <bitgauge/kernel/packed_weights.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>

#include "support/each_instruction_set.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<long> allocations{0};

void* counted(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  void* const memory = std::aligned_alloc(alignment, (bytes / alignment + 1) * alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

// Not to be inlined: GCC would compare malloc() with operator delete and free() with operator new.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  return counted(bytes, alignof(std::max_align_t));
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace {

using namespace bitgauge;

// Catches a buffer that is fetched anew in each call: the second call of a kind fetches none.
TEST(product, fetches_no_memory_once_it_is_warm) {
  const Eigen::MatrixXf w = test::random_matrix(100, 300, 1), x = test::random_matrix(300, 40, 2);
  for (const char* scheme : {"affine:bits=4,group=32", "symmetric:bits=8,group=row",
                             "affine:bits=8,group=column", "nf4:group=64", "symmetric:bits=5,group=16"}) {
    const packed_weights P(quantize(w, parse_scheme(scheme)));
    for (const product_precision precision : {product_precision::exact, product_precision::integer})
      for (const Eigen::Index samples : {1, 3, 40})
        test::on_each_instruction_set([&] {
          Eigen::MatrixXf y(100, samples);
          Eigen::MatrixXd doubles(100, samples);
          const Eigen::Matrix<Eigen::half, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> halves =
              x.leftCols(samples).cast<Eigen::half>();
          const auto multiply = [&] {
            P.multiply(x.leftCols(samples), y, {.precision = precision, .threads = 1});
            P.multiply(halves, doubles, {.precision = precision, .threads = 1});
          };
          multiply();
          const long before = allocations;
          multiply();
          EXPECT_EQ(allocations - before, 0) << scheme << " " << samples;
        });
  }
}

}  // namespace
