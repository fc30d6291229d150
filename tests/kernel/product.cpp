#include <bitgauge/kernel/packed_weights.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>

#include "support/counted_memory.hpp"
#include "support/each_instruction_set.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

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
          const long before = test::allocations;
          multiply();
          EXPECT_EQ(test::allocations - before, 0) << scheme << " " << samples;
        });
  }
}

}  // namespace
